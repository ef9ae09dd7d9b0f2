/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "enclave/plain/plain_options.h"
#include "net/http_options.h"

static void parse(const char *const *argv, struct plain_options *ret)
{
	struct err err = ERR_INIT;

	assert_ok(plain_options_parse((char *const *)(uintptr_t)argv, ret, &err), &err);
}

static void fails(const char *option, const char *value, const char *text)
{
	const char *const argv[] = {"app:app", option, value, NULL};
	struct plain_options options;
	struct err err = ERR_INIT;

	assert_fails(plain_options_parse((char *const *)(uintptr_t)argv, &options, &err), &err, ERR_INVALID, text);
	plain_options_done(&options);
}

/* Help, man page and completions show texts; what the engine does without an option is a macro of its own. */
static void defaults_are_those_of_the_engine(void **state)
{
	static const struct http_server_options none = {.threads = 1};
	static struct http_server wanted, got;
	const char *const argv[] = {"app:app", NULL};
	struct plain_options options;
	struct http_server_options given;

	(void)state;
	parse(argv, &options);
	given = (struct http_server_options){
	    .connections_max = options.connections,
	    .stream_waits_max = options.stream_waits,
	    .header_timeout_ms = options.header_timeout_ms,
	    .body_timeout_ms = options.body_timeout_ms,
	    .idle_timeout_ms = options.idle_timeout_ms,
	    .write_timeout_ms = options.write_timeout_ms,
	    .limits = options.limits,
	    .http2 = options.http2,
	    .http2_memory = options.http2_memory,
	};
	http_options_take(&wanted, &none);
	http_options_take(&got, &given);
	assert_int_equal(got.connections_max, wanted.connections_max);
	assert_int_equal(got.stream_waits_max, wanted.stream_waits_max);
	assert_int_equal(got.header_timeout_ms, wanted.header_timeout_ms);
	assert_int_equal(got.body_timeout_ms, wanted.body_timeout_ms);
	assert_int_equal(got.idle_timeout_ms, wanted.idle_timeout_ms);
	assert_int_equal(got.write_timeout_ms, wanted.write_timeout_ms);
	assert_memory_equal(&got.limits, &wanted.limits, sizeof(wanted.limits));
	assert_memory_equal(&got.http2, &wanted.http2, sizeof(wanted.http2));
	assert_int_equal(got.http2_memory, wanted.http2_memory);
	assert_int_equal(options.threads, HTTP_THREADS);
	plain_options_done(&options);
}

static void defaults_of_websockets_are_those_of_the_applications_side(void **state)
{
	const char *const argv[] = {"app:app", NULL};
	struct plain_options options;
	const struct websocket_options *got = &options.websocket;

	(void)state;
	parse(argv, &options);
	assert_int_equal(got->limits.message_max, WEBSOCKET_MESSAGE_DEFAULT);
	assert_int_equal(got->limits.fragments_max, WEBSOCKET_FRAGMENTS_DEFAULT);
	assert_int_equal(got->limits.controls_per_second, WEBSOCKET_CONTROLS_DEFAULT);
	assert_int_equal(got->ping_ms, WEBSOCKET_PING_MS);
	assert_int_equal(got->pong_ms, WEBSOCKET_PONG_MS);
	assert_int_equal(got->close_ms, WEBSOCKET_CLOSE_MS);
	assert_int_equal(got->queue_messages, WEBSOCKET_QUEUE);
	assert_int_equal(got->queue_bytes, WEBSOCKET_QUEUE_BYTES);
	plain_options_done(&options);
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	fails("--threads", "0", "'--threads'");
	fails("--target-max", "16385", "'--target-max'");
	fails("--http2-settings", "1", "'--http2-settings'");
	fails("--http2-window", "65535", "'--http2-window'");
	fails("--socket-mode", "8", "'--socket-mode'");
	fails("--interface", "cgi", "'--interface'");
	fails("--root-path", "x%20", "'--root-path'");
	fails("--cert", "a.pem", "'--cert' and '--key'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_are_those_of_the_engine),
	    cmocka_unit_test(defaults_of_websockets_are_those_of_the_applications_side),
	    cmocka_unit_test(what_is_wrong_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
