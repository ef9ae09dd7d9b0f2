/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/plain/plain.h"

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/line_queue.h"
#include "base/number.h"
#include "enclave/plain/plain_notify.h"
#include "enclave/plain/plain_tls.h"
#include "enclave/plain/plain_venv.h"
#include "enclave/plain/plain_watch.h"
#include "enclave/process/descriptors.h"
#include "enclave/process/operator_log.h"
#include "enclave/process/start_clock.h"
#include "enclave/python/serving.h"
#include "enclave/python/stop_limit.h"
#include "enclave/serve/access_log_file.h"
#include "enclave/serve/app_server.h"

#define REQUESTS_JITTER 10     /* a tenth */
#define ACCESS_LOG_END_MS 1000 /* for who reads it, at the end */
#define OWN_THREADS 2          /* for handshakes and heads, whatever the application does */

struct plain {
	char *venv; /* NULL: none */
	struct plain_options options;
	struct app_server app;
	struct plain_tls *certificate; /* NULL: plain HTTP */
	struct tls_server *tls;
	const struct python_protocol *protocol;
	struct plain_sockets listening;
	char host[PLAIN_HOST_SIZE]; /* the first's that has one */
	struct access_log_file access_log_file;
	atomic_uint requests_left;     /* until a worker has had its --max-requests */
	struct line_queue *access_log; /* so that no request waits for who reads it; NULL: none */
	pthread_mutex_t lock;
	struct http_server *serving; /* [lock] from its start to its stop; else NULL */
};

enum exit_code plain_fail(enum exit_code code, const struct err *err)
{
	if (code == EXIT_CODE_SETTINGS) /* who has typed it knows what it is */
		operator_log("%s", err->text);
	else
		operator_log("%s: %s", exit_code_label(code), err->text);
	return code;
}

/* Here alone: in an enclave no header says who the client is. Without memory it is the proxy. */
static void find_client(struct http_exchange *exchange, const struct forwarded_trust *trust)
{
	struct proxy_v2_addresses peer = *http_peer(exchange);
	struct proxy_v2_addresses client;
	struct err ignored = ERR_INIT;

	peer.is_tls = http_is_https(exchange);
	if (forwarded_find(trust, &peer, http_headers(exchange), http_header_count(exchange), &client))
		IGNORE_RESULT(http_set_client(exchange, &client, &ignored));
}

static enum http_result serve(struct http_exchange *exchange, void *arg)
{
	struct plain *plain = arg;

	if (forwarded_is_used(&plain->options.forwarded) && !http_is_resumed(exchange))
		find_client(exchange, &plain->options.forwarded);
	return app_server_serve(exchange, &plain->app);
}

static void reopen_access_log(const struct plain *plain)
{
	struct err err = ERR_INIT;

	if (plain->options.access_log_file && access_log_file_reopen(&plain->access_log_file, &err) < 0)
		operator_log("access log: %s: it goes on where it did", err.text);
}

static void write_access_log(const struct http_exchange *exchange, const struct http_done *done,
			     const struct plain *plain)
{
	scoped(buf_done) struct buf line = BUF_INIT(ACCESS_LOG_LINE_MAX);
	struct access_log_entry entry;
	struct err err = ERR_INIT;
	int failed;

	access_log_entry_of(exchange, done, clock_now_seconds(), &entry);
	if (access_log_format_line(plain->options.access_log, &entry, &line, &err) == 0)
		line_queue_add(plain->access_log, (const char *)line.data, line.size);
	failed = line_queue_trouble(plain->access_log);
	if (failed)
		operator_log("access log: %s: requests go on without", strerror(failed));
}

static void tell_parent(const struct plain_options *options, char word)
{
	if (options->worker_ready_fd != PLAIN_NO_FD)
		IGNORE_RESULT(write(options->worker_ready_fd, &word, 1));
}

/* The end of a worker by its own wish: another takes its place. */
static void leave(const struct plain *plain)
{
	tell_parent(&plain->options, PLAIN_WORKER_LEAVES);
	wake_ask_stop();
}

/* Of --max-requests; who comes last in this round asks for the end, once. */
static void count_request(struct plain *plain)
{
	unsigned left = atomic_load(&plain->requests_left);

	while (left > 0 && !atomic_compare_exchange_weak(&plain->requests_left, &left, left - 1)) {
	}
	if (left == 1)
		leave(plain);
}

static void on_done(const struct http_exchange *exchange, const struct http_done *done, void *arg)
{
	struct plain *plain = arg;

	if (plain->options.access_log != ACCESS_LOG_NONE)
		write_access_log(exchange, done, plain);
	count_request(plain);
}

static int begin_access_log(struct plain *plain, struct err *err)
{
	const enum access_log_format format = plain->options.access_log;

	if (format == ACCESS_LOG_NONE)
		return 0;
	return line_queue_new(plain->options.access_log_file ? plain->access_log_file.fd : STDOUT_FILENO,
			      format == ACCESS_LOG_JSON, &plain->access_log, err);
}

/* Once; a parent of workers finds out whether it can be. */
static int open_access_log_file(struct plain *plain, struct err *err)
{
	if (!plain->options.access_log_file || plain->access_log_file.fd > 0)
		return 0;
	if (access_log_file_open(plain->options.access_log_file, &plain->access_log_file, err) < 0)
		return err_prefix(err, "'--access-log-file'");
	return 0;
}

static void end_access_log(struct plain *plain)
{
	struct err err = ERR_INIT;

	if (line_queue_end(TAKE_PTR(plain->access_log), ACCESS_LOG_END_MS, &err) < 0)
		operator_log("access log: %s", err.text);
}

static struct tls_identity *choose(const char *sni, void *arg)
{
	const struct plain *plain = arg;

	(void)sni;
	return plain_tls_identity(plain->certificate, clock_monotonic_ns());
}

static int setup_tls(struct plain *plain, struct err *err)
{
	const struct plain_options *options = &plain->options;

	if (!options->cert)
		return 0;
	if (plain_tls_new(options->cert, options->key, &plain->certificate, err) < 0)
		return err_prefix(err, "'--cert' and '--key'");
	return tls_server_new(choose, plain, &plain->tls, err);
}

/* ---- the application ---- */

static int load(struct plain *plain, const struct python_site *site, struct err *err)
{
	static char app_dir[PATH_MAX];
	const struct plain_options *options = &plain->options;
	const struct python_options python = {
	    .application = options->application,
	    .module = options->module,
	    .variable = options->variable,
	    .module_path = app_dir,
	    .interface = options->interface,
	    .is_factory = options->is_factory,
	    .venv = plain->venv,
	};
	int status;

	if (!realpath(options->app_dir, app_dir) || chdir(app_dir) < 0)
		return err_set_errno(err, "'--app-dir': cannot enter '%s'", options->app_dir);
	wake_set_loading(true);
	status = python_start(&python, err);
	start_clock_mark("interpreter");
	if (status == 0)
		status = python_load(&python, site, &plain->protocol, err);
	start_clock_mark("application");
	wake_set_loading(false);
	if (status < 0)
		return -1;
	plain->app.serve = plain->protocol->serve;
	plain->app.is_deferring = plain->protocol->is_deferring;
	return 0;
}

static int start_server(struct plain *plain, struct http_server **ret, struct err *err)
{
	const struct plain_options *options = &plain->options;
	struct http_listener listeners[PLAIN_BINDS_MAX];
	const struct http_server_options server = {
	    .listeners = listeners,
	    .listener_count = plain->listening.count,
	    .handler = serve,
	    .arg = plain,
	    .threads = options->threads + OWN_THREADS,
	    .is_led = true,
	    .runs_others_code = true,
	    .takes_tunnels = plain->protocol->takes_tunnels,
	    .connections_max = options->connections,
	    .stream_waits_max = options->stream_waits,
	    .header_timeout_ms = options->header_timeout_ms,
	    .body_timeout_ms = options->body_timeout_ms,
	    .idle_timeout_ms = options->idle_timeout_ms,
	    .write_timeout_ms = options->write_timeout_ms,
	    .limits = options->limits,
	    .http2 = options->http2,
	    .http2_memory = options->http2_memory,
	    .on_done = options->access_log == ACCESS_LOG_NONE && options->max_requests == 0 ? NULL : on_done,
	};

	for (size_t i = 0; i < plain->listening.count; i++)
		listeners[i] = (struct http_listener){
		    .fd = plain->listening.items[i].fd, .proxy = options->proxy, .tls = plain->tls};
	return http_server_start(&server, ret, err);
}

/* It was served: for the parent of workers it is not one that fails to load. */
static enum exit_code fail_running(const struct plain_options *options)
{
	struct err err = ERR_INIT;

	(void)err_set(&err, ERR_INVALID, SERVING_FAILED_TEXT);
	(void)plain_fail(EXIT_CODE_APPLICATION, &err);
	return options->worker_fd == PLAIN_NO_FD ? EXIT_CODE_APPLICATION : EXIT_CODE_INTERNAL;
}

/* Half of the time that a stop has, at most, and none of a developer's. Returns what is left. */
static unsigned say_farewell(struct plain *plain, struct http_server *server)
{
	const unsigned drain_ms = plain->options.drain_ms;
	const bool is_worker = plain->options.worker_fd != PLAIN_NO_FD;
	const int64_t begin_ns = clock_monotonic_ns();
	int64_t past_ms;

	if (plain->options.wants_reload)
		return drain_ms;
	serving_farewell(server, plain->protocol, (unsigned)size_min(SERVING_FAREWELL_MS, drain_ms / 2), is_worker);
	past_ms = (clock_monotonic_ns() - begin_ns) / NS_PER_MS;
	return past_ms < drain_ms ? drain_ms - (unsigned)past_ms : 0;
}

static void set_serving(struct plain *plain, struct http_server *server)
{
	(void)pthread_mutex_lock(&plain->lock);
	plain->serving = server;
	(void)pthread_mutex_unlock(&plain->lock);
}

static void stop(struct plain *plain, struct http_server *server, enum wake why, enum exit_code code)
{
	unsigned drain_ms = 0;

	set_serving(plain, NULL);
	if (plain->options.worker_fd == PLAIN_NO_FD)
		plain_notify(PLAIN_NOTIFY_STOPPING);
	if (why == WAKE_FAILED)
		wake_limit_stop(SERVING_FAILED_SECONDS_MAX, (int)code);
	/* Who waits may get in before the time is over, which stop_limit tells. */
	if (why != WAKE_STOP)
		app_server_close(&plain->app);
	plain_sockets_leave(&plain->listening);
	if (why == WAKE_STOP)
		drain_ms = say_farewell(plain, server);
	serving_stop(server, plain->protocol, drain_ms);
	stop_limit_end();
	end_access_log(plain);
}

/* What asks for no stop, while it serves. */
static void on_wake(enum wake wake, void *arg)
{
	if (wake == WAKE_REOPEN || wake == WAKE_RELOAD)
		reopen_access_log(arg);
	if (wake == WAKE_UNUSED)
		operator_log("%s is not used here", wake_unused_name());
	if (wake == WAKE_RELOAD)
		operator_log("SIGHUP: one process alone is not started anew; with --workers or --reload it would be");
}

/* The main thread may hang as well, so that it does not come to a stop: nobody is accepted from here on. */
static void give_up(void *arg)
{
	struct plain *plain = arg;

	operator_log("this worker takes no more requests, and stops");
	(void)pthread_mutex_lock(&plain->lock);
	if (plain->serving)
		http_server_say_farewell(plain->serving, true);
	(void)pthread_mutex_unlock(&plain->lock);
	leave(plain);
}

/* WSGI's threads are watched; a loop watches over its requests, and is watched itself. */
static int watch_requests(struct plain *plain, struct err *err)
{
	const struct plain_watch watch = {.limit_ms = plain->options.request_timeout_ms,
					  .serve = plain->protocol->serve,
					  .late_ns = plain->protocol->late_ns,
					  .give_up = give_up,
					  .arg = plain};

	if (watch.limit_ms == 0)
		return 0;
	if (!plain->protocol->is_deferring)
		plain->app.serve = plain_watch_serve;
	return plain_watch_start(&watch, err);
}

static int limit_stop(struct plain *plain, struct err *err)
{
	const struct stop_limit limit = {
	    .drain_ms = plain->options.drain_ms, .exit_ms = plain->options.exit_ms, .app = &plain->app};

	return stop_limit_start(&limit, err);
}

/* A worker to its parent, which tells systemd. */
static void say_ready(const struct plain_options *options)
{
	if (options->worker_fd == PLAIN_NO_FD) {
		plain_notify(PLAIN_NOTIFY_READY);
	} else {
		tell_parent(options, PLAIN_WORKER_SERVES);
	}
}

/* One process's work, on a socket that listens already. */
static enum exit_code work(struct plain *plain)
{
	static struct python_site site;
	const struct plain_options *options = &plain->options;
	struct http_server *server = NULL;
	struct err err = ERR_INIT;
	enum exit_code code;
	enum wake why;

	plain_sockets_host(&plain->listening, plain->host);
	site = (struct python_site){
	    .domain = plain->host,
	    .root_path = options->root_path,
	    .is_multiprocess = options->workers > 1,
	    .threads = options->threads,
	    .body_max = options->body_max,
	    .websocket = options->websocket,
	    .request_limit_ms = options->request_timeout_ms,
	};
	/* Workers that began together do not end together. */
	atomic_init(&plain->requests_left,
		    options->max_requests + (unsigned)getpid() % (options->max_requests / REQUESTS_JITTER + 1));
	app_server_init(&plain->app, options->threads, options->queue);
	(void)pthread_mutex_init(&plain->lock, NULL);
	if (plain_venv_find(options->venv, &plain->venv, &err) < 0 || open_access_log_file(plain, &err) < 0)
		return plain_fail(EXIT_CODE_SETTINGS, &err);
	if (load(plain, &site, &err) < 0)
		return plain_fail(EXIT_CODE_APPLICATION, &err);
	descriptors_raise(options->connections);
	if (begin_access_log(plain, &err) < 0 || limit_stop(plain, &err) < 0 || watch_requests(plain, &err) < 0 ||
	    start_server(plain, &server, &err) < 0)
		return plain_fail(EXIT_CODE_INTERNAL, &err);
	set_serving(plain, server);
	start_clock_mark("threads");
	operator_log("%s is served (%s)", options->application, plain->protocol->name);
	start_clock_say();
	say_ready(options);
	why = serving_run(server, plain->protocol, on_wake, plain);
	code = why == WAKE_FAILED ? fail_running(options) : EXIT_CODE_STOPPED;
	stop(plain, server, why, code);
	if (code == EXIT_CODE_STOPPED)
		operator_log("%s", exit_code_label(code));
	return code;
}

/* ---- start ---- */

static int check_app_dir(const struct plain_options *options, struct err *err)
{
	struct stat st;

	if (stat(options->app_dir, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, "'--app-dir': '%s' is no directory", options->app_dir);
	if (access(options->app_dir, R_OK | X_OK) < 0)
		return err_set_errno(err, "'--app-dir': cannot enter '%s'", options->app_dir);
	return 0;
}

static enum exit_code run_parent(struct plain *plain, char *const *argv)
{
	const struct plain_options *options = &plain->options;
	struct err err = ERR_INIT;
	enum exit_code code;

	plain_notify_setup();
	/* What is wrong here is said before anybody can connect, and once for all workers. */
	if (check_app_dir(options, &err) < 0 || open_access_log_file(plain, &err) < 0 || setup_tls(plain, &err) < 0)
		return plain_fail(EXIT_CODE_SETTINGS, &err);
	if (plain->certificate)
		plain_tls_tell_validity(plain->certificate);
	start_clock_mark("TLS");
	if (plain_listen(options, &plain->listening, &err) < 0) {
		plain_sockets_leave(&plain->listening);
		return plain_fail(EXIT_CODE_LISTEN, &err);
	}
	if (options->workers > 1 || options->wants_reload || options->max_requests > 0 ||
	    options->request_timeout_ms > 0)
		code = plain_workers_run(options, argv, &plain->listening);
	else if (wake_set_role(WAKE_ALONE, options->access_log_file != NULL, &err) < 0)
		code = plain_fail(EXIT_CODE_INTERNAL, &err);
	else
		code = work(plain);
	plain_sockets_leave(&plain->listening);
	return code;
}

static int set_ready_fd(int fd, struct err *err)
{
	if (fd != PLAIN_NO_FD && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_set_errno(err, "'--worker-ready-fd'");
	return 0;
}

static enum exit_code run_worker(struct plain *plain)
{
	struct err err = ERR_INIT;

	operator_log_set_name(plain->options.worker_name);
	if (setup_tls(plain, &err) < 0)
		return plain_fail(EXIT_CODE_SETTINGS, &err);
	start_clock_mark("TLS");
	if (plain_listen_worker(&plain->options, &plain->listening, &err) < 0)
		return plain_fail(EXIT_CODE_LISTEN, &err);
	if (wake_set_role(WAKE_WORKER, plain->options.access_log_file != NULL, &err) < 0 ||
	    set_ready_fd(plain->options.worker_ready_fd, &err) < 0)
		return plain_fail(EXIT_CODE_INTERNAL, &err);
	return work(plain);
}

static enum exit_code say_help(void)
{
	scoped(buf_done) struct buf text = BUF_INIT(16 << 10);
	struct err err = ERR_INIT;

	if (plain_options_help(&text, &err) < 0)
		return plain_fail(EXIT_CODE_INTERNAL, &err);
	return fwrite(buf_text(&text), 1, text.size, stdout) == text.size && fflush(stdout) == 0 ? EXIT_CODE_STOPPED
												 : EXIT_CODE_INTERNAL;
}

static int setup(struct err *err)
{
	operator_log_set_fd(STDERR_FILENO);
	return wake_setup(err);
}

enum exit_code plain_run(char *const *argv)
{
	static struct plain plain;
	struct err err = ERR_INIT;
	enum exit_code code;

	start_clock_begin();
	if (setup(&err) < 0)
		return plain_fail(EXIT_CODE_INTERNAL, &err);
	if (plain_options_parse(argv, &plain.options, &err) < 0)
		return plain_fail(EXIT_CODE_SETTINGS, &err);
	if (plain.options.wants_help)
		return say_help();
	if (plain.options.wants_version)
		return printf("mse-serve " MSE_VERSION "\n") > 0 ? EXIT_CODE_STOPPED : EXIT_CODE_INTERNAL;
	if (plain.options.worker_fd == PLAIN_NO_FD)
		code = run_parent(&plain, argv);
	else
		code = run_worker(&plain);
	tls_server_free(plain.tls);
	plain_tls_free(plain.certificate);
	free(TAKE_PTR(plain.venv));
	plain_options_done(&plain.options);
	return code;
}
