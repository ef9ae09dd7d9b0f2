/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse cloud verify (C12): does the domain end in the expected enclave, now? Needs no sign-in. The fingerprint is
 * given, recomputed from the context and the plain code, or taken from the context; without any of them the check
 * says little, and says so.
 */
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "cli/app_expect.h"
#include "cli/cmd.h"
#include "cli/workspace.h"
#include "domain/release.h"
#include "net/curl_client.h"

#define CERTIFICATE_FILE "cert.pem"
#define CERTIFICATE_MAX (256u << 10)
#define DIFFERENCES_MAX 10
#define LINES_MAX 2048

struct verify {
	struct cmd_call *call;
	struct app_expect app;
};

/* The cloud's copy of what it started: not believed, but it may tell what differs. */
static void explain(struct verify *verify, const struct attest_verdict *verdict)
{
	const struct curl_client_options options = {.insecure = true};
	scoped(curl_client_freep) struct curl_client *client = NULL;
	scoped(buf_done) struct buf lines = BUF_INIT(LINES_MAX);
	struct curl_response response = CURL_RESPONSE_INIT;
	struct err ignored = ERR_INIT;
	char url[1024];

	if (verdict->error != ATTEST_ERROR_MEASUREMENT || verify->app.manifest.size == 0 ||
	    !verify->app.context.cloud_url)
		return;
	(void)snprintf(url, sizeof(url), "%.700s/apps/%s/manifest", verify->app.context.cloud_url,
		       verify->app.context.id);
	if (curl_client_new(&options, &client, &ignored) == 0 &&
	    curl_client_request(
		client, &(struct curl_request){.url = url, .response_max = RELEASE_MANIFEST_MAX, .no_retry = true},
		&response, &ignored) == 0 &&
	    response.status == 200 &&
	    release_diff(verify->app.manifest.data, verify->app.manifest.size, response.body.data, response.body.size,
			 DIFFERENCES_MAX, &lines, &ignored) > 0)
		out_error(verify->call->out, "What the cloud says it runs differs:\n%s", buf_text(&lines));
	curl_response_done(&response);
}

/* The head of the verdict and what failed; every check with --verbose. */
static void print_text(struct out *out, char *text, bool verbose)
{
	static const char *const details[] = {"passed  ", "  -  ", "until  "};
	char *line;

	while ((line = strsep(&text, "\n"))) {
		bool is_detail = *line == '\0';

		for (size_t i = 0; i < COUNT_OF(details) && !is_detail; i++)
			is_detail = strncmp(line, details[i], strlen(details[i])) == 0;
		if (!is_detail || (verbose && *line))
			out_print(out, "%s\n", line);
	}
}

static int print_verdict(struct verify *verify, const struct attest_verdict *verdict, struct err *err)
{
	struct out *out = verify->call->out;
	char belief[BILL_BELIEF_TEXT_SIZE];
	const struct collateral_source *source = verify->app.expect.collateral;
	scoped(buf_done) struct buf given_by = BUF_INIT(COLLATERAL_SET_TEXT_MAX);
	scoped(freep) char *text = NULL;
	json_t *object;

	if (!cmd_has(verify->call, "json")) {
		text = attest_verdict_text(verdict);
		if (!text)
			return err_no_memory(err);
		print_text(out, text, cmd_has(verify->call, "verbose"));
		if (verify->app.has_bill) {
			bill_belief_text(&verify->app.bill, belief);
			out_print(out, "  %-14s%s\n", "image bill", belief);
		}
		if (collateral_source_text(source, &given_by, err) < 0)
			return -1;
		if (given_by.size)
			out_print(out, "  %-14s%s\n", "collateral", buf_text(&given_by));
		return 0;
	}
	text = attest_verdict_json(verdict);
	object = text ? json_loads(text, 0, NULL) : NULL;
	if (!object)
		return err_no_memory(err);
	(void)json_object_set_new(object, "domain", json_string(verify->app.expect.address.host));
	(void)json_object_set_new(object, "fingerprint_from", json_string(verify->app.fingerprint_from));
	(void)json_object_set_new(object, "collateral", collateral_source_json(source));
	(void)json_object_set_new(object, "bill", json_null());
	if (verify->app.has_bill)
		bill_belief_json(&verify->app.bill, object);
	out_json(out, object);
	return 0;
}

/* In owner mode users meet the owner's certificate, else the enclave's own. */
static int write_certificate(struct verify *verify, const struct channel *channel, struct err *err)
{
	scoped(buf_done) struct buf pem = BUF_INIT(CERTIFICATE_MAX);
	scoped(workspace_done) struct workspace workspace = {0};
	scoped(freep) char *path = NULL;
	const char *folder = cmd_value(verify->call, "workspace");

	if (channel_leaf_pem(channel, &pem, err) < 0 ||
	    fs_write_atomic(CERTIFICATE_FILE, pem.data, pem.size, 0644, err) < 0)
		return -1;
	out_info(verify->call->out, "The verified certificate has been saved at: ./%s", CERTIFICATE_FILE);
	if (!folder)
		return 0;
	buf_clear(&pem);
	if (workspace_open(folder, &workspace, err) < 0 || fs_join(workspace.path, "ratls.pem", &path, err) < 0 ||
	    channel_certificate_pem(channel, &pem, err) < 0)
		return -1;
	return fs_write_atomic(path, pem.data, pem.size, 0644, err);
}

static bool ends_at_operator(const struct attest_verdict *verdict)
{
	struct instance instance;
	struct err ignored = ERR_INIT;

	return verdict->has_instance && strcmp(verdict->error_text, "instance-field:tls") == 0 &&
	       instance_parse(verdict->instance_document, strlen(verdict->instance_document), &instance, &ignored) ==
		   0 &&
	       instance.tls == INSTANCE_TLS_OPERATOR;
}

static int connect_and_judge(struct verify *verify, struct err *err)
{
	scoped(channel_closep) struct channel *channel = NULL;
	scoped(attest_verdict_freep) struct attest_verdict *verdict = NULL;
	struct err ignored = ERR_INIT;
	const int status = context_expect_open(&verify->app.expect, &channel, &verdict, err);

	if (verdict && print_verdict(verify, verdict, status < 0 ? &ignored : err) < 0)
		return -1;
	if (status < 0) {
		if (verdict)
			explain(verify, verdict);
		if (verdict && verdict->error == ATTEST_ERROR_INSTANCE_FIELD && ends_at_operator(verdict))
			(void)err_set(err, ERR_UNSUPPORTED, "not-attestable: TLS ends at the operator's proxy");
		return err_prefix(err, "'%s' is not verified", verify->app.expect.address.host);
	}
	if (write_certificate(verify, channel, err) < 0)
		return -1;
	out_success(verify->call->out, "Verification success");
	return 0;
}

static int run(struct verify *verify, struct err *err)
{
	const struct cmd_call *call = verify->call;
	const struct app_expect_options options = {
	    .address = call->args[0],
	    .context = cmd_value(call, "context"),
	    .code = cmd_value(call, "code"),
	    .fingerprint = cmd_value(call, "fingerprint"),
	    .simulation_root = cmd_value(call, "allow-simulation"),
	    .pccs = cmd_value(call, "pccs"),
	    .may_be_any = true,
	};

	if (app_expect_init(call->settings, call->out, &options, &verify->app, err) < 0)
		return -1;
	return connect_and_judge(verify, err);
}

int cmd_verify(struct cmd_call *call, struct err *err)
{
	struct verify verify = {.call = call};
	const int status = run(&verify, err);

	app_expect_done(&verify.app);
	return status;
}
