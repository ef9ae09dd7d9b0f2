/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start: harden, settings, instance, TEE, identity (new or sealed), socket. Then wait for the owner, load the
 * application, serve until told to stop.
 */
#include "enclave/runtime.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "enclave/attested/code.h"
#include "enclave/attested/enclave.h"
#include "enclave/attested/sealed_state.h"
#include "enclave/process/app_log.h"
#include "enclave/process/crash.h"
#include "enclave/process/hardening.h"
#include "enclave/process/operator_log.h"
#include "enclave/process/start_clock.h"
#include "enclave/process/wake.h"
#include "enclave/python/serving.h"
#include "format/enclave_lines.h"

#define SECRET_FILE_MODE 0600
#define SECRET_DIR_MODE 0700
#define OWN_THREADS 4 /* for handshakes, attestation and probes, whatever the application does */

static void on_accepted(void *arg)
{
	(void)arg;
	wake_send(WAKE_ACCEPTED);
}

static int tee_quote_for_quoter(void *arg, const uint8_t *report_data, struct buf *ret, struct err *err)
{
	return tee_quote(arg, report_data, ret, err);
}

static void report_quote_failure(const char *text)
{
	operator_log("fresh attestation fails: %s", text);
}

enum exit_code runtime_fail(enum exit_code code, const struct err *err)
{
	operator_log("%s: %s", exit_code_label(code), err->text);
	return code;
}

static int start_log(const struct enclave *enclave, struct err *err)
{
	enum app_log_mode mode = enclave->settings.is_log_plain ? APP_LOG_PLAIN : APP_LOG_SEALED;

	if (mode == APP_LOG_SEALED && !enclave->input.has_log_key) {
		operator_log("the instance has no log key: the application's output is discarded");
		mode = APP_LOG_DISCARD;
	}
	return app_log_start(mode, enclave->input.log_key, err);
}

/* Takes keys, certificate and grant out of the sealed state: straight to ACCEPTED. */
static enum exit_code resume(struct enclave *enclave, struct err *err)
{
	scoped(grant_done) struct grant grant = GRANT_INIT;
	struct tls_identity *owner_tls = NULL;

	if (sealed_state_load(enclave->tee, enclave->settings.state_path, &enclave->input, &enclave->identity, &grant,
			      err) < 0)
		return err->code == ERR_CONFLICT ? EXIT_CODE_INSTANCE_CHANGED : EXIT_CODE_SEALED_STATE;
	if (grant.tls_key.size > 0 && provision_owner_tls(&enclave->input, &grant.tls_key, &owner_tls, err) < 0)
		return EXIT_CODE_SEALED_STATE;
	life_accept(&enclave->life, LIFE_START, &grant, &owner_tls);
	operator_log("resumed from the sealed state");
	wake_send(WAKE_ACCEPTED);
	return EXIT_CODE_STOPPED;
}

/* EXIT_CODE_STOPPED means done. */
static enum exit_code make_identity(struct enclave *enclave, struct err *err)
{
	const int64_t now = clock_now_seconds();
	struct err left = ERR_INIT;

	if (enclave->settings.is_restart_sealed && sealed_state_sweep(enclave->settings.state_path, &left) < 0)
		operator_log("what an earlier start left in the state stays there: %s", left.text);
	if (enclave->settings.is_restart_sealed && sealed_state_exists(enclave->settings.state_path))
		return resume(enclave, err);
	if (instance_input_check_expiry(&enclave->input, now, err) < 0)
		return EXIT_CODE_INSTANCE;
	if (identity_make(enclave->tee, RATLS_OID_QUOTE_SGX, &enclave->input, now, &enclave->identity, err) < 0)
		return EXIT_CODE_TEE;
	return EXIT_CODE_STOPPED;
}

static int load_input(const struct runtime_options *options, struct enclave *enclave, struct err *err)
{
	if (!options->input)
		return instance_input_load(enclave->settings.instance_path, &enclave->input, err);
	enclave->input = *options->input;
	*options->input = INSTANCE_INPUT_INIT;
	return 0;
}

static enum exit_code prepare(const struct runtime_options *options, struct enclave *enclave, struct err *err)
{
	struct quoter_options quoting = {
	    .quote = tee_quote_for_quoter,
	    .quote_size_max = TEE_QUOTE_SIZE_MAX,
	    .report = report_quote_failure,
	};

	if (hardening_apply(err) < 0)
		return EXIT_CODE_INTERNAL;
	if (settings_load(options->env, &enclave->settings, err) < 0)
		return EXIT_CODE_SETTINGS;
	if (hardening_drop_descriptors(enclave->settings.tee == TEE_KIND_SIM, err) < 0 || wake_setup(err) < 0)
		return EXIT_CODE_INTERNAL;
	if (enclave->settings.is_debug)
		start_clock_tell();
	start_clock_mark("settings read");
	app_server_init(&enclave->app, enclave->settings.threads, APP_GATE_QUEUE_MAX);
	/* Before anything opens a descriptor that could be taken for it. */
	if (tee_open(enclave->settings.tee, &enclave->tee, err) < 0)
		return EXIT_CODE_TEE;
	tee_measurement(enclave->tee, enclave->fingerprint, &enclave->fingerprint_size);
	if (load_input(options, enclave, err) < 0)
		return EXIT_CODE_INSTANCE;
	start_clock_mark("TEE and instance open");
	quoting.quote_arg = enclave->tee;
	if (start_log(enclave, err) < 0 || crash_setup(err) < 0 || quoter_start(&quoting, &enclave->quoter, err) < 0)
		return EXIT_CODE_INTERNAL;
	return make_identity(enclave, err);
}

static int write_secret(const char *path, const struct secret *content, struct err *err)
{
	scoped(freep) char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;

	/* What an earlier start left in a persistent mount is no secret of this one. */
	if (content->size == 0)
		return fs_remove_tree(path, err);
	if (!slash || slash == dir)
		return err_set(err, ERR_INVALID, "'%s' is not a path in a directory", path);
	*slash = 0;
	if (fs_make_dirs(dir, SECRET_DIR_MODE, err) < 0)
		return -1;
	return fs_write_atomic(path, content->data, content->size, SECRET_FILE_MODE, err);
}

/* The plain tree and the secrets' files. No lock: nobody else touches a grant's secrets after ACCEPTED. */
static int unpack_grant(const struct settings *settings, const struct grant *grant, struct err *err)
{
	if (code_install(settings->code_path, settings->is_plaincode ? NULL : grant->code_key.data,
			 settings->module_path, err) < 0 ||
	    write_secret(settings->secrets_path, &grant->secrets, err) < 0 ||
	    write_secret(settings->sealed_secrets_path, &grant->sealed_secrets, err) < 0)
		return -1;
	return 0;
}

static int load_application(struct enclave *enclave, const struct python_site *site,
			    const struct python_protocol **ret_protocol, struct err *err)
{
	const struct settings *settings = &enclave->settings;
	const struct python_options options = {
	    .application = settings->application,
	    .module = settings->module,
	    .variable = settings->variable,
	    .module_path = settings->module_path,
	    .interface = settings->interface,
	    .guard = settings,
	    .before_exit = app_log_drain,
	    .report_fd = app_log_fd(),
	};
	const int status = unpack_grant(settings, &enclave->life.grant, err);

	/* Before the application's first line runs, no key but the identity's is in memory any more. */
	life_drop_secrets(&enclave->life);
	identity_drop_x25519(&enclave->identity);
	if (status < 0)
		return -1;
	start_clock_mark("code decrypted");
	if (chdir(settings->module_path) < 0)
		return err_set_errno(err, "cannot enter '%s'", settings->module_path);
	/* No line behind this one is known to be ours: the application will share our descriptors. */
	operator_log(ENCLAVE_TEXT_LOADING);
	if (python_start(&options, err) < 0)
		return -1;
	start_clock_mark("Python started");
	return python_load(&options, site, ret_protocol, err);
}

/* How long requests may run on, and the process in all, after the stop that why asks for. */
static unsigned limit_stop(enum wake why, enum exit_code code)
{
	const bool is_quick = why == WAKE_QUIT || why == WAKE_FAILED;

	wake_limit_stop(is_quick ? SERVING_FAILED_SECONDS_MAX : SERVING_STOP_SECONDS_MAX, (int)code);
	return is_quick ? 0 : SERVING_DRAIN_MS;
}

static void say_unused(void)
{
	operator_log("%s is not used here", wake_unused_name());
}

static void on_wake(enum wake wake, void *arg)
{
	(void)arg;
	if (wake == WAKE_UNUSED)
		say_unused();
}

/* *ret_why: what ended it. */
static enum exit_code run_application(struct enclave *enclave, struct http_server *server,
				      const struct python_protocol **ret_protocol, enum wake *ret_why)
{
	static struct python_site site;
	struct err err = ERR_INIT;
	int status;

	site = (struct python_site){
	    .domain = enclave->input.instance.domain,
	    .is_behind_proxy = true,
	    .threads = enclave->settings.threads,
	    .body_max = PYTHON_BODY_MAX,
	};
	wake_set_loading(true);
	status = load_application(enclave, &site, ret_protocol, &err);
	wake_set_loading(false);
	if (status < 0) {
		life_set(&enclave->life, LIFE_ACCEPTED, LIFE_FAILED);
		*ret_why = WAKE_FAILED;
		return runtime_fail(EXIT_CODE_APPLICATION, &err);
	}
	enclave->app.serve = (*ret_protocol)->serve;
	enclave->app.is_deferring = (*ret_protocol)->is_deferring;
	if ((*ret_protocol)->takes_tunnels)
		http_server_take_tunnels(server);
	life_set(&enclave->life, LIFE_ACCEPTED, LIFE_RUNNING);
	start_clock_mark("application loaded");
	operator_log("running");
	*ret_why = serving_run(server, *ret_protocol, on_wake, NULL);
	if (*ret_why == WAKE_STOP) {
		(void)limit_stop(*ret_why, EXIT_CODE_STOPPED);
		serving_farewell(server, *ret_protocol, SERVING_FAREWELL_MS, false);
	}
	if (*ret_why != WAKE_FAILED)
		return EXIT_CODE_STOPPED;
	life_set(&enclave->life, LIFE_RUNNING, LIFE_FAILED);
	(void)err_set(&err, ERR_INVALID, SERVING_FAILED_TEXT);
	return runtime_fail(EXIT_CODE_APPLICATION, &err);
}

/* A port may have been the system's choice; a socket's path is known. */
static void say_port(const struct listen_address *address, struct http_server *server)
{
	char text[LISTEN_TEXT_SIZE];

	if (address->is_unix)
		return;
	listen_address_format(address, http_server_port(server, 0), text);
	operator_log("listening on %s", text);
}

static int start_server(struct enclave *enclave, struct tls_server *tls, struct http_server **ret, struct err *err)
{
	const struct listen_address *address = &enclave->settings.listen_address;
	const struct http_listener listener = {
	    .unix_path = address->is_unix ? address->path : NULL,
	    .address = address->host,
	    .port = address->port,
	    .proxy = enclave->settings.proxy,
	    .tls = tls,
	    .is_plain_allowed = enclave->is_plain_allowed,
	};
	const struct http_server_options options = {
	    .listeners = &listener,
	    .listener_count = 1,
	    .handler = enclave_serve,
	    .arg = enclave,
	    .threads = enclave->settings.threads + OWN_THREADS,
	    .is_led = true,
	    .runs_others_code = true,
	};

	if (http_server_start(&options, ret, err) < 0)
		return -1;
	say_port(address, *ret);
	return 0;
}

/* What ends the waiting: no signal that is not used, and none makes it longer. */
static enum wake wait_for_end(unsigned seconds_max)
{
	const int64_t begin_ns = clock_monotonic_ns();
	unsigned seconds = seconds_max;
	enum wake wake;

	while ((wake = wake_wait(seconds)) == WAKE_UNUSED) {
		const int64_t past = (clock_monotonic_ns() - begin_ns) / NS_PER_SECOND;

		say_unused();
		if (seconds_max > 0 && past >= seconds_max)
			return WAKE_TIMEOUT;
		seconds = seconds_max > 0 ? seconds_max - (unsigned)past : 0;
	}
	return wake;
}

/* Who came at the last moment, and was told that it was taken, is served. */
static enum wake wait_for_owner(struct enclave *enclave)
{
	const enum wake wake = wait_for_end(enclave->settings.wait_seconds);

	if (wake == WAKE_ACCEPTED || enclave_end_waiting(enclave))
		return wake;
	return wake == WAKE_TIMEOUT ? WAKE_ACCEPTED : wake;
}

static enum exit_code serve(struct enclave *enclave)
{
	const struct python_protocol *protocol = NULL;
	enum exit_code code = EXIT_CODE_STOPPED;
	struct http_server *server = NULL;
	struct tls_server *tls = NULL;
	struct err err = ERR_INIT;
	unsigned drain_ms;
	enum wake why;

	if (life_state(&enclave->life) == LIFE_START)
		life_set(&enclave->life, LIFE_START, LIFE_WAITING);
	if (tls_server_new(enclave_choose_identity, enclave, &tls, &err) < 0 ||
	    start_server(enclave, tls, &server, &err) < 0) {
		tls_server_free(tls);
		return runtime_fail(EXIT_CODE_LISTEN, &err);
	}
	start_clock_mark("listening, identity ready");
	operator_log("%s", life_state_text(life_state(&enclave->life)));
	why = wait_for_owner(enclave);
	switch (why) {
	case WAKE_ACCEPTED:
		code = run_application(enclave, server, &protocol, &why);
		break;
	case WAKE_TIMEOUT:
		(void)err_set(&err, ERR_TIMEOUT, "nobody came within %u seconds", enclave->settings.wait_seconds);
		code = runtime_fail(EXIT_CODE_NOT_PROVISIONED, &err);
		break;
	case WAKE_STOP:
	case WAKE_QUIT:
	case WAKE_FAILED:
	case WAKE_CHILD:
	case WAKE_RELOAD:
	case WAKE_REOPEN:
	case WAKE_UNUSED:
		break;
	}
	drain_ms = limit_stop(why, code);
	app_server_close(&enclave->app);
	/* Deferred attestations are answered while the server drains. */
	serving_stop(server, protocol, drain_ms);
	tls_server_free(tls);
	return code;
}

static void enclave_done(struct enclave *enclave)
{
	quoter_stop(enclave->quoter);
	app_server_done(&enclave->app);
	life_done(&enclave->life);
	identity_done(&enclave->identity);
	tee_close(enclave->tee);
	instance_input_done(&enclave->input);
	settings_done(&enclave->settings);
}

enum exit_code runtime_run(const struct runtime_options *options)
{
	static struct enclave enclave;
	struct err err = ERR_INIT;
	enum exit_code code;

	start_clock_begin();
	enclave.input = INSTANCE_INPUT_INIT;
	enclave.identity = IDENTITY_INIT;
	enclave.on_accepted = on_accepted;
	enclave.slow_body_ms = ENCLAVE_SLOW_BODY_MS;
	enclave.is_plain_allowed = options->is_plain_allowed;
	(void)pthread_mutex_init(&enclave.provisioning, NULL);
	life_init(&enclave.life);
	code = prepare(options, &enclave, &err);
	code = code == EXIT_CODE_STOPPED ? serve(&enclave) : runtime_fail(code, &err);
	if (code == EXIT_CODE_STOPPED)
		operator_log("%s", exit_code_label(code));
	app_log_stop();
	enclave_done(&enclave);
	return code;
}
