/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse cloud test (C11): the app's tests against the deployed app. Its enclave is attested first, and the tests trust
 * nothing but the certificate that was seen then (TEST_CERTIFICATE).
 */
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "cli/app_tests.h"
#include "cli/cmd.h"
#include "cli/context_expect.h"
#include "cli/context_store.h"
#include "cli/workspace.h"

#define URL_SIZE (INSTANCE_DOMAIN_MAX + 32)
#define CERTIFICATE_MAX (256u << 10)

static int say_running(struct err *err)
{
	char text[ERR_TEXT_SIZE];

	(void)snprintf(text, sizeof(text), "%s", err->text);
	return err_set(err, err->code, "%.900s. Are you sure the application is still running?", text);
}

static int attested_certificate(struct cmd_call *call, const struct context *context, struct buf *ret, struct err *err)
{
	const struct context_expect_options options = {.context = context};
	scoped(channel_closep) struct channel *channel = NULL;
	scoped(attest_verdict_freep) struct attest_verdict *verdict = NULL;
	struct context_expect expect;
	int status = context_expect_init(call->settings, &options, &expect, err);

	if (status == 0) {
		status = context_expect_open(&expect, &channel, &verdict, err);
		if (status < 0 && (err->code == ERR_UNAVAILABLE || err->code == ERR_IO))
			(void)say_running(err);
	}
	if (status == 0 && verdict->simulated)
		out_warning(call->out, "SIMULATED: no hardware protects this");
	if (status == 0)
		status = channel_leaf_pem(channel, ret, err);
	context_expect_done(&expect);
	return status;
}

/* In operator mode the cloud's authority vouches for its proxy; nothing is attested. */
static int find_certificate(struct cmd_call *call, const struct context *context, struct buf *ret, struct err *err)
{
	if (strcmp(context->ssl_certificate_origin, "operator") != 0)
		return attested_certificate(call, context, ret, err);
	out_warning(call->out, "TLS of this app ends at the operator's proxy: the tests do not know what answers them");
	return context->cloud_ca ? buf_add_text(ret, context->cloud_ca, err) : 0;
}

static int run_tests(struct cmd_call *call, const struct context *context, const char *workspace,
		     const char *certificate, struct err *err)
{
	const char *domain = context->domain_name ? context->domain_name : context->config_domain_name;
	char url[URL_SIZE];

	if (context->port == 443)
		(void)snprintf(url, sizeof(url), "https://%.253s", domain);
	else
		(void)snprintf(url, sizeof(url), "https://%.253s:%d", domain, (int)context->port);
	return app_tests_run(call->settings, call->out,
			     &(struct app_tests){
				 .dir = context->tests,
				 .command = context->tests_cmd,
				 .requirements = &context->tests_requirements,
				 .workspace = workspace,
				 .url = url,
				 .certificate = certificate,
			     },
			     err);
}

int cmd_test(struct cmd_call *call, struct err *err)
{
	scoped(context_done) struct context context = {0};
	scoped(workspace_done) struct workspace workspace = {0};
	scoped(buf_done) struct buf pem = BUF_INIT(CERTIFICATE_MAX);
	scoped(freep) char *path = NULL;

	if (context_store_load(call->settings, call->args[0], &context, err) < 0)
		return -1;
	if (!context.tests || !context.tests_cmd)
		return err_set(err, ERR_UNSUPPORTED,
			       "the context of %s is of an older version, which has no tests in it", call->args[0]);
	if (find_certificate(call, &context, &pem, err) < 0 || workspace_open(NULL, &workspace, err) < 0)
		return -1;
	if (pem.size && (fs_join(workspace.path, "cert.pem", &path, err) < 0 ||
			 fs_write_new(path, pem.data, pem.size, 0600, err) < 0))
		return -1;
	return run_tests(call, &context, workspace.path, path, err);
}
