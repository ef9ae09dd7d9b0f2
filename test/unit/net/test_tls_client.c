/* SPDX-License-Identifier: Apache-2.0 */
/* The server of this library and its clients, on real sockets in one process. */
#include "unit.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "certs.h"
#include "net/curl_client.h"
#include "net/http_client.h"
#include "net/http_server.h"

#define LABEL "EXPERIMENTAL-mse-attest-1"
#define UPLOAD_SIZE 3000000

struct world {
	struct certs certs;
	struct tls_server *tls;
	struct http_server *server;
	uint16_t port;
	uint8_t exporter[TLS_EXPORTER_SIZE];
	uint8_t tls_key[TLS_KEY_HASH_SIZE];
	atomic_int refusals_left; /* answers 503 so many times */
};

static struct world world;

static struct tls_identity *choose(const char *sni, void *arg)
{
	(void)arg;
	return sni && strcmp(sni, "a.localhost") == 0 ? tls_identity_ref(world.certs.identity) : NULL;
}

static void reply_text(struct http_exchange *exchange, int status, const char *text)
{
	struct err ignored = ERR_INIT;
	const struct http_header headers[] = {{"X-Test", "a"}, {"Retry-After", "0"}};

	IGNORE_RESULT(http_reply(exchange, status, headers, 2, text, strlen(text), &ignored));
}

static void serve_upload(struct http_exchange *exchange)
{
	struct err err = ERR_INIT;
	size_t total = 0;
	size_t got = 1;
	char text[32];

	http_set_body_max(exchange, UPLOAD_SIZE);
	while (got > 0) {
		uint8_t piece[8000];

		if (http_read_body(exchange, piece, sizeof(piece), &got, &err) < 0) {
			reply_text(exchange, http_body_status(&err), err.text);
			return;
		}
		total += got;
	}
	(void)snprintf(text, sizeof(text), "%zu", total);
	reply_text(exchange, 200, text);
}

static void serve_stream(struct http_exchange *exchange)
{
	struct err err = ERR_INIT;

	if (http_reply_start(exchange, 200, NULL, 0, -1, &err) < 0)
		return;
	for (int i = 0; i < 100; i++) {
		uint8_t piece[1000] = {0};

		if (http_reply_write(exchange, piece, sizeof(piece), &err) < 0)
			return;
	}
	IGNORE_RESULT(http_reply_end(exchange, &err));
}

static void serve_export(struct http_exchange *exchange)
{
	struct err err = ERR_INIT;
	scoped(buf_done) struct buf context = BUF_INIT(64);

	if (http_read_body_all(exchange, &context, &err) < 0 ||
	    http_tls_exporter(exchange, LABEL, context.data, context.size, world.exporter, &err) < 0) {
		reply_text(exchange, 500, err.text);
		return;
	}
	http_tls_key(exchange, world.tls_key);
	reply_text(exchange, 200, "");
}

static enum http_result serve(struct http_exchange *exchange, void *arg)
{
	const char *path = http_path(exchange);

	(void)arg;
	if (strcmp(path, "/upload") == 0)
		serve_upload(exchange);
	else if (strcmp(path, "/stream") == 0)
		serve_stream(exchange);
	else if (strcmp(path, "/export") == 0)
		serve_export(exchange);
	else if (strcmp(path, "/slow") == 0)
		(void)poll(NULL, 0, 400);
	else if (strcmp(path, "/busy") == 0 && atomic_fetch_sub(&world.refusals_left, 1) > 0)
		reply_text(exchange, 503, "busy");
	else
		reply_text(exchange, 200, http_is_first_request(exchange) ? "first" : "later");
	return HTTP_HANDLED;
}

static int set_up(void **state)
{
	struct err err = ERR_INIT;
	struct http_listener listener = {.address = "127.0.0.1"};
	struct http_server_options options = {.listeners = &listener, .listener_count = 1, .handler = serve};

	(void)state;
	assert_ok(certs_make(&world.certs, &err), &err);
	assert_ok(tls_server_new(choose, NULL, &world.tls, &err), &err);
	listener.tls = world.tls;
	options.threads = 4;
	assert_ok(http_server_start(&options, &world.server, &err), &err);
	world.port = http_server_port(world.server, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	http_server_stop(world.server, 1000);
	tls_server_free(world.tls);
	certs_done(&world.certs);
	return 0;
}

static struct tls_client_options to_server(void)
{
	return (struct tls_client_options){
	    .host = "a.localhost",
	    .port = world.port,
	    .verify = TLS_VERIFY_CA,
	    .ca_pem = world.certs.cert_pem.data,
	    .ca_pem_size = world.certs.cert_pem.size,
	};
}

static struct http_client *open_client(void)
{
	const struct tls_client_options options = to_server();
	struct tls_client *tls = NULL;
	struct http_client *client = NULL;
	struct err err = ERR_INIT;

	assert_ok(tls_client_open(&options, &tls, &err), &err);
	assert_ok(http_client_new(tls, "a.localhost", &client, &err), &err);
	return client;
}

/* ---- TLS ---- */

static void test_exporter_is_the_same_on_both_ends(void **state)
{
	scoped(http_client_freep) struct http_client *client = open_client();
	struct http_response response = HTTP_RESPONSE_INIT;
	const uint8_t nonce[32] = {1, 2, 3};
	const struct http_request request = {.method = "POST", .target = "/export", .body = nonce, .body_size = 32};
	uint8_t mine[TLS_EXPORTER_SIZE];
	uint8_t key[32];
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(http_client_request(client, &request, &response, &err), &err);
	assert_int_equal(response.status, 200);
	assert_ok(tls_client_exporter(http_client_tls(client), LABEL, nonce, 32, mine, &err), &err);
	assert_memory_equal(mine, world.exporter, sizeof(mine));
	/* Another label, another context: another value. */
	assert_ok(tls_client_exporter(http_client_tls(client), "EXPERIMENTAL-other", nonce, 32, mine, &err), &err);
	assert_memory_not_equal(mine, world.exporter, sizeof(mine));
	assert_ok(tls_client_exporter(http_client_tls(client), LABEL, nonce, 31, mine, &err), &err);
	assert_memory_not_equal(mine, world.exporter, sizeof(mine));
	tls_client_spki_sha256(http_client_tls(client), key);
	assert_memory_equal(key, world.tls_key, sizeof(key));
	assert_false(tls_client_is_resumed(http_client_tls(client)));
	assert_int_equal(tls_client_version(http_client_tls(client)), 0x0304);
	http_response_done(&response);
}

static void test_exporters_differ_between_connections(void **state)
{
	scoped(http_client_freep) struct http_client *one = open_client();
	scoped(http_client_freep) struct http_client *two = open_client();
	uint8_t a[TLS_EXPORTER_SIZE];
	uint8_t b[TLS_EXPORTER_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(tls_client_exporter(http_client_tls(one), LABEL, "n", 1, a, &err), &err);
	assert_ok(tls_client_exporter(http_client_tls(two), LABEL, "n", 1, b, &err), &err);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void test_tls_1_2_is_refused_by_the_server(void **state)
{
	struct tls_client_options options = to_server();
	struct tls_client *client = NULL;
	struct err err = ERR_INIT;

	(void)state;
	options.version_min = options.version_max = 0x0303;
	assert_fails(tls_client_open(&options, &client, &err), &err, ERR_UNSUPPORTED, "TLS version");
}

static void test_certificate_is_checked(void **state)
{
	struct tls_client_options options = to_server();
	struct tls_client *client = NULL;
	struct certs other;
	struct err err = ERR_INIT;
	size_t size;

	(void)state;
	assert_ok(certs_make(&other, &err), &err);
	options.ca_pem = other.cert_pem.data;
	options.ca_pem_size = other.cert_pem.size;
	assert_fails(tls_client_open(&options, &client, &err), &err, ERR_UNTRUSTED, "certificate");
	options = to_server();
	options.verify_name = "b.localhost";
	assert_fails(tls_client_open(&options, &client, &err), &err, ERR_UNTRUSTED, "hostname");
	options.verify_name = "127.0.0.1";
	assert_ok(tls_client_open(&options, &client, &err), &err);
	tls_client_close(client);
	options.verify = TLS_VERIFY_SYSTEM;
	assert_fails(tls_client_open(&options, &client, &err), &err, ERR_UNTRUSTED, "certificate");
	options.verify = TLS_VERIFY_NONE;
	assert_ok(tls_client_open(&options, &client, &err), &err);
	assert_non_null(tls_client_leaf(client, &size));
	assert_true(size > 200);
	tls_client_close(client);
	certs_done(&other);
}

static void test_unknown_name_is_refused(void **state)
{
	struct tls_client_options options = to_server();
	struct tls_client *client = NULL;
	struct err err = ERR_INIT;

	(void)state;
	options.sni = "nobody.localhost";
	assert_fails(tls_client_open(&options, &client, &err), &err, ERR_IO, "unrecognized name");
}

static void test_nobody_there(void **state)
{
	struct tls_client_options options = to_server();
	struct tls_client *client = NULL;
	struct err err = ERR_INIT;

	(void)state;
	options.port = 1;
	assert_fails(tls_client_open(&options, &client, &err), &err, ERR_UNAVAILABLE, "refused");
	options = (struct tls_client_options){.unix_path = "/tmp/net-no-such.sock", .sni = "a.localhost"};
	assert_fails(tls_client_open(&options, &client, &err), &err, ERR_UNAVAILABLE, "No such file");
}

/* ---- HTTP ---- */

static void test_connection_is_kept(void **state)
{
	scoped(http_client_freep) struct http_client *client = open_client();
	struct http_response response = HTTP_RESPONSE_INIT;
	const struct http_request request = {.target = "/"};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(http_client_request(client, &request, &response, &err), &err);
	assert_string_equal(buf_text(&response.body), "first");
	assert_string_equal(http_response_header(&response, "x-test"), "a");
	assert_ok(http_client_request(client, &request, &response, &err), &err);
	assert_string_equal(buf_text(&response.body), "later");
	assert_true(http_client_is_open(client));
	http_response_done(&response);
}

struct source {
	size_t left;
};

static int read_source(void *arg, void *data, size_t size, size_t *ret_got, struct err *err)
{
	struct source *source = arg;

	(void)err;
	*ret_got = source->left < size ? source->left : size;
	memset(data, 'x', *ret_got);
	source->left -= *ret_got;
	return 0;
}

static void upload(int64_t length, size_t size, int wanted_status, const char *wanted_text)
{
	scoped(http_client_freep) struct http_client *client = open_client();
	struct http_response response = HTTP_RESPONSE_INIT;
	struct source source = {.left = size};
	const struct http_request request = {.method = "POST",
					     .target = "/upload",
					     .read_body = read_source,
					     .read_arg = &source,
					     .body_length = length};
	struct err err = ERR_INIT;

	assert_ok(http_client_request(client, &request, &response, &err), &err);
	assert_int_equal(response.status, wanted_status);
	assert_non_null(strstr(buf_text(&response.body), wanted_text));
	http_response_done(&response);
}

static void test_streamed_upload(void **state)
{
	(void)state;
	upload(-1, UPLOAD_SIZE, 200, "3000000");
	upload(UPLOAD_SIZE, UPLOAD_SIZE, 200, "3000000");
	upload(-1, UPLOAD_SIZE + 1, 413, "larger");
	upload(UPLOAD_SIZE + 1, UPLOAD_SIZE + 1, 413, "larger");
	upload(-1, 0, 200, "0");
}

static void test_response_limit(void **state)
{
	scoped(http_client_freep) struct http_client *client = open_client();
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_request request = {.target = "/stream", .body_max = 100000};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(http_client_request(client, &request, &response, &err), &err);
	assert_int_equal(response.body.size, 100000);
	request.body_max = 99999;
	assert_fails(http_client_request(client, &request, &response, &err), &err, ERR_LIMIT, "99999");
	assert_false(http_client_is_open(client));
	assert_fails(http_client_request(client, &request, &response, &err), &err, ERR_UNAVAILABLE, "closed");
}

static int count_body(void *arg, const void *data, size_t size, struct err *err)
{
	(void)data;
	(void)err;
	*(size_t *)arg += size;
	return 0;
}

static void test_streamed_response(void **state)
{
	scoped(http_client_freep) struct http_client *client = open_client();
	struct http_response response = HTTP_RESPONSE_INIT;
	const struct http_request request = {.target = "/stream"};
	size_t total = 0;
	const struct http_response_sink sink = {.on_body = count_body, .arg = &total};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(http_client_stream(client, &request, &sink, &response, &err), &err);
	assert_int_equal(total, 100000);
	assert_int_equal(response.body.size, 0);
	http_response_done(&response);
}

static void test_timeout(void **state)
{
	scoped(http_client_freep) struct http_client *client = open_client();
	struct http_response response = HTTP_RESPONSE_INIT;
	const struct http_request request = {.target = "/slow", .timeout_ms = 100};
	const int64_t began = clock_monotonic_ns();
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(http_client_request(client, &request, &response, &err), &err, ERR_TIMEOUT, "time");
	assert_true(clock_monotonic_ns() - began < 350000000);
}

static void test_bad_requests_are_not_sent(void **state)
{
	scoped(http_client_freep) struct http_client *client = open_client();
	struct http_response response = HTTP_RESPONSE_INIT;
	const struct http_header bad = {"X", "a\r\nb: c"};
	struct http_request request = {.target = "/ HTTP/1.1\r\nX: y"};
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(http_client_request(client, &request, &response, &err), &err, ERR_INVALID, "cannot be sent");
	scoped(http_client_freep) struct http_client *second = open_client();
	request = (struct http_request){.target = "/", .headers = &bad, .header_count = 1};
	assert_fails(http_client_request(second, &request, &response, &err), &err, ERR_INVALID, "cannot be sent");
}

/* ---- curl ---- */

static void url_to(char *room, size_t size, const char *path)
{
	(void)snprintf(room, size, "https://a.localhost:%u%s", world.port, path);
}

static struct curl_client *open_curl(bool with_ca)
{
	const struct curl_client_options options = {
	    .ca_pem = with_ca ? world.certs.cert_pem.data : NULL,
	    .ca_pem_size = with_ca ? world.certs.cert_pem.size : 0,
	    .retry_delay_ms = 1,
	};
	struct curl_client *client = NULL;
	struct err err = ERR_INIT;

	assert_ok(curl_client_new(&options, &client, &err), &err);
	return client;
}

static void test_curl_pins_the_ca(void **state)
{
	scoped(curl_client_freep) struct curl_client *pinned = open_curl(true);
	scoped(curl_client_freep) struct curl_client *system = open_curl(false);
	struct curl_response response = CURL_RESPONSE_INIT;
	struct curl_request request = {.no_retry = false};
	char url[100];
	struct err err = ERR_INIT;

	(void)state;
	url_to(url, sizeof(url), "/");
	request.url = url;
	assert_ok(curl_client_request(pinned, &request, &response, &err), &err);
	assert_int_equal(response.status, 200);
	assert_string_equal(buf_text(&response.body), "first");
	assert_string_equal(curl_response_header(&response, "X-Test"), "a");
	assert_ok(curl_client_request(pinned, &request, &response, &err), &err);
	assert_string_equal(buf_text(&response.body), "later");
	assert_fails(curl_client_request(system, &request, &response, &err), &err, ERR_UNTRUSTED, "certificate");
	curl_response_done(&response);
}

static void test_curl_retries(void **state)
{
	scoped(curl_client_freep) struct curl_client *client = open_curl(true);
	struct curl_response response = CURL_RESPONSE_INIT;
	struct curl_request request = {.no_retry = false};
	char url[100];
	struct err err = ERR_INIT;

	(void)state;
	url_to(url, sizeof(url), "/busy");
	request.url = url;
	atomic_store(&world.refusals_left, CURL_CLIENT_TRIES_MAX - 1);
	assert_ok(curl_client_request(client, &request, &response, &err), &err);
	assert_int_equal(response.status, 200);
	atomic_store(&world.refusals_left, CURL_CLIENT_TRIES_MAX);
	assert_ok(curl_client_request(client, &request, &response, &err), &err);
	assert_int_equal(response.status, 503);
	request.no_retry = true;
	atomic_store(&world.refusals_left, 1);
	assert_ok(curl_client_request(client, &request, &response, &err), &err);
	assert_int_equal(response.status, 503);
	curl_response_done(&response);
}

static bool cancel(void *arg, uint64_t sent, uint64_t send_total, uint64_t received, uint64_t receive_total)
{
	(void)arg;
	(void)sent;
	(void)send_total;
	(void)received;
	(void)receive_total;
	return false;
}

static void test_curl_limits(void **state)
{
	scoped(curl_client_freep) struct curl_client *client = open_curl(true);
	struct curl_response response = CURL_RESPONSE_INIT;
	struct curl_request request = {.response_max = 100000};
	char url[100];
	struct err err = ERR_INIT;

	(void)state;
	url_to(url, sizeof(url), "/stream");
	request.url = url;
	assert_ok(curl_client_request(client, &request, &response, &err), &err);
	assert_int_equal(response.body.size, 100000);
	request.response_max = 99999;
	assert_fails(curl_client_request(client, &request, &response, &err), &err, ERR_LIMIT, "99999");
	request = (struct curl_request){.url = url, .progress = cancel};
	assert_fails(curl_client_request(client, &request, &response, &err), &err, ERR_CANCELLED, "cancelled");
	url_to(url, sizeof(url), "/slow");
	request = (struct curl_request){.url = url, .timeout_ms = 100};
	assert_fails(curl_client_request(client, &request, &response, &err), &err, ERR_TIMEOUT, "");
	request = (struct curl_request){.url = "https://a.localhost:1/"};
	assert_fails(curl_client_request(client, &request, &response, &err), &err, ERR_UNAVAILABLE, "");
	request = (struct curl_request){.url = "ftp://a.localhost/"};
	assert_fails(curl_client_request(client, &request, &response, &err), &err, ERR_INVALID, "");
}

static void test_curl_sends_multipart_from_a_file(void **state)
{
	scoped(curl_client_freep) struct curl_client *client = open_curl(true);
	struct curl_response response = CURL_RESPONSE_INIT;
	char path[] = "/tmp/net-curl-XXXXXX";
	scoped(fd_closep) int fd = mkostemp(path, 0);
	const struct curl_part parts[] = {
	    {.name = "code", .path = path, .content_type = "application/x-tar"},
	    {.name = "conf", .data = "{}", .data_size = 2, .content_type = "application/json"},
	};
	struct curl_request request = {.method = "POST", .parts = parts, .part_count = 2};
	char url[100];
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(ftruncate(fd, 1000000), 0);
	url_to(url, sizeof(url), "/upload");
	request.url = url;
	assert_ok(curl_client_request(client, &request, &response, &err), &err);
	assert_int_equal(response.status, 200);
	/* Content and frame: two part heads and three boundaries of some 60 bytes. */
	assert_true(strlen(buf_text(&response.body)) == 7 && strncmp(buf_text(&response.body), "10003", 4) == 0);
	curl_response_done(&response);
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_exporter_is_the_same_on_both_ends),
	    cmocka_unit_test(test_exporters_differ_between_connections),
	    cmocka_unit_test(test_tls_1_2_is_refused_by_the_server),
	    cmocka_unit_test(test_certificate_is_checked),
	    cmocka_unit_test(test_unknown_name_is_refused),
	    cmocka_unit_test(test_nobody_there),
	    cmocka_unit_test(test_connection_is_kept),
	    cmocka_unit_test(test_streamed_upload),
	    cmocka_unit_test(test_response_limit),
	    cmocka_unit_test(test_streamed_response),
	    cmocka_unit_test(test_timeout),
	    cmocka_unit_test(test_bad_requests_are_not_sent),
	    cmocka_unit_test(test_curl_pins_the_ca),
	    cmocka_unit_test(test_curl_retries),
	    cmocka_unit_test(test_curl_limits),
	    cmocka_unit_test(test_curl_sends_multipart_from_a_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
