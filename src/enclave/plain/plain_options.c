/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/plain/plain_options.h"

#include <grp.h>
#include <string.h>

#include "base/number.h"
#include "enclave/plain/plain_env.h"
#include "enclave/plain/plain_hint.h"
#include "enclave/plain/plain_option_rows.h"
#include "enclave/process/application_name.h"
#include "enclave/process/arguments.h"
#include "enclave/process/operator_log.h"
#include "enclave/process/settings.h"
#include "enclave/serve/app_gate.h"

#define SECONDS_MAX 86400
#define REQUESTS_MAX 1000000000
#define MS_PER_SECOND 1000
#define THREADS_MAX (HTTP_THREADS_MAX / 2)
#define FD_MAX 1023
#define BODY_MAX (1ULL << 40)
#define ROOT_PATH_MAX 1024
#define NAME_SHOWN_MAX 100

struct texts {
#define X(field, name, value, fallback, help) const char *field;
	PLAIN_ROWS(X)
#undef X
	const char *binds[PLAIN_BINDS_MAX];
	const char *reload_include[PLAIN_PATTERNS_MAX];
	const char *factory;
	const char *reload;
	const char *help;
	const char *version;
};

#define ROW(field, name, value, fallback, help) \
	{name, value, help[0] && fallback[0] ? help " [" fallback "]" : help, &(texts)->field},
#define HEADING(text) {.help = text},
#define ROWS \
	{ \
		HEADING("Serving:"){"--bind", "ADDRESS", \
				    "HOST:PORT, [IPV6]:PORT, unix:PATH or fd:N; up to 8 times [" PLAIN_BIND_DEFAULT \
				    "]", \
				    (texts)->binds, PLAIN_BINDS_MAX}, \
\
		    PLAIN_ROWS_SERVING(ROW){ \
			"--factory", NULL, "APP is called without arguments and gives the application: MODULE:NAME()", \
			&(texts)->factory}, \
		    {"--reload", NULL, "start anew when a file of the application changes", &(texts)->reload}, \
		    {"--reload-include", "PATTERN", "of other files than *.py, say *.html; up to 8 times", \
		     (texts)->reload_include, PLAIN_PATTERNS_MAX}, \
		    HEADING("TLS:") PLAIN_ROWS_TLS(ROW) HEADING("Limits, of each worker:") PLAIN_ROWS_LIMITS(ROW) \
			HEADING("HTTP/2, of each connection:") PLAIN_ROWS_HTTP2(ROW) HEADING("WebSocket, of each:") \
			    PLAIN_ROWS_WEBSOCKET(ROW) PLAIN_ROWS_WORKER(ROW) \
				HEADING("Other:"){"--help", NULL, "this text", &(texts)->help}, \
		    {"-h", NULL, "", &(texts)->help}, {"-b", "ADDRESS", "", (texts)->binds, PLAIN_BINDS_MAX}, \
		    {"-w", "N", "", &(texts)->workers}, \
		    {"--version", NULL, "the version of the server", &(texts)->version}, \
	}

int plain_options_help(struct buf *ret, struct err *err)
{
	struct texts ignored = {0};
	struct texts *texts = &ignored;
	const struct argument rows[] = ROWS;

	if (buf_add_text(
		ret,
		"usage: mse-serve MODULE:APP [OPTIONS]            (the same: mse-enclave --plain)\n\n"
		"An ordinary application server: WSGI and ASGI over HTTP/1.1, plain or TLS, and over HTTP/2 with\n"
		"TLS; WebSocket over both. No TEE, no attestation.\n\n"
		"The environment may say the same: " PLAIN_ENV_PREFIX
		"ACCESS_LOG=json is --access-log json, " PLAIN_ENV_APP "\n"
		"is MODULE:APP. The command line wins.\n",
		err) < 0)
		return -1;
	return arguments_help(rows, COUNT_OF(rows), ret, err);
}

static int parse_number(const char *name, const char *text, uint64_t min, uint64_t max, unsigned scale, unsigned *ret,
			struct err *err)
{
	uint64_t value;

	if (number_parse_u64(text, min, max, &value, err) < 0)
		return err_prefix(err, "'%s'", name);
	*ret = (unsigned)value * scale;
	return 0;
}

static int parse_numbers(const struct texts *texts, struct plain_options *ret, struct err *err)
{
	/* Who waits for his change does not wait for what an open page still streams. */
	const char *drain = *texts->drain ? texts->drain : texts->reload ? "1" : "10";
	const struct {
		const char *name;
		const char *text;
		uint64_t min;
		uint64_t max;
		unsigned scale;
		unsigned *into;
	} rows[] = {
	    {"--threads", texts->threads, 1, THREADS_MAX, 1, &ret->threads},
	    {"--workers", texts->workers, 1, PLAIN_WORKERS_MAX, 1, &ret->workers},
	    {"--connections", texts->connections, 1, HTTP_CONNECTIONS_MAX, 1, &ret->connections},
	    {"--queue", texts->queue, 1, APP_GATE_QUEUE_MAX, 1, &ret->queue},
	    {"--stream-waits", texts->stream_waits, 0, HTTP_CONNECTIONS_MAX, 1, &ret->stream_waits},
	    {"--target-max", texts->target_max, 1, HTTP_TARGET_MAX, 1, &ret->limits.target_bytes},
	    {"--header-bytes-max", texts->header_bytes, 1, HTTP_HEADER_BYTES_MAX, 1, &ret->limits.header_bytes},
	    {"--headers-max", texts->header_count, 1, HTTP_HEADERS_MAX, 1, &ret->limits.header_count},
	    {"--chunk-extension-max", texts->extension_bytes, 1, HTTP_CHUNK_EXTENSION_MAX, 1,
	     &ret->limits.chunk_extension_bytes},
	    {"--trailer-max", texts->trailer_bytes, 1, HTTP_TRAILER_BYTES_MAX, 1, &ret->limits.trailer_bytes},
	    {"--rate-min", texts->rate_min, 1, HTTP_RATE_MIN_MAX, 1, &ret->limits.rate_min},
	    {"--header-timeout", texts->header_timeout, 1, SECONDS_MAX, MS_PER_SECOND, &ret->header_timeout_ms},
	    {"--body-timeout", texts->body_timeout, 1, SECONDS_MAX, MS_PER_SECOND, &ret->body_timeout_ms},
	    {"--idle-timeout", texts->idle_timeout, 1, SECONDS_MAX, MS_PER_SECOND, &ret->idle_timeout_ms},
	    {"--write-timeout", texts->write_timeout, 1, SECONDS_MAX, MS_PER_SECOND, &ret->write_timeout_ms},
	    {"--http2-streams", texts->http2_streams, 1, HTTP2_STREAMS_MAX, 1, &ret->http2.streams},
	    {"--http2-header-table", texts->http2_table, 1, HTTP2_HEADER_TABLE_MAX, 1, &ret->http2.header_table},
	    {"--http2-continuations", texts->http2_continuations, 1, HTTP2_CONTINUATIONS_MAX, 1,
	     &ret->http2.continuations},
	    {"--http2-resets", texts->http2_resets, 1, HTTP2_RATE_MAX, 1, &ret->http2.resets},
	    {"--http2-pings", texts->http2_pings, 1, HTTP2_RATE_MAX, 1, &ret->http2.pings},
	    {"--http2-settings", texts->http2_settings, 2, HTTP2_RATE_MAX, 1, &ret->http2.settings},
	    {"--http2-empty-data", texts->http2_empty_data, 1, HTTP2_RATE_MAX, 1, &ret->http2.empty_data},
	    {"--http2-window-updates", texts->http2_updates, 1, HTTP2_RATE_MAX, 1, &ret->http2.window_updates},
	    {"--http2-others", texts->http2_others, 1, HTTP2_RATE_MAX, 1, &ret->http2.others},
	    {"--http2-acks", texts->http2_acks, 1, HTTP2_ACKS_MAX, 1, &ret->http2.acks},
	    {"--http2-window", texts->http2_window, HTTP2_WINDOW_MIN, HTTP2_WINDOW_MAX, 1, &ret->http2.window},
	    {"--http2-queue", texts->http2_queue, 1, HTTP2_QUEUE_MAX, 1, &ret->http2.queue},
	    {"--websocket-fragments", texts->websocket_fragments, 1, WEBSOCKET_FRAGMENTS_MAX, 1,
	     &ret->websocket.limits.fragments_max},
	    {"--websocket-controls", texts->websocket_controls, 1, WEBSOCKET_CONTROLS_MAX, 1,
	     &ret->websocket.limits.controls_per_second},
	    {"--websocket-queue", texts->websocket_queue, 1, WEBSOCKET_QUEUE_MAX, 1, &ret->websocket.queue_messages},
	    {"--websocket-queue-bytes", texts->websocket_queue_bytes, 1, WEBSOCKET_QUEUE_BYTES_MAX, 1,
	     &ret->websocket.queue_bytes},
	    {"--websocket-ping", texts->websocket_ping, 1, SECONDS_MAX, MS_PER_SECOND, &ret->websocket.ping_ms},
	    {"--websocket-pong-timeout", texts->websocket_pong, 1, SECONDS_MAX, MS_PER_SECOND, &ret->websocket.pong_ms},
	    {"--websocket-close-timeout", texts->websocket_close, 1, SECONDS_MAX, MS_PER_SECOND,
	     &ret->websocket.close_ms},
	    {"--worker-fds", texts->worker_fds, 1, PLAIN_BINDS_MAX, 1, &ret->worker_fds},
	    {"--graceful-timeout", drain, 0, SECONDS_MAX, MS_PER_SECOND, &ret->drain_ms},
	    {"--max-requests", texts->max_requests, 0, REQUESTS_MAX, 1, &ret->max_requests},
	    {"--request-timeout", texts->request_timeout, 0, SECONDS_MAX, MS_PER_SECOND, &ret->request_timeout_ms},
	    {"--exit-timeout", texts->exit_timeout, 0, SECONDS_MAX, MS_PER_SECOND, &ret->exit_ms},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (parse_number(rows[i].name, rows[i].text, rows[i].min, rows[i].max, rows[i].scale, rows[i].into,
				 err) < 0)
			return -1;
	}
	return 0;
}

/* Those that count in bytes, and may be more than fits in 32 bits. */
static int parse_sizes(const struct texts *texts, struct plain_options *ret, struct err *err)
{
	uint64_t memory;

	if (number_parse_u64(texts->body_max, 0, BODY_MAX, &ret->body_max, err) < 0)
		return err_prefix(err, "'--body-max'");
	if (number_parse_u64(texts->http2_memory, 1, HTTP2_MEMORY_MAX, &memory, err) < 0)
		return err_prefix(err, "'--http2-memory'");
	ret->http2_memory = (size_t)memory;
	if (number_parse_u64(texts->websocket_max, 1, WEBSOCKET_MESSAGE_MAX, &ret->websocket.limits.message_max, err) <
	    0)
		return err_prefix(err, "'--websocket-max'");
	return 0;
}

/* "fd:3" or, as gunicorn says it, "fd://3". */
static int parse_bind(const char *text, struct plain_bind *ret, struct err *err)
{
	uint64_t fd;

	*ret = (struct plain_bind){.fd = PLAIN_NO_FD};
	if (strncmp(text, "fd:", 3) != 0)
		return listen_address_parse(text, &ret->address, err);
	text += strncmp(text, "fd://", 5) == 0 ? 5 : 3;
	if (number_parse_u64(text, 3, FD_MAX, &fd, err) < 0)
		return err_prefix(err, "the descriptor");
	ret->fd = (int)fd;
	return 0;
}

/* Two listeners would close it twice. */
static int check_fd(const struct plain_options *options, size_t count, struct err *err)
{
	const int fd = options->binds[count].fd;

	for (size_t i = 0; i < count && fd != PLAIN_NO_FD; i++)
		if (options->binds[i].fd == fd)
			return err_set(err, ERR_INVALID, "'fd:%d' is given twice", fd);
	return 0;
}

static int parse_binds(const struct texts *texts, struct plain_options *ret, struct err *err)
{
	size_t i;

	for (i = 0; i < PLAIN_BINDS_MAX && texts->binds[i]; i++) {
		if (parse_bind(texts->binds[i], &ret->binds[i], err) < 0 || check_fd(ret, i, err) < 0)
			return err_prefix(err, "'--bind'");
		ret->has_unix = ret->has_unix || ret->binds[i].address.is_unix;
	}
	ret->bind_count = i;
	ret->has_bind = i > 0;
	if (i > 0)
		return 0;
	ret->bind_count = 1;
	return parse_bind(PLAIN_BIND_DEFAULT, &ret->binds[0], err);
}

static int parse_mode(const char *text, mode_t *ret, struct err *err)
{
	const size_t size = strlen(text);

	*ret = 0;
	if (size < 3 || size > 4 || strspn(text, "01234567") != size || (size == 4 && *text != '0'))
		return err_set(err, ERR_INVALID, "'--socket-mode' is '%s', expected 0600, 0660 or the like", text);
	for (; *text; text++)
		*ret = *ret << 3 | (mode_t)(*text - '0');
	if ((*ret & 0600) != 0600)
		return err_set(err, ERR_INVALID, "'--socket-mode': its owner needs 0600 of it");
	return 0;
}

/* A name, or the number of one. */
static int parse_group(const char *text, gid_t *ret, struct err *err)
{
	struct err ignored = ERR_INIT;
	const struct group *group;
	uint64_t number;

	*ret = 0;
	if (!*text)
		return 0;
	if (number_parse_u64(text, 0, UINT32_MAX - 1, &number, &ignored) == 0) {
		*ret = (gid_t)number;
		return 0;
	}
	group = getgrnam(text); /* one thread by now */
	if (!group)
		return err_set(err, ERR_NOT_FOUND, "'--socket-group': there is no group '%s'", text);
	*ret = group->gr_gid;
	return 0;
}

static int parse_sockets(const struct texts *texts, struct plain_options *ret, struct err *err)
{
	const bool is_given = *texts->socket_group || strcmp(texts->socket_mode, "0600") != 0;

	if (parse_binds(texts, ret, err) < 0 || parse_mode(texts->socket_mode, &ret->socket_mode, err) < 0 ||
	    parse_group(texts->socket_group, &ret->socket_group, err) < 0)
		return -1;
	ret->socket_group_name = texts->socket_group;
	if (is_given && !ret->has_unix)
		return err_set(err, ERR_INVALID,
			       "'--socket-mode' and '--socket-group' are for '--bind unix:PATH', which is not there");
	return 0;
}

static int parse_worker_fd(const char *name, const char *text, int *ret, struct err *err)
{
	uint64_t fd;

	*ret = PLAIN_NO_FD;
	if (!*text)
		return 0;
	if (number_parse_u64(text, 3, FD_MAX, &fd, err) < 0)
		return err_prefix(err, "'%s'", name);
	*ret = (int)fd;
	return 0;
}

/* As it stands in a decoded path. */
static int parse_root_path(const char *text, const char **ret, struct err *err)
{
	const size_t size = strlen(text);

	*ret = text;
	if (size == 0)
		return 0;
	if (size > ROOT_PATH_MAX)
		return err_set(err, ERR_LIMIT, "'--root-path' has more than %d characters", ROOT_PATH_MAX);
	if (text[0] != '/' || text[size - 1] == '/')
		return err_set(err, ERR_INVALID, "'--root-path' is '%s', expected '/PATH' without a slash at its end",
			       text);
	for (size_t i = 0; i < size; i++) {
		if (text[i] <= ' ' || text[i] > '~' || strchr("%?#", text[i]))
			return err_set(err, ERR_INVALID,
				       "'--root-path' has a character that is none of a plain path's");
	}
	return 0;
}

static int parse_tls(const struct texts *texts, struct plain_options *ret, struct err *err)
{
	if (!*texts->cert != !*texts->key)
		return err_set(err, ERR_INVALID, "'--cert' and '--key' go together");
	ret->cert = *texts->cert ? texts->cert : NULL;
	ret->key = *texts->key ? texts->key : NULL;
	return 0;
}

static bool is_file(const char *module)
{
	const size_t size = strlen(module);

	return size > 3 && strcmp(module + size - 3, ".py") == 0;
}

/* What people type who come from files, or from servers that guess. */
static int hint_application(const char *text, struct err *err)
{
	char module[NAME_SHOWN_MAX] = "";
	const size_t size = strcspn(text, ":");
	const bool has_py = size > 3 && strncmp(text + size - 3, ".py", 3) == 0;

	if (size >= sizeof(module) || (text[size] && !has_py && !memchr(text, '/', size)))
		return -1;
	memcpy(module, text, size - (has_py ? 3 : 0));
	for (char *at = module; *at; at++)
		*at = *at == '/' ? '.' : *at;
	if (text[size])
		return err_set(err, ERR_INVALID, "'%s', expected 'module:variable': is it '%s%s'?", text, module,
			       text + size);
	return err_set(err, ERR_INVALID, "'%s', expected 'module:variable': is it '%s:app' or '%s:application'?", text,
		       module, module);
}

/* "MODULE:NAME()" is gunicorn's word for a factory. */
static int parse_application(const struct texts *texts, struct plain_options *ret, struct err *err)
{
	const size_t size = strlen(ret->application);
	const char *paren = strchr(ret->application, '(');
	const bool is_call = size > 2 && paren == ret->application + size - 2 && paren[1] == ')';

	if (paren && !is_call)
		return err_set(err, ERR_INVALID, "'%s': a factory is called without arguments: 'module:name()'",
			       ret->application);
	ret->is_factory = texts->factory || is_call;
	ret->name = strndup(ret->application, is_call ? size - 2 : size);
	if (!ret->name)
		return err_no_memory(err);
	if (application_name_parse(ret->name, &ret->module, &ret->variable, err) == 0 && !is_file(ret->module))
		return 0;
	IGNORE_RESULT(hint_application(ret->name, err));
	return -1;
}

/* A file without a format gets what other servers write. */
static int parse_access_log(const struct texts *texts, struct plain_options *ret, struct err *err)
{
	const char *format = *texts->access_log ? texts->access_log : *texts->access_log_file ? "combined" : "none";

	ret->access_log_file = *texts->access_log_file ? texts->access_log_file : NULL;
	return access_log_format_parse(format, &ret->access_log, err);
}

static int parse_all(const struct texts *texts, struct plain_options *ret, struct err *err)
{
	if (!ret->application)
		return err_set(err, ERR_INVALID, "the application is missing: MODULE:APP, or " PLAIN_ENV_APP);
	if (parse_application(texts, ret, err) < 0)
		return err_prefix(err, "the application");
	if (parse_sockets(texts, ret, err) < 0)
		return -1;
	if (settings_parse_proxy(texts->proxy, &ret->proxy, err) < 0)
		return err_prefix(err, "'--proxy'");
	if (forwarded_trust_parse(texts->forwarded, &ret->forwarded, err) < 0)
		return err_prefix(err, "'--forwarded-allow-ips'");
	if (parse_access_log(texts, ret, err) < 0)
		return err_prefix(err, "'--access-log'");
	if (!settings_is_interface(texts->interface))
		return err_set(err, ERR_INVALID, "'--interface' is '%s', expected auto, wsgi or asgi",
			       texts->interface);
	if (parse_numbers(texts, ret, err) < 0 || parse_sizes(texts, ret, err) < 0 ||
	    parse_worker_fd("--worker-fd", texts->worker_fd, &ret->worker_fd, err) < 0 ||
	    parse_worker_fd("--worker-ready-fd", texts->worker_ready_fd, &ret->worker_ready_fd, err) < 0)
		return -1;
	if (parse_root_path(texts->root_path, &ret->root_path, err) < 0)
		return -1;
	ret->app_dir = texts->app_dir;
	ret->venv = texts->venv;
	ret->worker_name = texts->worker_name;
	ret->interface = texts->interface;
	ret->wants_reload = texts->reload != NULL;
	memcpy(ret->reload_include, texts->reload_include, sizeof(texts->reload_include));
	if (texts->reload_include[0] && !ret->wants_reload)
		return err_set(err, ERR_INVALID, "'--reload-include' is for '--reload', which is not there");
	return parse_tls(texts, ret, err);
}

static void tell_unknown(const char *name)
{
	operator_log("%s in the environment is no option: it is ignored", name);
}

int plain_options_parse(char *const *argv, struct plain_options *ret, struct err *err)
{
	struct texts given = {0};
	struct texts *texts = &given;
	const struct argument rows[] = ROWS;

	*ret = (struct plain_options){.worker_fd = PLAIN_NO_FD};
	if (arguments_parse(rows, COUNT_OF(rows), argv, &ret->application, err) < 0)
		return plain_hint_add(rows, COUNT_OF(rows), err);
	ret->wants_help = given.help != NULL;
	ret->wants_version = given.version != NULL;
	if (ret->wants_help || ret->wants_version)
		return 0;
	if (plain_env_take(rows, COUNT_OF(rows), &ret->application, ret->env_texts, err) < 0)
		return -1;
	if (!given.worker_fd)
		plain_env_tell_unknown(rows, COUNT_OF(rows), tell_unknown);
#define X(field, name, value, fallback, help) \
	if (!given.field) \
		given.field = fallback;
	PLAIN_ROWS(X)
#undef X
	if (parse_all(&given, ret, err) == 0)
		return 0;
	plain_env_explain(rows, COUNT_OF(rows), ret->env_texts, err);
	return -1;
}

void plain_options_done(struct plain_options *options)
{
	free(TAKE_PTR(options->module));
	free(TAKE_PTR(options->name));
	for (size_t i = 0; i < PLAIN_ENV_TEXTS; i++)
		free(TAKE_PTR(options->env_texts[i]));
}
