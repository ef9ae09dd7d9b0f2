/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/context_expect.h"

#include <stdio.h>
#include <string.h>

#include "cli/deployments.h"
#include "format/hex.h"

#define URL_MAX 512
#define CLOUD_NAME_DIGITS 16

static int read_hex(const char *text, uint8_t *ret, size_t size, bool *ret_present, struct err *err)
{
	*ret_present = text != NULL;
	return text ? hex_decode(text, strlen(text), ret, size, err) : 0;
}

/* Every field of the document that the owner saw and signed. */
static int read_document(const struct context *context, struct context_expect *expect, struct err *err)
{
	const struct instance *document = &expect->document;

	if (!context->document) {
		expect->instance.tls = context->ssl_certificate_origin;
		expect->instance.uuid = context->id;
		expect->instance.config_domain = context->config_domain_name;
		return 0;
	}
	if (instance_parse(context->document, strlen(context->document), &expect->document, err) < 0)
		return err_prefix(err, "instance.document");
	expect->instance = (struct attest_instance_expected){
	    .domain = document->domain,
	    .tls = instance_tls_text(document->tls),
	    .certificate = document->certificate,
	    .config_domain = document->config_domain,
	    .expires = document->expires,
	    .log_key = document->log_key,
	    .subject = document->subject,
	    .uuid = document->uuid,
	};
	return 0;
}

static int read_context(const struct context *context, struct context_expect *expect, struct err *err)
{
	if (strcmp(context->ssl_certificate_origin, "operator") == 0)
		return err_set(err, ERR_UNSUPPORTED,
			       "not-attestable: TLS of this app ends at the operator's proxy (--untrusted-ssl)");
	if (read_document(context, expect, err) < 0 ||
	    read_hex(context->fingerprint, expect->fingerprint, sizeof(expect->fingerprint), &expect->has_fingerprint,
		     err) < 0 ||
	    read_hex(context->owner_public_key, expect->owner_key, sizeof(expect->owner_key), &expect->has_owner_key,
		     err) < 0 ||
	    read_hex(context->identity, expect->identity, sizeof(expect->identity), &expect->has_identity, err) < 0)
		return -1;
	return deployment_of_context(context, &expect->deployed_seen, err);
}

static const char *domain_of(const struct context *context)
{
	return context->domain_name ? context->domain_name : context->config_domain_name;
}

static int find_address(const struct context_expect_options *options, struct context_expect *expect, struct err *err)
{
	const struct context *context = options->context;
	const uint16_t port = context ? (uint16_t)context->port : HTTPS_PORT;

	if (hostport_parse(options->address ? options->address : domain_of(context), port, &expect->address, err) < 0)
		return -1;
	expect->instance.domain = expect->address.host;
	if (context && strcasecmp(expect->address.host, domain_of(context)) != 0)
		return err_set(err, ERR_INVALID, "the context is that of '%s', not of '%s'", domain_of(context),
			       expect->address.host);
	return 0;
}

static int find_trust(const struct settings *settings, struct context_expect *expect, struct err *err)
{
	const struct context *context = expect->context;
	int found = trust_find_by_domain(settings, expect->address.host, &expect->trust, err);

	if (found == 0 && context && context->cloud_url)
		found = trust_find_by_url(settings, context->cloud_url, &expect->trust, err);
	expect->is_trusted = found > 0;
	return found < 0 ? -1 : 0;
}

/* "<16 hex>.BASE": a name that a cloud made, with its API beside it. */
static bool is_cloud_name(const char *host)
{
	const size_t size = strspn(host, "0123456789abcdef");

	return size == CLOUD_NAME_DIGITS && host[size] == '.';
}

/* Collateral is signed, so the place to ask for it may be guessed: the API beside the domain. */
static int find_collateral(const struct settings *settings, const struct context_expect_options *options,
			   struct context_expect *expect, struct err *err)
{
	const char *dot = strchr(expect->address.host, '.');
	scoped(freep) char *by_default = NULL;
	char guess[URL_MAX];
	const char *url = options->pccs ? options->pccs : settings->pccs_url;

	if (!url && expect->is_trusted)
		url = expect->trust.url;
	if (!url && expect->context)
		url = expect->context->cloud_url;
	if (!url && !is_cloud_name(expect->address.host)) {
		if (trust_default_url(settings, &by_default, err) < 0)
			return -1;
		url = settings->base_url ? settings->base_url : by_default;
	}
	if (!url && !host_is_address(expect->address.host)) {
		(void)snprintf(guess, sizeof(guess), "https://api%s:%u", dot ? dot : ".localhost",
			       expect->address.port);
		url = guess;
	}
	return collateral_source_new(settings, url, options->mode, &expect->collateral, err);
}

/* Whoever named the owner: what is known of that owner's deployments for the domain counts. */
static int see_deployments(const struct settings *settings, struct context_expect *expect, struct err *err)
{
	return deployments_of_owner(settings, expect->address.host, expect->owner_key, INT64_MAX,
				    &expect->deployed_seen, err);
}

int context_expect_init(const struct settings *settings, const struct context_expect_options *options,
			struct context_expect *ret, struct err *err)
{
	*ret = (struct context_expect){.context = options->context};
	if (find_address(options, ret, err) < 0 || find_trust(settings, ret, err) < 0 ||
	    trust_roots_load(ret->is_trusted ? &ret->trust : NULL, options->simulation_root, &ret->roots, err) < 0 ||
	    find_collateral(settings, options, ret, err) < 0)
		return -1;
	if (options->context && read_context(options->context, ret, err) < 0)
		return -1;
	return ret->has_owner_key ? see_deployments(settings, ret, err) : 0;
}

int context_expect_owner(const struct settings *settings, const uint8_t owner_key[static 32],
			 struct context_expect *expect, struct err *err)
{
	memcpy(expect->owner_key, owner_key, sizeof(expect->owner_key));
	expect->has_owner_key = true;
	return see_deployments(settings, expect, err);
}

void context_expect_judge_by(struct context_expect *expect, const struct attest_options *judged)
{
	if (judged->file_policy)
		trust_roots_done(&expect->roots);
	expect->policy = &judged->policy;
	expect->hardware_roots = &judged->roots;
}

void context_expect_done(struct context_expect *expect)
{
	trust_done(&expect->trust);
	trust_roots_done(&expect->roots);
	collateral_source_free(expect->collateral);
	expect->collateral = NULL;
}

int context_expect_open(struct context_expect *expect, struct channel **ret_channel,
			struct attest_verdict **ret_verdict, struct err *err)
{
	const struct channel_expect channel = {
	    .host = expect->address.host,
	    .port = expect->address.port,
	    .role = ATTEST_ROLE_APPLICATION,
	    .instance = &expect->instance,
	    .fingerprint = expect->has_fingerprint ? expect->fingerprint : NULL,
	    .owner_key = expect->has_owner_key ? expect->owner_key : NULL,
	    .identity = expect->has_identity ? expect->identity : NULL,
	    .deployed_seen = expect->deployed_seen,
	    .simulation_roots = expect->roots.roots,
	    .simulation_root_count = expect->roots.count,
	    .collateral = expect->collateral,
	    .policy = expect->policy,
	    .roots = expect->hardware_roots,
	};

	return channel_open(&channel, ret_channel, ret_verdict, err);
}
