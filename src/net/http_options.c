/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_options.h"

#include <sys/resource.h>

#include "base/number.h"
#include "net/http2_guard.h"

#define STACK_SIZE (1u << 20)
#define STACK_SIZE_MIN (128u << 10)
#define TICK_MS_MAX 250

static unsigned or_default(unsigned value, unsigned fallback)
{
	return value ? value : fallback;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned limit(unsigned value, unsigned most)
{
	return value ? least(value, most) : most;
}

static void take_limits(const struct http_limits *given, struct http_limits *ret)
{
	*ret = (struct http_limits){
	    .target_bytes = limit(given->target_bytes, HTTP_TARGET_MAX),
	    .header_bytes = limit(given->header_bytes, HTTP_HEADER_BYTES_MAX),
	    .header_count = limit(given->header_count, HTTP_HEADERS_MAX),
	    .chunk_extension_bytes = limit(given->chunk_extension_bytes, HTTP_CHUNK_EXTENSION_MAX),
	    .trailer_bytes = limit(given->trailer_bytes, HTTP_TRAILER_BYTES_MAX),
	    .rate_min = least(or_default(given->rate_min, HTTP_RATE_MIN), HTTP_RATE_MIN_MAX),
	};
}

static void take_http2_limits(const struct http2_limits *given, struct http2_limits *ret)
{
	*ret = (struct http2_limits){
	    .streams = least(or_default(given->streams, HTTP2_STREAMS), HTTP2_STREAMS_MAX),
	    .header_table = least(or_default(given->header_table, HTTP2_HEADER_TABLE), HTTP2_HEADER_TABLE_MAX),
	    .continuations = least(or_default(given->continuations, HTTP2_CONTINUATIONS), HTTP2_CONTINUATIONS_MAX),
	    .window = least(or_default(given->window, HTTP2_WINDOW), HTTP2_WINDOW_MAX),
	    .acks = least(or_default(given->acks, HTTP2_ACKS), HTTP2_ACKS_MAX),
	    .queue = least(or_default(given->queue, HTTP2_QUEUE), HTTP2_QUEUE_MAX),
	    .resets = least(or_default(given->resets, HTTP2_RESETS), HTTP2_RATE_MAX),
	    .pings = least(or_default(given->pings, HTTP2_PINGS), HTTP2_RATE_MAX),
	    .settings = least(or_default(given->settings, HTTP2_SETTINGS), HTTP2_RATE_MAX),
	    .empty_data = least(or_default(given->empty_data, HTTP2_EMPTY_DATA), HTTP2_RATE_MAX),
	    .window_updates = least(or_default(given->window_updates, HTTP2_WINDOW_UPDATES), HTTP2_RATE_MAX),
	    .others = least(or_default(given->others, HTTP2_OTHERS), HTTP2_RATE_MAX),
	};
}

/* Streams that wait may take a quarter of all descriptors, and each takes two. */
static unsigned waits_by_descriptors(void)
{
	const rlim_t share = 4 * 2;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > share * HTTP_CONNECTIONS_MAX)
		return HTTP_CONNECTIONS_MAX;
	return limit.rlim_cur < share ? 1 : (unsigned)(limit.rlim_cur / share);
}

void http_options_take(struct http_server *server, const struct http_server_options *options)
{
	unsigned tick_ms;

	server->handler = options->handler;
	server->arg = options->arg;
	server->on_done = options->on_done;
	server->is_led = options->is_led;
	server->runs_others_code = options->runs_others_code;
	atomic_init(&server->takes_tunnels, options->takes_tunnels);
	server->thread_count = least(or_default(options->threads, HTTP_THREADS), HTTP_THREADS_MAX);
	server->connections_max = least(or_default(options->connections_max, HTTP_CONNECTIONS), HTTP_CONNECTIONS_MAX);
	server->header_timeout_ms = or_default(options->header_timeout_ms, HTTP_HEADER_TIMEOUT_MS);
	server->body_timeout_ms = or_default(options->body_timeout_ms, HTTP_BODY_TIMEOUT_MS);
	server->idle_timeout_ms = or_default(options->idle_timeout_ms, HTTP_IDLE_TIMEOUT_MS);
	server->write_timeout_ms = or_default(options->write_timeout_ms, HTTP_WRITE_TIMEOUT_MS);
	server->stream_waits_max = or_default(options->stream_waits_max, waits_by_descriptors());
	take_limits(&options->limits, &server->limits);
	take_http2_limits(&options->http2, &server->http2);
	server->http2_memory = options->http2_memory ? size_min(options->http2_memory, HTTP2_MEMORY_MAX) : HTTP2_MEMORY;
	server->stack_size = options->stack_size ? options->stack_size : STACK_SIZE;
	if (server->stack_size < STACK_SIZE_MIN)
		server->stack_size = STACK_SIZE_MIN;
	tick_ms = least(server->header_timeout_ms, server->idle_timeout_ms) / 8;
	server->tick_ns = (tick_ms < 1 ? 1 : least(tick_ms, TICK_MS_MAX)) * NS_PER_MS;
	server->last_tick = clock_monotonic_ns() / server->tick_ns;
}
