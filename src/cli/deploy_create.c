/* SPDX-License-Identifier: Apache-2.0 */
/* POST /apps, and what of the cloud's answer is taken over: nothing but names, which are then compared. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/context_store.h"
#include "cli/cut_off.h"
#include "cli/deploy.h"
#include "cli/interrupt.h"
#include "format/hex.h"
#include "format/json.h"

#define UPLOAD_TIMEOUT_MS (60 * 60 * 1000)
#define ANSWER_WAIT_NS (30 * NS_PER_SECOND)
#define POLL_MS 50
#define DOCUMENT_MAX INSTANCE_SIZE_MAX
#define DATE_SIZE 48
#define MIB (1u << 20)

static const char *tls_mode(const struct deploy *deploy)
{
	if (deploy->operator_tls)
		return "operator";
	return deploy->project.config.has_ssl ? "owner" : "self";
}

static int set_hex(json_t *object, const char *name, const uint8_t *data, bool present)
{
	char text[HEX_TEXT_SIZE(DEPLOY_HASH_SIZE)] = "";

	if (present)
		hex_encode(data, DEPLOY_HASH_SIZE, text);
	return json_object_set_new(object, name, json_string(text));
}

static bool logs_are_owners(const struct deploy *deploy)
{
	return !deploy->project.config.logs || strcmp(deploy->project.config.logs, "owner") == 0;
}

static json_t *make_conf(const struct deploy *deploy)
{
	const struct app_config *config = &deploy->project.config;
	const bool owner = config->has_ssl && !deploy->operator_tls;
	char expires[DATE_SIZE];
	json_t *conf =
	    json_pack("{s:s,s:s,s:b,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "name", config->name, "project", config->project,
		      "dev_mode", deploy->operator_tls, "healthcheck_endpoint", config->healthcheck_endpoint,
		      "python_application", config->python_application, "hardware", config->hardware, "docker",
		      config->docker, "restart", config->restart ? config->restart : "sealed", "logs",
		      config->logs ? config->logs : "owner", "egress", config->egress ? config->egress : "internet");
	int status = conf ? 0 : -1;

	if (deploy->expires) {
		clock_format_utc(deploy->expires, expires);
		expires[strlen(expires) - 1] = '\0'; /* the Z: A1's form has a fraction before it */
		(void)snprintf(expires + strlen(expires), sizeof(expires) - strlen(expires), ".000000Z");
		status |= json_object_set_new(conf, "expires_at", json_string(expires));
	}
	if (owner) {
		status |= json_object_set_new(conf, "domain_name", json_string(config->ssl_domain_name));
		status |= json_object_set_new(conf, "ssl_certificate", json_string(buf_text(&deploy->chain_pem)));
	}
	if (deploy->takes_over)
		status |= json_object_set_new(conf, "replaces", json_string(deploy->replaced));
	status |= set_hex(conf, "owner_key", deploy->owner_public, true);
	status |= set_hex(conf, "code_key_id", deploy->package.code_key_id, true);
	status |= set_hex(conf, "log_key", deploy->log_public, logs_are_owners(deploy));
	if (status < 0) {
		json_decref(conf);
		return NULL;
	}
	return conf;
}

/*
 * An interrupt ends the upload while a part of it has not left yet: without the whole, the cloud makes nothing. After
 * that its answer is awaited for a while, because it names the app that is then to be stopped.
 */
static bool goes_on(struct deploy *deploy, uint64_t sent, uint64_t send_total)
{
	if (!interrupt_seen())
		return true;
	if (sent < send_total || send_total == 0)
		return false;
	if (deploy->interrupted_ns == 0)
		deploy->interrupted_ns = clock_monotonic_ns();
	return clock_monotonic_ns() - deploy->interrupted_ns < ANSWER_WAIT_NS;
}

static bool on_progress(void *arg, uint64_t sent, uint64_t send_total, uint64_t received, uint64_t receive_total)
{
	struct deploy *deploy = arg;
	struct out *out = deploy->call->out;

	(void)received;
	(void)receive_total;
	if (send_total > MIB)
		out_step_progress(out, "Sending the code: %llu of %llu MB", (unsigned long long)(sent / MIB),
				  (unsigned long long)(send_total / MIB));
	return goes_on(deploy, sent, send_total);
}

/* Both need hardware for a while. */
static int say_refused(const struct deploy *deploy, struct err *err)
{
	const struct err said = *err;

	if (!deploy->takes_over || !strstr(said.text, "not enough hardware"))
		return -1;
	return err_set(
	    err, said.code,
	    "%s. Nothing was changed: --stop-first stops the running app first, and its domain is away meanwhile",
	    said.text);
}

static int send_app(struct deploy *deploy, json_t **ret_answer, struct err *err)
{
	json_t *conf = make_conf(deploy);
	scoped(freep) char *text = conf ? json_dumps(conf, JSON_COMPACT) : NULL;

	json_decref(conf);
	if (!text)
		return err_no_memory(err);
	const struct curl_part parts[] = {
	    {.name = "conf", .data = text, .data_size = strlen(text), .content_type = "application/json"},
	    {.name = "code", .path = deploy->tar_path, .content_type = "application/tar", .file_name = "app.tar"},
	};
	const struct api_request request = {.method = "POST",
					    .path = "/apps",
					    .parts = parts,
					    .part_count = COUNT_OF(parts),
					    .timeout_ms = UPLOAD_TIMEOUT_MS,
					    .progress = on_progress,
					    .progress_arg = deploy};

	deploy->create_sent = true;
	if (api_call(&deploy->api, &request, ret_answer, err) == 0)
		return 0;
	return err->code == ERR_CANCELLED ? err_set(err, ERR_CANCELLED, "interrupted") : say_refused(deploy, err);
}

static int copy_domain(const char *domain, char ret[static INSTANCE_DOMAIN_MAX + 1], struct err *err)
{
	if (!domain || strlen(domain) > INSTANCE_DOMAIN_MAX)
		return err_set(err, ERR_INVALID, "the cloud's answer has no proper domain name");
	(void)snprintf(ret, INSTANCE_DOMAIN_MAX + 1, "%s", domain);
	return 0;
}

/* Names below the cloud's own domain, so that an answer cannot lead us to some other server. */
static int check_domains(const struct deploy *deploy, struct err *err)
{
	const struct instance *instance = &deploy->instance;
	const char *base = deploy->api.is_trusted ? deploy->api.trust.base_domain : NULL;
	const size_t config_size = strlen(instance->config_domain);
	const size_t base_size = base ? strlen(base) : 0;

	if (base && (config_size <= base_size || instance->config_domain[config_size - base_size - 1] != '.' ||
		     strcmp(instance->config_domain + config_size - base_size, base) != 0))
		return err_set(err, ERR_UNTRUSTED, "the cloud names '%s', which is not below its domain '%s'",
			       instance->config_domain, base);
	if (instance->tls == INSTANCE_TLS_SELF && strcmp(instance->domain, instance->config_domain) != 0)
		return err_set(err, ERR_UNTRUSTED, "the cloud names two domains '%s' and '%s', expected one",
			       instance->domain, instance->config_domain);
	if (instance->tls == INSTANCE_TLS_OWNER &&
	    strcasecmp(instance->domain, deploy->project.config.ssl_domain_name) != 0)
		return err_set(err, ERR_UNTRUSTED, "the cloud names domain '%s', expected '%s'", instance->domain,
			       deploy->project.config.ssl_domain_name);
	return 0;
}

struct known {
	const struct deploy *deploy;
};

/* A uuid or a domain that a context already knows as another app's is refused: section 6 step 1. */
static int check_known(const struct context_store_item *item, void *arg, struct err *err)
{
	const struct deploy *deploy = ((const struct known *)arg)->deploy;
	const struct context *context = item->context;

	if (strcmp(item->uuid, deploy->uuid) == 0)
		return err_set(err, ERR_UNTRUSTED, "the cloud gave the uuid of an app that is known already: %s",
			       item->uuid);
	if (context && context->domain_name && strcmp(context->domain_name, deploy->instance.domain) == 0 &&
	    (strcmp(context->name, deploy->project.config.name) != 0 ||
	     strcmp(context->project, deploy->project.config.project) != 0))
		return err_set(err, ERR_UNTRUSTED, "the cloud gave the domain of another app: '%s' belongs to %s",
			       deploy->instance.domain, item->uuid);
	return 0;
}

/* The expiry may be the cloud's (free hardware, defaults), but never later than what was asked for. */
static int take_expiry(struct deploy *deploy, const struct app_view *view, struct err *err)
{
	const int64_t seconds = app_view_seconds(view->expires_at);

	if (view->expires_at && seconds == 0)
		return err_set(err, ERR_INVALID, "the cloud's expiry '%.40s' is no date", view->expires_at);
	if (deploy->expires && (seconds == 0 || seconds > deploy->expires))
		return err_set(err, ERR_UNTRUSTED, "the cloud's expiry '%.40s' is later than asked for",
			       view->expires_at ? view->expires_at : "never");
	if (seconds) {
		char text[CLOCK_TEXT_SIZE];

		clock_format_utc(seconds, text);
		(void)snprintf(deploy->instance.expires, sizeof(deploy->instance.expires), "%.20s", text);
	}
	return 0;
}

/* The document as we expect it, made of our own values and the cloud's names. */
static int expect_instance(struct deploy *deploy, const struct app_view *view, struct err *err)
{
	struct instance *instance = &deploy->instance;

	*instance = (struct instance){0};
	if (!context_is_uuid(view->id))
		return err_set(err, ERR_INVALID, "the cloud's id '%.60s' is not a uuid", view->id);
	memcpy(deploy->uuid, view->id, sizeof(deploy->uuid));
	memcpy(instance->uuid, view->id, sizeof(instance->uuid));
	memcpy(instance->certificate, deploy->chain_hash, sizeof(instance->certificate));
	if (logs_are_owners(deploy))
		hex_encode(deploy->log_public, DEPLOY_HASH_SIZE, instance->log_key);
	if (copy_domain(view->config_domain_name, instance->config_domain, err) < 0 ||
	    copy_domain(view->domain_name, instance->domain, err) < 0 ||
	    instance_tls_parse(tls_mode(deploy), &instance->tls, err) < 0 || take_expiry(deploy, view, err) < 0)
		return -1;
	(void)snprintf(instance->subject, sizeof(instance->subject), "CN=%s", instance->config_domain);
	deploy->document = BUF_INIT(DOCUMENT_MAX);
	return instance_format(instance, &deploy->document, err);
}

static int take_answer(struct deploy *deploy, const json_t *answer, struct err *err)
{
	struct known known = {.deploy = deploy};
	struct app_view view;
	const char *document = NULL;
	int64_t port = 0;

	if (app_view_read(answer, &view, err) < 0 || expect_instance(deploy, &view, err) < 0 ||
	    json_get_int(answer, "port", 1, UINT16_MAX, &port, err) < 0 ||
	    json_get_text(answer, "instance", DOCUMENT_MAX, &document, err) < 0)
		return err_prefix(err, "the cloud's answer");
	deploy->port = (uint16_t)port;
	if (check_domains(deploy, err) < 0 || context_store_each(deploy->call->settings, check_known, &known, err) < 0)
		return -1;
	if (strcmp(document, buf_text(&deploy->document)) != 0)
		return err_set(err, ERR_UNTRUSTED, "the cloud wrote another instance document: %.1000s, expected %s",
			       document, buf_text(&deploy->document));
	return 0;
}

/* Told early and by name, if the cloud says so itself; the attestation decides in any case. */
static int compare_fingerprint(struct deploy *deploy, const json_t *answer, struct err *err)
{
	scoped(buf_done) struct buf seen = BUF_INIT(RELEASE_MANIFEST_MAX);
	scoped(buf_done) struct buf lines = BUF_INIT(ERR_TEXT_SIZE);
	char expected[HEX_TEXT_SIZE(DEPLOY_HASH_SIZE)];
	struct err ignored = ERR_INIT;
	const char *fingerprint = NULL;
	char path[80];

	hex_encode(deploy->fingerprint, DEPLOY_HASH_SIZE, expected);
	if (json_get_text(answer, "fingerprint", sizeof(expected), &fingerprint, err) < 0)
		return err_prefix(err, "the cloud's answer");
	if (strcmp(fingerprint, expected) == 0)
		return 0;
	(void)snprintf(path, sizeof(path), "/apps/%s/manifest", deploy->uuid);
	if (api_get_text(&deploy->api, path, &seen, &ignored) == 0)
		IGNORE_RESULT(release_diff(deploy->manifest.data, deploy->manifest.size, seen.data, seen.size, 5,
					   &lines, &ignored));
	return err_set(err, ERR_UNTRUSTED, "measurement: the cloud started %.64s, expected %s%s%s", fingerprint,
		       expected, lines.size ? "\n" : "", buf_text(&lines));
}

static int stop_replaced(struct deploy *deploy, struct err *err)
{
	struct out *out = deploy->call->out;
	struct err absent = ERR_INIT;

	if (!deploy->replaced || deploy->takes_over)
		return 0;
	out_step(out, "Stopping the previous app %s", deploy->replaced);
	if (app_view_stop(&deploy->api, deploy->replaced, err) < 0)
		return -1;
	out_step_done(out);
	if (context_store_remove(deploy->call->settings, deploy->replaced, &absent) == 0)
		out_info(out, "Its context has been removed from this machine");
	return cut_off_forget(deploy->call, &deploy->api, deploy->project_id, deploy->project.config.name, err);
}

/* From here on an app may exist that nobody else knows of. */
static int begin(struct deploy *deploy, struct err *err)
{
	char fingerprint[HEX_TEXT_SIZE(DEPLOY_HASH_SIZE)];

	hex_encode(deploy->fingerprint, DEPLOY_HASH_SIZE, fingerprint);
	return context_pending_begin(deploy->call->settings,
				     &(struct context_begun){.cloud_url = deploy->api.url,
							     .project_id = deploy->project_id,
							     .name = deploy->project.config.name,
							     .fingerprint = fingerprint,
							     .at = deploy->began},
				     &deploy->pending, err);
}

int deploy_create(struct deploy *deploy, struct err *err)
{
	scoped(json_decrefp) json_t *answer = NULL;

	if (stop_replaced(deploy, err) < 0 || begin(deploy, err) < 0)
		return -1;
	out_step(deploy->call->out, "Sending the code");
	if (send_app(deploy, &answer, err) < 0)
		return -1;
	deploy->created = true;
	out_step_done(deploy->call->out);
	if (!answer)
		return err_set(err, ERR_INTERNAL, "the cloud's answer is empty");
	if (take_answer(deploy, answer, err) < 0)
		return -1;
	return cmd_has(deploy->call, "no-verify") ? 0 : compare_fingerprint(deploy, answer, err);
}

int deploy_wait_status(struct deploy *deploy, const char *wanted, struct err *err)
{
	char seen[32] = "unknown";

	while (clock_monotonic_ns() < deploy->until_ns) {
		scoped(json_decrefp) json_t *app = NULL;
		struct app_view view;

		if (app_view_get(&deploy->api, deploy->uuid, &app, &view, err) < 0)
			return -1;
		if (strcmp(view.status, wanted) == 0)
			return 0;
		(void)snprintf(seen, sizeof(seen), "%s", view.status);
		if (app_view_is_final(&view))
			return err_set(err, ERR_CONFLICT, "the app is %s: %s", view.status,
				       view.reason ? view.reason : "Are you sure the application is still running?");
		/* running before its keys came, or starting anew after them: not what the cloud may show (L1) */
		if (strcmp(wanted, "initializing") == 0 ? strcmp(view.status, "running") == 0
							: strcmp(view.status, "spawning") == 0)
			return err_set(err, ERR_UNTRUSTED, "the app is %s where %s is expected", view.status, wanted);
		if (interrupt_sleep_ms(POLL_MS, err) < 0)
			return -1;
	}
	return err_set(err, ERR_TIMEOUT, "the app is still %s, not %s, at the end of --timeout", seen, wanted);
}
