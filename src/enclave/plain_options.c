/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/plain_options.h"

#include <string.h>

#include "base/number.h"
#include "enclave/app_gate.h"
#include "enclave/application_name.h"
#include "enclave/arguments.h"
#include "enclave/settings.h"

#define SECONDS_MAX 86400
#define MS_PER_SECOND 1000
#define THREADS_MAX (HTTP_THREADS_MAX / 2)
#define FD_MAX 1023
#define BODY_MAX (1ULL << 40)
#define ROOT_PATH_MAX 1024

/* [option, what help calls its value, default, help] */
#define TEXTS(X) \
	X(bind, "--bind", "ADDRESS", "127.0.0.1:8000", "HOST:PORT, [IPV6]:PORT or unix:PATH") \
	X(app_dir, "--app-dir", "DIR", ".", "where the application is: first in sys.path, working directory") \
	X(cert, "--cert", "PEM", "", "certificate chain: serves TLS 1.3") \
	X(key, "--key", "PEM", "", "its private key") \
	X(interface, "--interface", "NAME", "auto", "auto, wsgi or asgi") \
	X(root_path, "--root-path", "/PATH", "", "where the application is mounted: SCRIPT_NAME, root_path") \
	X(threads, "--threads", "N", "8", "WSGI requests that run at a time, in each worker") \
	X(workers, "--workers", "N", "1", "processes") \
	X(access_log, "--access-log", "FORMAT", "none", "to stdout: none, common, combined or json") \
	X(proxy, "--proxy", "MODE", "none", "PROXY protocol v2: none, optional or required") \
	X(connections, "--connections", "N", "10000", "at a time, in each worker; more wait") \
	X(queue, "--queue", "N", "8192", "requests that wait for one of the threads; more are told 503") \
	X(stream_waits, "--stream-waits", "N", "0", \
	  "HTTP/2 streams that wait in ASGI; 0: by the descriptors; more are told 503") \
	X(target_max, "--target-max", "BYTES", "16384", "of a request's target") \
	X(header_bytes, "--header-bytes-max", "BYTES", "65536", "of a request's head") \
	X(header_count, "--headers-max", "N", "100", "fields in a request") \
	X(extension_bytes, "--chunk-extension-max", "BYTES", "256", "of chunk extensions in a body") \
	X(trailer_bytes, "--trailer-max", "BYTES", "8192", "of trailer fields") \
	X(rate_min, "--rate-min", "BYTES", "256", "a second, of who makes us wait for longer than a time-out") \
	X(body_max, "--body-max", "BYTES", "2147483648", "of one request's body") \
	X(header_timeout, "--header-timeout", "S", "10", "for a handshake and a request's head") \
	X(body_timeout, "--body-timeout", "S", "30", "between two pieces of a body") \
	X(idle_timeout, "--idle-timeout", "S", "75", "between two requests") \
	X(write_timeout, "--write-timeout", "S", "30", "between two pieces that a client takes") \
	X(http2_streams, "--http2-streams", "N", "100", "of one connection; more are refused") \
	X(http2_memory, "--http2-memory", "BYTES", "67108864", "of all streams; beyond it streams are refused") \
	X(http2_table, "--http2-header-table", "BYTES", "4096", "of each table of field compression") \
	X(http2_continuations, "--http2-continuations", "N", "8", "frames that one head goes on in") \
	X(http2_resets, "--http2-resets", "N", "200", "streams that a client resets in a second") \
	X(http2_pings, "--http2-pings", "N", "100", "in a second") \
	X(http2_settings, "--http2-settings", "N", "20", "frames of settings in a second") \
	X(http2_empty_data, "--http2-empty-data", "N", "100", "empty frames of bodies in a second") \
	X(http2_updates, "--http2-window-updates", "N", "1000", "in a second, besides 3 for each frame of data sent") \
	X(http2_others, "--http2-others", "N", "500", "priorities and other frames in a second") \
	X(http2_acks, "--http2-acks", "N", "128", "acknowledgements that a client does not take") \
	X(http2_queue, "--http2-queue", "N", "256", "frames that a client does not take, and 4 for each stream") \
	X(websocket_max, "--websocket-max", "BYTES", "16777216", "of one message") \
	X(websocket_fragments, "--websocket-fragments", "N", "65536", "frames of one message") \
	X(websocket_controls, "--websocket-controls", "N", "100", "pings, pongs and empty fragments in a second") \
	X(websocket_queue, "--websocket-queue", "N", "32", "messages that wait for the application") \
	X(websocket_queue_bytes, "--websocket-queue-bytes", "BYTES", "65536", "of those; more is not read") \
	X(websocket_ping, "--websocket-ping", "S", "20", "until a silent client is asked whether it is there") \
	X(websocket_pong, "--websocket-pong-timeout", "S", "20", "to answer that") \
	X(websocket_close, "--websocket-close-timeout", "S", "10", "to answer a close") \
	X(drain, "--graceful-timeout", "S", "10", "for running requests at a stop") \
	X(worker_fd, "--worker-fd", "FD", "", "what the server's parent tells its workers")

struct texts {
#define X(field, name, value, fallback, help) const char *field;
	TEXTS(X)
#undef X
	const char *reload;
	const char *help;
};

#define ROW(field, name, value, fallback, help) \
	{name, value, help[0] && fallback[0] ? help " [" fallback "]" : help, &(texts)->field},
#define ROWS \
	{ \
		TEXTS(ROW){"--reload", NULL, "start anew when a file of the application changes", &(texts)->reload}, \
		    {"--help", NULL, "this text", &(texts)->help}, {"-h", NULL, "this text", &(texts)->help}, \
	}

int plain_options_help(struct buf *ret, struct err *err)
{
	struct texts ignored = {0};
	struct texts *texts = &ignored;
	const struct argument rows[] = ROWS;

	if (buf_add_text(
		ret,
		"usage: mse-enclave --plain MODULE:APP [OPTIONS]\n\n"
		"An ordinary application server: WSGI and ASGI over HTTP/1.1, plain or TLS, and over HTTP/2 with\n"
		"TLS; WebSocket over both. No TEE, no attestation.\n\n",
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
	    {"--graceful-timeout", texts->drain, 0, SECONDS_MAX, MS_PER_SECOND, &ret->drain_ms},
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

static int parse_worker_fd(const char *text, int *ret, struct err *err)
{
	uint64_t fd;

	*ret = PLAIN_NO_FD;
	if (!*text)
		return 0;
	if (number_parse_u64(text, 3, FD_MAX, &fd, err) < 0)
		return err_prefix(err, "'--worker-fd'");
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

static int parse_all(const struct texts *texts, struct plain_options *ret, struct err *err)
{
	if (!ret->application)
		return err_set(err, ERR_INVALID, "the application is missing: MODULE:APP");
	if (application_name_parse(ret->application, &ret->module, &ret->variable, err) < 0)
		return err_prefix(err, "the application");
	if (listen_address_parse(texts->bind, &ret->bind, err) < 0)
		return err_prefix(err, "'--bind'");
	if (settings_parse_proxy(texts->proxy, &ret->proxy, err) < 0)
		return err_prefix(err, "'--proxy'");
	if (access_log_format_parse(texts->access_log, &ret->access_log, err) < 0)
		return err_prefix(err, "'--access-log'");
	if (!settings_is_interface(texts->interface))
		return err_set(err, ERR_INVALID, "'--interface' is '%s', expected auto, wsgi or asgi",
			       texts->interface);
	if (parse_numbers(texts, ret, err) < 0 || parse_sizes(texts, ret, err) < 0 ||
	    parse_worker_fd(texts->worker_fd, &ret->worker_fd, err) < 0)
		return -1;
	if (parse_root_path(texts->root_path, &ret->root_path, err) < 0)
		return -1;
	ret->app_dir = texts->app_dir;
	ret->interface = texts->interface;
	ret->wants_reload = texts->reload != NULL;
	return parse_tls(texts, ret, err);
}

int plain_options_parse(char *const *argv, struct plain_options *ret, struct err *err)
{
	struct texts given = {0};
	struct texts *texts = &given;
	const struct argument rows[] = ROWS;

	*ret = (struct plain_options){.worker_fd = PLAIN_NO_FD};
	if (arguments_parse(rows, COUNT_OF(rows), argv, &ret->application, err) < 0)
		return -1;
	ret->wants_help = given.help != NULL;
	if (ret->wants_help)
		return 0;
#define X(field, name, value, fallback, help) \
	if (!given.field) \
		given.field = fallback;
	TEXTS(X)
#undef X
	return parse_all(&given, ret, err);
}

void plain_options_done(struct plain_options *options)
{
	free(options->module);
	options->module = NULL;
}
