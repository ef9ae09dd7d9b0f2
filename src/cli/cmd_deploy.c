/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud deploy (C6): the phases in order, and the way back when one of them fails. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/number.h"
#include "cli/context_store.h"
#include "cli/deploy.h"
#include "cli/interrupt.h"
#include "format/hex.h"
#include "format/uri.h"

#define TIMEOUT_MINUTES_DEFAULT 1440
#define TIMEOUT_MINUTES_MAX 525600
#define ENDED_TRIES 20 /* msed looks every 100 ms at what is under way */
#define ENDED_PAUSE_MS 100
#define FIND_TRIES 6
#define FIND_PAUSE_MS 500
#define NS_PER_MINUTE (60 * NS_PER_SECOND)

void deploy_done(struct deploy *deploy)
{
	secret_done(&deploy->secrets);
	buf_done(&deploy->chain_pem);
	buf_done(&deploy->manifest);
	buf_done(&deploy->document);
	secret_done(&deploy->project_key);
	secret_done(&deploy->owner_seed);
	secret_done(&deploy->tls_key);
	package_done(&deploy->package);
	code_tree_done(&deploy->tree);
	bill_free(deploy->bill);
	context_done(&deploy->context);
	trust_roots_done(&deploy->roots);
	collateral_source_free(deploy->collateral);
	project_done(&deploy->project);
	workspace_done(&deploy->workspace);
	context_pending_done(&deploy->pending);
	free(deploy->project_id);
	free(deploy->replaced);
	free(deploy->tar_path);
	api_close(&deploy->api);
}

static bool may_be_ours(const struct deploy *deploy, const struct app_view *view)
{
	if (view->replaced_by)
		return false;
	if (deploy->takes_over)
		return view->replaces && strcmp(view->replaces, deploy->replaced) == 0;
	return !view->replaces && (!deploy->replaced || strcmp(view->id, deploy->replaced) != 0);
}

/* With --no-verify, or when the answer to POST was lost, the app is known by its name alone. */
static void find_created(struct deploy *deploy)
{
	const char *name = deploy->project.config.name;
	scoped(json_decrefp) json_t *apps = NULL;
	struct err ignored = ERR_INIT;
	const json_t *app;
	size_t i;

	if (app_view_named(&deploy->api, deploy->project_id, name, &apps, &ignored) < 0)
		return;
	json_array_foreach (apps, i, app) {
		struct app_view view;

		if (app_view_read(app, &view, &ignored) == 0 && context_is_uuid(view.id) && may_be_ours(deploy, &view))
			memcpy(deploy->uuid, view.id, sizeof(deploy->uuid));
	}
}

static bool is_answer_lost(const struct err *cause)
{
	return cause->code == ERR_CANCELLED || cause->code == ERR_UNAVAILABLE || cause->code == ERR_TIMEOUT ||
	       cause->code == ERR_IO;
}

/* An upload that was interrupted in the middle: without the whole the cloud makes nothing. */
static bool is_never_sent(const struct deploy *deploy, const struct err *cause)
{
	return !deploy->create_sent || (cause->code == ERR_CANCELLED && !*deploy->uuid && !deploy->interrupted_ns);
}

/* Refused by name: nothing was made. Otherwise the cloud may still be at it, and if no app turns up in time, what is
 * pending lets the next mse look for it. */
static void find_lost(struct deploy *deploy, const struct err *cause)
{
	struct err failed = ERR_INIT;

	for (int i = 0; i < FIND_TRIES && !*deploy->uuid && (deploy->created || is_answer_lost(cause)); i++) {
		find_created(deploy);
		if (!is_answer_lost(cause) || interrupt_sleep_ms(FIND_PAUSE_MS, &failed) < 0)
			break;
	}
	if (!*deploy->uuid && !is_answer_lost(cause))
		IGNORE_RESULT(context_pending_drop(&deploy->pending, &failed));
}

/* Nothing half-made stays: the app is stopped, what was pending is dropped. */
static void undo(struct deploy *deploy, const struct err *cause)
{
	struct out *out = deploy->call->out;
	struct err failed = ERR_INIT;

	if (deploy_may_have_domain(deploy, cause)) {
		out_warning(out,
			    "the app %s has the domain by now, or may have it, and goes on: see `mse cloud status %s`",
			    deploy->uuid, deploy->uuid);
		return;
	}
	if (is_never_sent(deploy, cause)) {
		IGNORE_RESULT(context_pending_drop(&deploy->pending, &failed));
		return;
	}
	interrupt_forgive();
	find_lost(deploy, cause);
	if (!*deploy->uuid)
		return;
	if (cause->code == ERR_CONFLICT || cause->code == ERR_TIMEOUT)
		deploy_show_log(deploy);
	if (app_view_stop(&deploy->api, deploy->uuid, &failed) < 0) {
		out_warning(out, "the app %s could not be stopped: %s", deploy->uuid, failed.text);
		return;
	}
	out_info(out, "The app %s has been stopped", deploy->uuid);
	if (deploy->takes_over)
		out_info(out, "The app %s goes on as before", deploy->replaced);
	IGNORE_RESULT(context_pending_drop(&deploy->pending, &failed));
	if (deploy->is_stored)
		IGNORE_RESULT(context_store_remove(deploy->call->settings, deploy->uuid, &failed));
}

static int read_timeout(struct deploy *deploy, struct err *err)
{
	const char *text = cmd_value(deploy->call, "timeout");
	uint64_t minutes = TIMEOUT_MINUTES_DEFAULT;

	if (text && number_parse_u64(text, 1, TIMEOUT_MINUTES_MAX, &minutes, err) < 0)
		return err_prefix(err, "--timeout");
	deploy->until_ns = clock_monotonic_ns() + (int64_t)minutes * NS_PER_MINUTE;
	return 0;
}

static int prepare(struct deploy *deploy, struct err *err)
{
	struct cmd_call *call = deploy->call;
	const char *pccs = cmd_has(call, "pccs") ? cmd_value(call, "pccs") : call->settings->pccs_url;

	deploy->began = clock_now_seconds();
	if (read_timeout(deploy, err) < 0 ||
	    project_load(call->out, cmd_value(call, "path"), &deploy->project, err) < 0 ||
	    api_open(call->settings, &deploy->api, err) < 0 ||
	    trust_roots_load(&deploy->api.trust, cmd_value(call, "allow-simulation"), &deploy->roots, err) < 0 ||
	    collateral_source_new(call->settings, pccs ? pccs : deploy->api.url, COLLATERAL_CACHED, &deploy->collateral,
				  err) < 0)
		return -1;
	deploy->operator_tls = cmd_has(call, "untrusted-ssl") || deploy->project.config.dev_mode;
	if (deploy->operator_tls)
		out_warning(call->out,
			    "This app runs in untrusted-ssl mode with an operator certificate. The operator may access "
			    "all communications with the app. For quick tests only");
	if (cmd_has(call, "no-verify"))
		out_warning(call->out, "The enclave is not verified: code key and secrets go to whoever answers");
	return 0;
}

static int step(struct deploy *deploy, const char *text, int (*phase)(struct deploy *deploy, struct err *err),
		struct err *err)
{
	out_step(deploy->call->out, "%s", text);
	if (interrupt_check(err) < 0 || phase(deploy, err) < 0)
		return -1;
	out_step_done(deploy->call->out);
	return 0;
}

static int wait_initializing(struct deploy *deploy, struct err *err)
{
	return deploy_wait_status(deploy, "initializing", err);
}

static int wait_running(struct deploy *deploy, struct err *err)
{
	return deploy_wait_status(deploy, "running", err);
}

static bool is_connection_lost(const struct err *cause)
{
	static const char lost[] = "attest-http";

	return cause->code == ERR_UNAVAILABLE || cause->code == ERR_TIMEOUT || cause->code == ERR_IO ||
	       strncmp(cause->text, lost, strlen(lost)) == 0;
}

/* Whether the app comes to its end within moments; *err then says why. */
static bool has_ended(struct deploy *deploy, struct err *err)
{
	struct err ignored = ERR_INIT;

	for (int i = 0; i < ENDED_TRIES; i++) {
		scoped(json_decrefp) json_t *app = NULL;
		struct app_view view;

		if (app_view_get(&deploy->api, deploy->uuid, &app, &view, &ignored) < 0)
			return false;
		if (app_view_is_final(&view)) {
			(void)err_set(err, ERR_CONFLICT, "the app is %s: %s", view.status,
				      view.reason ? view.reason : "");
			return true;
		}
		if (interrupt_sleep_ms(ENDED_PAUSE_MS, &ignored) < 0)
			return false;
	}
	return false;
}

/*
 * An app that fails to load takes its enclave along, perhaps in the middle of this: then why it ended is the news, not
 * that a connection was lost. It is a failure either way, so the cloud's word cannot do harm.
 */
static int attest_application(struct deploy *deploy, struct err *err)
{
	struct err ended = ERR_INIT;

	if (deploy_attest_again(deploy, err) == 0)
		return 0;
	if (is_connection_lost(err) && has_ended(deploy, &ended))
		*err = ended;
	return -1;
}

static int make_package(struct deploy *deploy, struct err *err)
{
	if (workspace_open(cmd_value(deploy->call, "workspace"), &deploy->workspace, err) < 0 ||
	    step(deploy, "Encrypting the code", deploy_package, err) < 0 ||
	    step(deploy, "Computing the fingerprint", deploy_measure, err) < 0)
		return -1;
	out_info(deploy->call->out, "Workspace: %s", deploy->workspace.path);
	return 0;
}

static int check(struct deploy *deploy, struct err *err)
{
	return deploy_check_cloud(deploy, err) < 0 ? -1 : deploy_check_project(deploy, err);
}

static int start(struct deploy *deploy, struct err *err)
{
	return step(deploy, "Starting the enclave", wait_initializing, err);
}

/* Operator mode ends TLS before the enclave: there is no second connection to attest. */
static int attest(struct deploy *deploy, struct err *err)
{
	return deploy->operator_tls ? 0 : step(deploy, "Attesting the application", attest_application, err);
}

static int serve(struct deploy *deploy, struct err *err)
{
	return step(deploy, "Waiting for the application", wait_running, err);
}

static int commit(struct deploy *deploy, struct err *err)
{
	if (context_pending_commit(deploy->call->settings, &deploy->pending, &deploy->context, deploy->tar_path, err) <
	    0)
		return -1;
	deploy->is_stored = true;
	return 0;
}

/* The order of mission section 8; the names are those of phases_ms in docs/formats/cli-json.md. */
static const struct {
	const char *name;
	int (*run)(struct deploy *deploy, struct err *err);
} phases[] = {
    {"prepare", prepare},      {"check", check},
    {"package", make_package}, {"create", deploy_create},
    {"start", start},          {"provision", deploy_provision},
    {"attest", attest},        {"serve", serve},
    {"context", commit},       {"take_over", deploy_take_over},
};

_Static_assert(COUNT_OF(phases) <= DEPLOY_PHASES_MAX, "every phase is timed");

static int run(struct deploy *deploy, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(phases); i++) {
		const int64_t began = clock_monotonic_ns();

		if (phases[i].run(deploy, err) < 0)
			return -1;
		deploy->phases[deploy->phase_count++] =
		    (struct deploy_phase){.name = phases[i].name, .ms = (clock_monotonic_ns() - began) / NS_PER_MS};
	}
	return 0;
}

static json_t *phases_json(const struct deploy *deploy)
{
	json_t *object = json_object();

	for (size_t i = 0; i < deploy->phase_count; i++)
		(void)json_object_set_new(object, deploy->phases[i].name, json_integer(deploy->phases[i].ms));
	return object;
}

static void print_curl(struct deploy *deploy, const char *address)
{
	const char *path = deploy->project.config.healthcheck_endpoint;

	switch (deploy->instance.tls) {
	case INSTANCE_TLS_SELF:
		out_advice(deploy->call->out, "You can now test it: curl https://%s%s --cacert %s/ratls.pem", address,
			   path, deploy->workspace.path);
		return;
	case INSTANCE_TLS_OWNER:
	case INSTANCE_TLS_ACME:
	case INSTANCE_TLS_OPERATOR:
		out_advice(deploy->call->out, "You can now test it: curl https://%s%s", address, path);
		return;
	}
}

static int report(struct deploy *deploy, struct err *err)
{
	struct out *out = deploy->call->out;
	char fingerprint[HEX_TEXT_SIZE(DEPLOY_HASH_SIZE)];
	char belief[BILL_BELIEF_TEXT_SIZE];
	scoped(freep) char *address = NULL;
	json_t *object;

	hex_encode(deploy->fingerprint, sizeof(deploy->fingerprint), fingerprint);
	if (deploy->port == 443 ? asprintf(&address, "%s", deploy->instance.domain) < 0
				: asprintf(&address, "%s:%u", deploy->instance.domain, deploy->port) < 0)
		return err_no_memory(err);
	if (cmd_has(deploy->call, "json")) {
		object = json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:s,s:s,s:b,s:s}", "id", deploy->uuid, "name",
				   deploy->project.config.name, "status", "running", "domain_name",
				   deploy->instance.domain, "config_domain_name", deploy->instance.config_domain,
				   "port", (int)deploy->port, "ssl_certificate_origin",
				   instance_tls_text(deploy->instance.tls), "fingerprint", fingerprint, "verified",
				   !cmd_has(deploy->call, "no-verify"), "workspace", deploy->workspace.path);
		bill_belief_json(&deploy->bill_belief, object);
		(void)json_object_set_new(object, "phases_ms", phases_json(deploy));
		(void)json_object_set_new(object, "replaced",
					  deploy->replaced ? json_string(deploy->replaced) : json_null());
		out_json(out, object);
		return 0;
	}
	out_success(out, "Your application is now deployed and ready to be used on https://%s until %s", address,
		    *deploy->instance.expires ? deploy->instance.expires : "it is stopped");
	out_info(out, "UUID         %s", deploy->uuid);
	bill_belief_text(&deploy->bill_belief, belief);
	out_info(out, "Fingerprint  %s", fingerprint);
	out_info(out, "Image bill   %s", belief);
	out_info(out, "The context of this creation can be retrieved using `mse cloud context --export %s`",
		 deploy->uuid);
	print_curl(deploy, address);
	return 0;
}

int cmd_deploy(struct cmd_call *call, struct err *err)
{
	struct deploy deploy = {.call = call, .pending = CONTEXT_PENDING_INIT};
	int status = run(&deploy, err);

	if (status < 0)
		undo(&deploy, err);
	if (status < 0 && deploy.workspace.keep)
		out_info(call->out, "The files made on the way are in %s", deploy.workspace.path);
	if (status == 0)
		status = report(&deploy, err);
	deploy_done(&deploy);
	return status;
}
