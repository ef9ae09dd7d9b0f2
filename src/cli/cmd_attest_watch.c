/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse attest watch HOST…: fresh attestation of each host again and again, and before anything that the verdict was made
 * of ends. Changes are printed; an alarm and the recovery from it run a program or reach a webhook; numbers are served
 * to Prometheus. One thread for each host; what they share is locked.
 *
 * Which instance is meant: with --owner-key the owner's ticket says it; else the first one that was accepted.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/number.h"
#include "cli/attest_options.h"
#include "cli/attest_report.h"
#include "cli/channel.h"
#include "cli/interrupt.h"
#include "cli/watch_metrics.h"
#include "cli/watch_notify.h"
#include "format/hex.h"
#include "format/listen_address.h"
#include "format/uri.h"
#include "net/dial.h"
#include "net/http_server.h"

#define HTTPS_PORT 443
#define OWNER_KEY_SIZE 32
#define IDENTITY_SIZE 64
#define LABEL_SIZE (URI_HOST_MAX + 16)
#define LINE_MAX_SIZE (1u << 20)
#define INTERVAL_SECONDS 300
#define INTERVAL_SECONDS_MAX (7 * 86400)
#define FAILURES 2
#define FAILURES_MAX 1000
#define RENEWAL_SECONDS 3600 /* the services are asked for newer collateral so often */
#define NAP_MS 30000         /* the wall clock is looked at so often: machines sleep */
#define TICK_MS 50
#define METRICS_THREADS 2
#define METRICS_DRAIN_MS 500

struct watch;

struct host {
	struct watch *watch;
	struct hostport address;
	char label[LABEL_SIZE]; /* HOST:PORT */
	struct watch_state state;
	struct watch_notify notify;
	uint8_t identity[IDENTITY_SIZE];
	bool has_identity;
	int64_t deployed_seen;
	pthread_t thread;
	bool is_started;
};

struct watch {
	struct cmd_call *call;
	struct attest_options options;
	uint8_t role;
	uint8_t owner_key[OWNER_KEY_SIZE];
	bool has_owner_key;
	int64_t tickets_from;
	int64_t interval;
	unsigned failures_max;
	bool is_json;
	struct host *hosts;
	struct watch_metrics *metrics; /* of each host, under lock */
	size_t host_count;
	size_t running;   /* threads, under lock */
	bool was_refused; /* with --once, under lock; so is the next */
	bool was_unjudged;
	pthread_mutex_t lock; /* metrics and what is printed */
	int64_t renewed;      /* under lock */
	int stop_fd;          /* readable: end */
	struct http_server *server;
};

/* ---- one look ---- */

/* Without the owner's word the first instance that was accepted is the one that is meant. */
static void learn(struct host *host, const struct attest_verdict *verdict)
{
	if (verdict->deployed > host->deployed_seen)
		host->deployed_seen = verdict->deployed;
	if (!host->watch->has_owner_key && !host->has_identity && verdict->has_identity) {
		memcpy(host->identity, verdict->identity, sizeof(host->identity));
		host->has_identity = true;
	}
}

static void renew_collateral(struct host *host, int64_t now)
{
	struct watch *watch = host->watch;

	(void)pthread_mutex_lock(&watch->lock);
	if (now - watch->renewed >= RENEWAL_SECONDS ||
	    (host->state.has_accepted && watch_is_ending(&host->state.accepted, now))) {
		collateral_source_forget(watch->options.collateral);
		watch->renewed = now;
	}
	(void)pthread_mutex_unlock(&watch->lock);
}

static int ask_host(struct host *host, struct attest_verdict **ret_verdict, struct err *err)
{
	struct watch *watch = host->watch;
	scoped(channel_closep) struct channel *channel = NULL;
	const struct attest_instance_expected instance = {.domain = host->address.host};
	const struct channel_expect expect = {
	    .host = host->address.host,
	    .port = host->address.port,
	    .role = watch->role,
	    .instance = &instance,
	    .owner_key = watch->has_owner_key ? watch->owner_key : NULL,
	    .identity = host->has_identity ? host->identity : NULL,
	    .tickets_from = watch->tickets_from,
	    .deployed_seen = host->deployed_seen,
	    .collateral = watch->options.collateral,
	    .policy = &watch->options.policy,
	    .roots = &watch->options.roots,
	};
	struct err failed = ERR_INIT;

	if (channel_open(&expect, &channel, ret_verdict, &failed) == 0 || *ret_verdict)
		return 0;
	*ret_verdict = attest_report_of_connection(&failed, clock_now_seconds());
	if (*ret_verdict)
		return 0;
	*err = failed;
	return -1;
}

/* -1 only when the watch is to end. *ret_verdict stays NULL without a verdict. */
static int look_at(struct host *host, struct watch_look *ret, struct attest_verdict **ret_verdict)
{
	const int64_t now = clock_now_seconds();
	struct err err = ERR_INIT;

	renew_collateral(host, now);
	if (ask_host(host, ret_verdict, &err) == 0) {
		watch_look_of_verdict(*ret_verdict, now, ret);
		if ((*ret_verdict)->accepted)
			learn(host, *ret_verdict);
		return 0;
	}
	if (err.code == ERR_CANCELLED)
		return -1;
	watch_look_unjudged(err_code_text(err.code), err.text, now, ret);
	return 0;
}

/* ---- what is told ---- */

/* One thing that happened, for all who hear of it. */
struct happening {
	struct host *host;
	enum watch_event event;
	const struct watch_look *look;
	const struct watch_look *before; /* its values are "" when there was none */
	const struct attest_verdict *verdict;
	int64_t next; /* 0: no further look */
};

static bool is_changed(const struct happening *happening, enum watch_field field)
{
	return *happening->before->values[WATCH_FIELD_TEE] && happening->look->result == WATCH_ACCEPTED &&
	       strcmp(happening->before->values[field], happening->look->values[field]) != 0;
}

static json_t *time_json(int64_t seconds)
{
	char text[CLOCK_TEXT_SIZE];

	if (seconds == 0 || seconds == INT64_MAX)
		return json_null();
	clock_format_utc(seconds, text);
	return json_string(text);
}

static json_t *text_json(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static json_t *changes_json(const struct happening *happening)
{
	json_t *array = json_array();

	for (enum watch_field field = 0; field < WATCH_FIELD_COUNT; field++) {
		if (is_changed(happening, field))
			(void)json_array_append_new(array,
						    json_pack("{s:s, s:o, s:o}", "what", watch_field_text(field),
							      "from", text_json(happening->before->values[field]), "to",
							      text_json(happening->look->values[field])));
	}
	return array;
}

static json_t *happening_json(const struct happening *happening)
{
	const struct watch_look *look = happening->look;
	json_t *object = json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:o}", "time", time_json(look->time), "host",
				   happening->host->label, "event", watch_event_text(happening->event), "verdict",
				   watch_result_text(look->result), "error", text_json(look->error), "message",
				   text_json(look->message), "changes", changes_json(happening));

	for (enum watch_field field = 0; field < WATCH_FIELD_COUNT; field++) {
		if (*look->values[field])
			(void)json_object_set_new(object, watch_field_text(field), json_string(look->values[field]));
	}
	(void)json_object_set_new(object, "valid_until", time_json(look->valid_until));
	(void)json_object_set_new(object, "next", time_json(happening->next));
	return object;
}

/* One line; with the whole verdict for those outside. The caller frees; NULL: out of memory. */
static char *happening_line(const struct happening *happening, bool with_verdict)
{
	json_t *object = happening_json(happening);
	scoped(freep) char *verdict =
	    with_verdict && happening->verdict ? attest_verdict_json(happening->verdict) : NULL;
	char *line;

	if (verdict)
		(void)json_object_set_new(object, "details", json_loads(verdict, 0, NULL));
	line = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	return line;
}

static int add_changes(const struct happening *happening, struct buf *text, struct err *err)
{
	const char *separator = "; ";

	for (enum watch_field field = 0; field < WATCH_FIELD_COUNT; field++) {
		const char *from = happening->before->values[field];
		const char *to = happening->look->values[field];

		if (is_changed(happening, field) &&
		    buf_addf(text, err, "%s%s: %s -> %s", separator, watch_field_text(field), *from ? from : "none",
			     *to ? to : "none") < 0)
			return -1;
	}
	return 0;
}

static int add_text(const struct happening *happening, struct buf *text, struct err *err)
{
	const struct watch_look *look = happening->look;
	const char *status = look->values[WATCH_FIELD_TCB_STATUS];
	char time[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE] = "";

	clock_format_utc(look->time, time);
	if (look->valid_until != INT64_MAX)
		clock_format_utc(look->valid_until, until);
	if (buf_addf(text, err, "%s  %s  %s: ", time, happening->host->label, watch_event_text(happening->event)) < 0)
		return -1;
	if (look->result != WATCH_ACCEPTED)
		return buf_addf(text, err, "%s: %s", look->error, look->message);
	if (strcmp(look->values[WATCH_FIELD_SIMULATED], "yes") == 0 &&
	    buf_add_text(text, "SIMULATED (no hardware protects this), ", err) < 0)
		return -1;
	if (buf_addf(text, err, "accepted%s%s%s%s; measurement %s", *status ? ", " : "", status,
		     *until ? ", until " : "", until, look->values[WATCH_FIELD_MEASUREMENT]) < 0)
		return -1;
	return add_changes(happening, text, err);
}

static void print_happening(const struct happening *happening)
{
	struct watch *watch = happening->host->watch;
	scoped(buf_done) struct buf text = BUF_INIT(LINE_MAX_SIZE);
	scoped(freep) char *line = watch->is_json ? happening_line(happening, false) : NULL;
	struct err err = ERR_INIT;

	if (happening->event == WATCH_NOTHING && !cmd_has(watch->call, "verbose"))
		return;
	if (!line && add_text(happening, &text, &err) < 0)
		return;
	(void)pthread_mutex_lock(&watch->lock);
	out_print(watch->call->out, "%s\n", line ? line : buf_text(&text));
	(void)fflush(stdout);
	(void)pthread_mutex_unlock(&watch->lock);
}

static void warn(struct watch *watch, const struct err *err)
{
	(void)pthread_mutex_lock(&watch->lock);
	out_warning(watch->call->out, "%s", err->text);
	(void)pthread_mutex_unlock(&watch->lock);
}

static void notify_others(const struct happening *happening)
{
	struct host *host = happening->host;
	const bool is_news = happening->event == WATCH_ALARM || happening->event == WATCH_RECOVERY;
	scoped(freep) char *line = is_news ? happening_line(happening, true) : NULL;
	const struct watch_message message = {host->label, happening->event, happening->look, line};
	struct err err = ERR_INIT;

	if (line && watch_notify_program(&host->notify, &message, &err) < 0)
		warn(host->watch, &err);
	if (watch_notify_webhook(&host->notify, line, &err) < 0 && err.code != ERR_CANCELLED)
		warn(host->watch, &err);
}

static void count_look(struct host *host, const struct watch_look *look, enum watch_event event, int64_t began_ns)
{
	struct watch *watch = host->watch;
	struct watch_metrics *metrics = &watch->metrics[host - watch->hosts];

	(void)pthread_mutex_lock(&watch->lock);
	metrics->looks[look->result]++;
	metrics->alarms += event == WATCH_ALARM;
	metrics->is_alarmed = host->state.is_alarmed;
	metrics->has_look = true;
	metrics->last = *look;
	metrics->duration_seconds = (double)(clock_monotonic_ns() - began_ns) / 1e9;
	watch->was_refused |= look->result == WATCH_REFUSED;
	watch->was_unjudged |= look->result == WATCH_UNJUDGED;
	(void)pthread_mutex_unlock(&watch->lock);
}

/* ---- the thread of a host ---- */

static bool should_go_on(void *arg)
{
	const struct watch *watch = arg;
	struct pollfd stop = {.fd = watch->stop_fd, .events = POLLIN};

	return poll(&stop, 1, 0) == 0;
}

static bool pause_until(const struct watch *watch, int64_t next)
{
	struct pollfd stop = {.fd = watch->stop_fd, .events = POLLIN};

	for (;;) {
		const int64_t left_ms = next * 1000 - clock_now_ns() / 1000000;

		if (left_ms <= 0)
			return true;
		if (poll(&stop, 1, left_ms < NAP_MS ? (int)left_ms : NAP_MS) > 0)
			return false;
	}
}

/* Looks once and tells. -1: the watch is to end. */
static int visit(struct host *host, int64_t *ret_next)
{
	struct watch *watch = host->watch;
	const bool is_once = cmd_has(watch->call, "once");
	const int64_t began_ns = clock_monotonic_ns();
	scoped(attest_verdict_freep) struct attest_verdict *verdict = NULL;
	struct watch_look look, before;
	struct happening happening = {.host = host, .look = &look, .before = &before};

	if (look_at(host, &look, &verdict) < 0)
		return -1;
	happening.event = watch_observe(&host->state, &look, is_once ? 1 : watch->failures_max, &before);
	happening.verdict = verdict;
	*ret_next = watch_next(&look, watch->interval);
	happening.next = is_once ? 0 : *ret_next;
	count_look(host, &look, happening.event, began_ns);
	print_happening(&happening);
	notify_others(&happening);
	return 0;
}

static void *run_host(void *arg)
{
	struct host *host = arg;
	struct watch *watch = host->watch;
	int64_t next = 0;

	dial_set_cancel(watch->stop_fd);
	while (visit(host, &next) == 0 && !cmd_has(watch->call, "once") && pause_until(watch, next))
		;
	(void)pthread_mutex_lock(&watch->lock);
	watch->running--;
	(void)pthread_mutex_unlock(&watch->lock);
	return NULL;
}

/* ---- metrics ---- */

static void reply_metrics(struct http_exchange *exchange, struct watch *watch)
{
	const struct http_header type = {"Content-Type", WATCH_METRICS_TYPE};
	scoped(buf_done) struct buf text = BUF_INIT(WATCH_METRICS_SIZE_MAX);
	struct err err = ERR_INIT;
	int status;

	(void)pthread_mutex_lock(&watch->lock);
	status = watch_metrics_format(watch->metrics, watch->host_count, &text, &err);
	(void)pthread_mutex_unlock(&watch->lock);
	IGNORE_RESULT(status < 0 ? http_reply(exchange, 500, NULL, 0, "", 0, &err)
				 : http_reply(exchange, 200, &type, 1, text.data, text.size, &err));
}

static enum http_result serve_metrics(struct http_exchange *exchange, void *arg)
{
	const char *method = http_method(exchange);
	struct err err = ERR_INIT;

	if (strcmp(http_path(exchange), "/metrics") != 0)
		IGNORE_RESULT(http_reply(exchange, 404, NULL, 0, "", 0, &err));
	else if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		IGNORE_RESULT(http_reply(exchange, 405, NULL, 0, "", 0, &err));
	else
		reply_metrics(exchange, arg);
	return HTTP_HANDLED;
}

static int start_metrics(struct watch *watch, struct err *err)
{
	const char *text = cmd_value(watch->call, "metrics");
	char url[LISTEN_TEXT_SIZE];
	struct listen_address address;

	if (!text)
		return 0;
	if (listen_address_parse(text, &address, err) < 0)
		return err_prefix(err, "--metrics");
	const struct http_listener listener = {
	    .unix_path = address.is_unix ? address.path : NULL, .address = address.host, .port = address.port};
	const struct http_server_options options = {.listeners = &listener,
						    .listener_count = 1,
						    .handler = serve_metrics,
						    .arg = watch,
						    .threads = METRICS_THREADS};

	if (http_server_start(&options, &watch->server, err) < 0)
		return err_prefix(err, "--metrics");
	listen_address_format(&address, address.is_unix ? 0 : http_server_port(watch->server, 0), url);
	out_info(watch->call->out, "Metrics are served at: %s%s%s", address.is_unix ? "" : "http://", url,
		 address.is_unix ? "" : "/metrics");
	return 0;
}

/* ---- options ---- */

static int read_number(const struct cmd_call *call, const char *name, uint64_t max, uint64_t by_default, uint64_t *ret,
		       struct err *err)
{
	const char *text = cmd_value(call, name);

	*ret = by_default;
	if (text && number_parse_u64(text, 1, max, ret, err) < 0)
		return err_prefix(err, "--%s", name);
	return 0;
}

static int read_owner(struct watch *watch, struct err *err)
{
	const char *key = cmd_value(watch->call, "owner-key");
	const char *from = cmd_value(watch->call, "tickets-from");
	const char *role = cmd_value(watch->call, "role");

	if (role && strcmp(role, "1") != 0 && strcmp(role, "2") != 0)
		return err_set(err, ERR_INVALID,
			       "--role is '%s', expected 1 (it waits for its keys) or 2 (the application)", role);
	watch->role = role && *role == '1' ? ATTEST_ROLE_CONFIGURATION : ATTEST_ROLE_APPLICATION;
	if (key && hex_decode(key, strlen(key), watch->owner_key, sizeof(watch->owner_key), err) < 0)
		return err_prefix(err, "--owner-key (32 bytes)");
	if (from && !key)
		return err_set(err, ERR_INVALID, "--tickets-from goes with --owner-key");
	if (from && attest_options_time(from, &watch->tickets_from, err) < 0)
		return err_prefix(err, "--tickets-from");
	watch->has_owner_key = key != NULL;
	return 0;
}

/* An alarm that others could suppress or forge on the way is none. */
static int check_webhook(const char *url, struct err *err)
{
	scoped(uri_done) struct uri uri = {0};
	const char *host = uri.authority.host;

	if (!url)
		return 0;
	if (uri_parse(url, &uri, err) < 0)
		return err_prefix(err, "--webhook");
	if (uri.is_https || host_is_loopback_name(host) || strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0)
		return 0;
	return err_set(err, ERR_INVALID, "--webhook: '%s' is not https, and not the loopback", url);
}

static int read_host(struct watch *watch, size_t index, struct err *err)
{
	struct cmd_call *call = watch->call;
	struct host *host = &watch->hosts[index];
	scoped(buf_done) struct buf label = BUF_INIT(LABEL_SIZE - 1);

	host->watch = watch;
	if (hostport_parse(call->args[index], HTTPS_PORT, &host->address, err) < 0 ||
	    hostport_format(&host->address, 0, &label, err) < 0)
		return -1;
	memcpy(host->label, buf_text(&label), label.size + 1);
	for (size_t i = 0; i < index; i++) {
		if (strcmp(watch->hosts[i].label, host->label) == 0)
			return err_set(err, ERR_INVALID, "'%s' is given twice", host->label);
	}
	host->notify = (struct watch_notify){.program = cmd_value(call, "exec"),
					     .webhook = cmd_value(call, "webhook"),
					     .keep_going = should_go_on,
					     .arg = watch};
	watch->metrics[index].host = host->label;
	return 0;
}

static int read_hosts(struct watch *watch, struct err *err)
{
	const size_t count = watch->call->arg_count;

	watch->hosts = calloc(count, sizeof(*watch->hosts));
	watch->metrics = calloc(count, sizeof(*watch->metrics));
	if (!watch->hosts || !watch->metrics)
		return err_no_memory(err);
	watch->host_count = count;
	for (size_t i = 0; i < count; i++) {
		if (read_host(watch, i, err) < 0)
			return -1;
	}
	return 0;
}

static int read_options(struct watch *watch, struct err *err)
{
	struct cmd_call *call = watch->call;
	uint64_t interval, failures;

	watch->is_json = cmd_has(call, "json");
	if (read_number(call, "interval", INTERVAL_SECONDS_MAX, INTERVAL_SECONDS, &interval, err) < 0 ||
	    read_number(call, "failures", FAILURES_MAX, FAILURES, &failures, err) < 0 || read_owner(watch, err) < 0 ||
	    check_webhook(cmd_value(call, "webhook"), err) < 0 || read_hosts(watch, err) < 0 ||
	    attest_options_load(call, &watch->options, err) < 0)
		return -1;
	watch->interval = (int64_t)interval;
	watch->failures_max = (unsigned)failures;
	watch->renewed = clock_now_seconds();
	return attest_options_guess(call, watch->hosts[0].address.host, &watch->options, err);
}

/* ---- running ---- */

static int start_threads(struct watch *watch, struct err *err)
{
	for (size_t i = 0; i < watch->host_count; i++) {
		struct host *host = &watch->hosts[i];

		(void)pthread_mutex_lock(&watch->lock);
		host->is_started = pthread_create(&host->thread, NULL, run_host, host) == 0;
		watch->running += host->is_started;
		(void)pthread_mutex_unlock(&watch->lock);
		if (!host->is_started)
			return err_set(err, ERR_NO_MEMORY, "cannot start a thread for '%s'", host->label);
	}
	return 0;
}

static bool is_running(struct watch *watch)
{
	bool running;

	(void)pthread_mutex_lock(&watch->lock);
	running = watch->running > 0;
	(void)pthread_mutex_unlock(&watch->lock);
	return running;
}

static void stop_all(struct watch *watch)
{
	const uint64_t one = 1;
	struct err ignored = ERR_INIT;

	if (watch->stop_fd >= 0)
		IGNORE_RESULT(fd_write_all(watch->stop_fd, &one, sizeof(one), &ignored));
	for (size_t i = 0; i < watch->host_count; i++) {
		if (watch->hosts[i].is_started)
			(void)pthread_join(watch->hosts[i].thread, NULL);
	}
	if (watch->server)
		http_server_stop(watch->server, METRICS_DRAIN_MS);
}

static int run(struct watch *watch, struct err *err)
{
	struct err ignored = ERR_INIT;

	if (read_options(watch, err) < 0)
		return -1;
	watch->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (watch->stop_fd < 0)
		return err_set_errno(err, "cannot make an eventfd");
	if (start_metrics(watch, err) < 0 || start_threads(watch, err) < 0)
		return -1;
	while (is_running(watch) && interrupt_sleep_ms(TICK_MS, &ignored) == 0)
		;
	return 0;
}

/* A signal is the ordinary end of a watch. */
static enum cmd_exit exit_of(const struct watch *watch)
{
	if (!cmd_has(watch->call, "once"))
		return CMD_EXIT_OK;
	if (interrupt_seen())
		return CMD_EXIT_INTERRUPTED;
	if (watch->was_refused)
		return CMD_EXIT_REFUSED;
	return watch->was_unjudged ? CMD_EXIT_ERROR : CMD_EXIT_OK;
}

int cmd_attest_watch(struct cmd_call *call, struct err *err)
{
	struct watch watch = {.call = call, .stop_fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER};
	const int status = run(&watch, err);

	stop_all(&watch);
	if (status == 0)
		call->exit = exit_of(&watch);
	for (size_t i = 0; i < watch.host_count; i++)
		watch_notify_done(&watch.hosts[i].notify);
	attest_options_done(&watch.options);
	fd_close(watch.stop_fd);
	free(watch.hosts);
	free(watch.metrics);
	return status;
}
