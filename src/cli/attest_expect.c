/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/attest_expect.h"

#include <string.h>

#include "cli/deployments.h"
#include "format/hex.h"

int attest_expect_role(const struct cmd_call *call, uint8_t *ret, struct err *err)
{
	const char *text = cmd_value(call, "role");

	if (!text)
		return 0;
	if (strcmp(text, "1") != 0 && strcmp(text, "2") != 0)
		return err_set(err, ERR_INVALID,
			       "--role is '%s', expected 1 (it waits for its keys) or 2 (the application)", text);
	*ret = text[0] == '1' ? ATTEST_ROLE_CONFIGURATION : ATTEST_ROLE_APPLICATION;
	return 0;
}

/* ---- the owner ---- */

static int take_owner(struct attest_expect *expect, const uint8_t key[static 32], const char *from, struct err *err)
{
	if (expect->has_owner_key && memcmp(expect->owner_key, key, sizeof(expect->owner_key)) != 0)
		return err_set(err, ERR_INVALID, "--owner-key is another key than that of %s", from);
	memcpy(expect->owner_key, key, sizeof(expect->owner_key));
	expect->has_owner_key = true;
	return 0;
}

static int read_owner(const struct cmd_call *call, struct attest_expect *expect, struct err *err)
{
	const char *text = cmd_value(call, "owner-key");
	uint8_t key[32];

	if (!text)
		return 0;
	if (hex_decode(text, strlen(text), key, sizeof(key), err) < 0)
		return err_prefix(err, "--owner-key (32 bytes)");
	return take_owner(expect, key, "the command line", err);
}

static int read_tickets(const struct cmd_call *call, struct attest_expect *expect, struct err *err)
{
	const char *from = cmd_value(call, "tickets-from");

	if (from && !expect->has_owner_key)
		return err_set(err, ERR_INVALID,
			       "--tickets-from goes with --owner-key, or with a context or release that names the "
			       "owner");
	if (from && attest_options_time(from, &expect->tickets_from, err) < 0)
		return err_prefix(err, "--tickets-from");
	return 0;
}

/* ---- the code ---- */

static bool is_allowed(const struct attest_policy *policy, const struct attest_measurement *wanted)
{
	for (size_t i = 0; i < policy->measurement_count; i++) {
		const struct attest_measurement *allowed = &policy->measurements[i];

		if (allowed->size == wanted->size && memcmp(allowed->data, wanted->data, wanted->size) == 0)
			return true;
	}
	return policy->measurement_count == 0;
}

static int take_fingerprint(struct attest_expect *expect, struct attest_options *options, struct err *err)
{
	const struct context_expect *app = &expect->app.expect;
	struct attest_measurement *measurement = &expect->measurement;

	measurement->size = sizeof(app->fingerprint);
	memcpy(measurement->data, app->fingerprint, sizeof(app->fingerprint));
	if (!is_allowed(&options->policy, measurement))
		return err_set(err, ERR_INVALID, "--measurement or the policy does not allow the fingerprint of the %s",
			       expect->app.has_context ? "context" : "release");
	options->policy.measurements = measurement;
	options->policy.measurement_count = 1;
	return 0;
}

static int read_app(const struct cmd_call *call, const char *domain, struct attest_options *options,
		    struct attest_expect *expect, struct err *err)
{
	const struct app_expect_options given = {
	    .address = domain,
	    .context = cmd_value(call, "context"),
	    .code = cmd_value(call, "code"),
	    .release = cmd_value(call, "release"),
	    .libpal = cmd_value(call, "libpal"),
	    .mode = options->mode,
	    .has_policy = true,
	};
	const struct context_expect *app = &expect->app.expect;

	if (!given.context && !given.release && given.libpal)
		return err_set(err, ERR_INVALID, "--libpal goes with --release");
	if (!given.context && !given.release)
		return given.code ? err_set(err, ERR_INVALID, "--code goes with --context") : 0;
	expect->has_app = true;
	if (app_expect_init(call->settings, call->out, &given, &expect->app, err) < 0)
		return -1;
	expect->instance = app->instance;
	if (app->has_owner_key &&
	    take_owner(expect, app->owner_key, expect->app.has_context ? "the context" : "the release", err) < 0)
		return -1;
	return app->has_fingerprint ? take_fingerprint(expect, options, err) : 0;
}

/* Whoever named the owner: of stored contexts, and of the one that was given. */
static int see_deployments(const struct cmd_call *call, const char *domain, int64_t until, struct attest_expect *expect,
			   struct err *err)
{
	if (expect->has_app && expect->app.has_context &&
	    deployment_of_context(&expect->app.context, &expect->deployed_seen, err) < 0)
		return -1;
	return expect->has_owner_key
		   ? deployments_of_owner(call->settings, domain, expect->owner_key, until, &expect->deployed_seen, err)
		   : 0;
}

int attest_expect_load(const struct cmd_call *call, const char *domain, int64_t until, struct attest_options *options,
		       struct attest_expect *ret, struct err *err)
{
	memset(ret, 0, sizeof(*ret));
	ret->instance.domain = domain;
	if (read_owner(call, ret, err) < 0 || read_app(call, domain, options, ret, err) < 0)
		return -1;
	if (see_deployments(call, domain, until, ret, err) < 0)
		return -1;
	return read_tickets(call, ret, err);
}

void attest_expect_done(struct attest_expect *expect)
{
	if (expect->has_app)
		app_expect_done(&expect->app);
	expect->has_app = false;
}

/* ---- for who asks ---- */

const uint8_t *attest_expect_owner_key(const struct attest_expect *expect)
{
	return expect->has_owner_key ? expect->owner_key : NULL;
}

const uint8_t *attest_expect_identity(const struct attest_expect *expect)
{
	return expect->has_app && expect->app.expect.has_identity ? expect->app.expect.identity : NULL;
}
