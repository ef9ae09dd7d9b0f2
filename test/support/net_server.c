/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server of src/net for tests with real clients (test/e2e/test_net_*.py). Options on argv are KEY=VALUE; it prints
 * "ready PORT" when it listens and stops in order on SIGTERM or when stdin ends.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/number.h"
#include "net/http_server.h"

#define BIG_PIECE 65536
#define UPLOAD_MAX (4ULL << 30)
#define PEM_MAX 65536

static struct tls_identity *g_identity;
static pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;
static const char *g_cert[2];
static const char *g_key[2];

static uint64_t number_of(const char *text)
{
	uint64_t value = 0;
	struct err err = ERR_INIT;

	if (!text || number_parse_u64(text, 0, UINT64_MAX, &value, &err) < 0)
		return 0;
	return value;
}

static struct tls_identity *load_identity(int index)
{
	scoped(buf_done) struct buf chain = BUF_INIT(PEM_MAX);
	scoped(buf_done) struct buf key = BUF_INIT(PEM_MAX);
	struct tls_identity *identity = NULL;
	struct err err = ERR_INIT;

	if (fs_read(g_cert[index], &chain, &err) < 0 || fs_read(g_key[index], &key, &err) < 0 ||
	    tls_identity_from_pem(chain.data, chain.size, key.data, key.size, &identity, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return identity;
}

static struct tls_identity *choose(const char *sni, void *arg)
{
	struct tls_identity *identity;

	(void)arg;
	if (!sni || strcmp(sni, "unknown.test") == 0)
		return NULL;
	(void)pthread_mutex_lock(&g_lock);
	identity = tls_identity_ref(g_identity);
	(void)pthread_mutex_unlock(&g_lock);
	return identity;
}

static void swap_identity(void)
{
	struct tls_identity *old;

	(void)pthread_mutex_lock(&g_lock);
	old = g_identity;
	g_identity = load_identity(1);
	(void)pthread_mutex_unlock(&g_lock);
	tls_identity_unref(old);
}

static void reply_text(struct http_exchange *exchange, int status, const char *text)
{
	struct err ignored = ERR_INIT;

	IGNORE_RESULT(http_reply(exchange, status, NULL, 0, text, strlen(text), &ignored));
}

static void echo(struct http_exchange *exchange)
{
	scoped(buf_done) struct buf body = BUF_INIT(1000);
	struct err err = ERR_INIT;

	if (http_read_body_all(exchange, &body, &err) < 0)
		reply_text(exchange, http_body_status(&err), err.text);
	else
		IGNORE_RESULT(http_reply(exchange, 200, NULL, 0, body.data, body.size, &err));
}

/* What the handler was given, as text. */
static void show(struct http_exchange *exchange)
{
	scoped(buf_done) struct buf out = BUF_INIT(1 << 20);
	struct err err = ERR_INIT;
	const struct proxy_v2_addresses *peer = http_peer(exchange);
	const struct http_header *headers = http_headers(exchange);
	const char *query = http_query(exchange);
	const char *sni = http_sni(exchange);

	IGNORE_RESULT(buf_addf(&out, &err, "method %s\ntarget %s\npath %s\nquery %s\nhost %s\nfirst %d\nsni %s\n",
			       http_method(exchange), http_target(exchange), http_path(exchange), query ? query : "-",
			       http_host(exchange), http_is_first_request(exchange), sni ? sni : "-"));
	IGNORE_RESULT(buf_addf(&out, &err, "peer %d %s %u %s %u\n", peer->family, peer->source, peer->source_port,
			       peer->destination, peer->destination_port));
	for (size_t i = 0; i < http_header_count(exchange); i++)
		IGNORE_RESULT(buf_addf(&out, &err, "header %s=%s\n", headers[i].name, headers[i].value));
	IGNORE_RESULT(http_reply(exchange, 200, NULL, 0, out.data, out.size, &err));
}

static void upload(struct http_exchange *exchange)
{
	static _Thread_local uint8_t piece[BIG_PIECE];
	struct err err = ERR_INIT;
	uint64_t sum = 0;
	uint64_t total = 0;
	char text[64];
	size_t got = 1;

	http_set_body_max(exchange, UPLOAD_MAX);
	while (got > 0) {
		if (http_read_body(exchange, piece, sizeof(piece), &got, &err) < 0) {
			reply_text(exchange, http_body_status(&err), err.text);
			return;
		}
		for (size_t i = 0; i < got; i++)
			sum = sum * 31 + piece[i];
		total += got;
	}
	(void)snprintf(text, sizeof(text), "%llu %llu\n", (unsigned long long)total, (unsigned long long)sum);
	reply_text(exchange, 200, text);
}

/* GET /stream?N: N bytes in pieces, sized if the query ends in 's'. */
static void stream(struct http_exchange *exchange)
{
	static uint8_t piece[BIG_PIECE];
	const char *query = http_query(exchange);
	scoped(freep) char *number = strdup(query ? query : "");
	const bool sized = strchr(number, 's') != NULL;
	struct err err = ERR_INIT;
	uint64_t left;

	number[strcspn(number, "s")] = 0;
	left = number_of(number);
	if (http_reply_start(exchange, 200, NULL, 0, sized ? (int64_t)left : -1, &err) < 0)
		return;
	while (left > 0) {
		const size_t size = left < sizeof(piece) ? (size_t)left : sizeof(piece);

		if (http_reply_write(exchange, piece, size, &err) < 0)
			return;
		left -= size;
	}
	IGNORE_RESULT(http_reply_end(exchange, &err));
}

/* GET /blob?N: N bytes at once. */
static void blob(struct http_exchange *exchange)
{
	const uint64_t size = number_of(http_query(exchange));
	scoped(freep) char *data = malloc(size + 1);
	struct err ignored = ERR_INIT;

	if (!data)
		return;
	for (uint64_t i = 0; i < size; i++)
		data[i] = (char)('a' + i % 26);
	IGNORE_RESULT(http_reply(exchange, 200, NULL, 0, data, size, &ignored));
}

/* GET /defer, or /defer?N: N zeros. */
static void *complete_later(void *arg)
{
	const struct http_header header = {"X-Deferred", "yes"};
	const uint64_t size = http_query(arg) ? number_of(http_query(arg)) : 0;
	scoped(freep) char *zeros = calloc(1, size + 1);

	(void)poll(NULL, 0, 50);
	if (zeros && size > 0)
		http_complete(arg, 200, &header, 1, zeros, size);
	else
		http_complete(arg, 200, &header, 1, "later\n", 6);
	return NULL;
}

static enum http_result defer(struct http_exchange *exchange)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, complete_later, exchange) != 0)
		return HTTP_HANDLED;
	(void)pthread_detach(thread);
	return HTTP_DEFERRED;
}

static void export(struct http_exchange *exchange)
{
	uint8_t context[32];
	uint8_t value[TLS_EXPORTER_SIZE];
	char text[2 * TLS_EXPORTER_SIZE + 1];
	struct err err = ERR_INIT;

	memset(context, 7, sizeof(context));
	if (http_tls_exporter(exchange, "EXPERIMENTAL-mse-attest-1", context, sizeof(context), value, &err) < 0) {
		reply_text(exchange, 500, err.text);
		return;
	}
	for (size_t i = 0; i < sizeof(value); i++)
		(void)snprintf(text + 2 * i, 3, "%02x", value[i]);
	reply_text(exchange, 200, text);
}

/* Counts the requests of its connection in the slot. */
static void count(struct http_exchange *exchange)
{
	unsigned *counter = http_slot(exchange);
	char text[16];

	if (!counter) {
		counter = calloc(1, sizeof(*counter));
		http_set_slot(exchange, counter, free);
	}
	(void)snprintf(text, sizeof(text), "%u", counter ? ++*counter : 0);
	reply_text(exchange, 200, text);
}

static void half(struct http_exchange *exchange)
{
	struct err err = ERR_INIT;

	if (http_reply_start(exchange, 200, NULL, 0, -1, &err) == 0)
		IGNORE_RESULT(http_reply_write(exchange, "half", 4, &err));
}

static bool wait_step(struct http_exchange *exchange, enum http_step step)
{
	struct pollfd wanted = {.fd = http_descriptor(exchange),
				.events = step == HTTP_STEP_WANT_WRITE ? POLLOUT : POLLIN};

	if (step != HTTP_STEP_DONE && step != HTTP_STEP_FAILED && wanted.fd < 0)
		return false;
	if (step != HTTP_STEP_DONE && step != HTTP_STEP_FAILED)
		(void)poll(&wanted, 1, -1);
	return step != HTTP_STEP_FAILED;
}

/* Gives every byte of a tunnel back, until the client ends it or sends '.'. */
static void *run_tunnel(void *arg)
{
	static _Thread_local uint8_t piece[BIG_PIECE];
	struct http_exchange *exchange = arg;
	struct err err = ERR_INIT;
	enum http_step step = http_step_upgrade(exchange, NULL, 0, &err);
	size_t got = 1;

	while (wait_step(exchange, step) && got > 0 && !(step == HTTP_STEP_DONE && memchr(piece, '.', got))) {
		step = http_step_read(exchange, piece, sizeof(piece), &got, &err);
		if (step == HTTP_STEP_DONE && got > 0)
			step = http_step_write(exchange, piece, got, &err);
		else if (step != HTTP_STEP_DONE)
			got = 1;
		while (step == HTTP_STEP_WANT_WRITE && wait_step(exchange, step))
			step = http_step_flush(exchange, &err);
	}
	if (step != HTTP_STEP_FAILED)
		(void)http_step_end(exchange, NULL, 0, &err);
	http_release(exchange);
	return NULL;
}

static enum http_result tunnel(struct http_exchange *exchange)
{
	pthread_t thread;

	if (!http_upgrade(exchange)) {
		reply_text(exchange, 426, "no tunnel\n");
		return HTTP_HANDLED;
	}
	if (pthread_create(&thread, NULL, run_tunnel, exchange) != 0)
		return HTTP_HANDLED;
	(void)pthread_detach(thread);
	return HTTP_DEFERRED;
}

static enum http_result handle(struct http_exchange *exchange, void *arg)
{
	const char *path = http_path(exchange);

	(void)arg;
	if (strcmp(path, "/show") == 0) {
		show(exchange);
	} else if (strcmp(path, "/echo") == 0) {
		echo(exchange);
	} else if (strcmp(path, "/upload") == 0) {
		upload(exchange);
	} else if (strcmp(path, "/blob") == 0) {
		blob(exchange);
	} else if (strcmp(path, "/stream") == 0) {
		stream(exchange);
	} else if (strcmp(path, "/defer") == 0) {
		return defer(exchange);
	} else if (strcmp(path, "/tunnel") == 0) {
		return tunnel(exchange);
	} else if (strcmp(path, "/export") == 0) {
		export(exchange);
	} else if (strcmp(path, "/count") == 0) {
		count(exchange);
	} else if (strcmp(path, "/half") == 0) {
		half(exchange);
	} else if (strcmp(path, "/silent") == 0) {
	} else if (strcmp(path, "/abort") == 0) {
		http_abort(exchange);
	} else if (strcmp(path, "/close") == 0) {
		http_close_after(exchange);
		reply_text(exchange, 200, "bye\n");
	} else if (strcmp(path, "/slow") == 0) {
		(void)poll(NULL, 0, (int)number_of(http_query(exchange)));
		reply_text(exchange, 200, "slow\n");
	} else if (strcmp(path, "/swap") == 0) {
		swap_identity();
		reply_text(exchange, 200, "swapped\n");
	} else if (strcmp(path, "/") == 0) {
		reply_text(exchange, 200, "hello\n");
	} else {
		reply_text(exchange, 404, "no\n");
	}
	return HTTP_HANDLED;
}

static const char *option(int argc, char **argv, const char *key)
{
	const size_t size = strlen(key);

	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], key, size) == 0 && argv[i][size] == '=')
			return argv[i] + size + 1;
	}
	return NULL;
}

static volatile sig_atomic_t g_stop;

static void on_signal(int number)
{
	(void)number;
	g_stop = 1;
}

static void wait_for_end(void)
{
	uint8_t byte;

	while (!g_stop) {
		struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

		if (poll(&input, 1, -1) > 0 && read(STDIN_FILENO, &byte, 1) <= 0)
			return;
	}
}

static unsigned small(int argc, char **argv, const char *key)
{
	return (unsigned)number_of(option(argc, argv, key));
}

int main(int argc, char **argv)
{
	struct http_listener listener = {.unix_path = option(argc, argv, "unix"), .address = "127.0.0.1"};
	struct http_server_options options = {.listeners = &listener, .listener_count = 1, .handler = handle};
	struct tls_server *tls = NULL;
	struct http_server *server;
	struct err err = ERR_INIT;

	(void)signal(SIGTERM, on_signal);
	g_cert[0] = option(argc, argv, "cert");
	g_key[0] = option(argc, argv, "key");
	g_cert[1] = option(argc, argv, "cert2");
	g_key[1] = option(argc, argv, "key2");
	if (g_cert[0]) {
		g_identity = load_identity(0);
		if (tls_server_new(choose, NULL, &tls, &err) < 0)
			return 1;
		listener.tls = tls;
	}
	listener.proxy = (enum http_proxy_mode)small(argc, argv, "proxy");
	listener.port = (uint16_t)small(argc, argv, "port");
	listener.is_http2_plain = small(argc, argv, "h2c") != 0;
	options.http2.streams = small(argc, argv, "streams");
	options.http2_memory = small(argc, argv, "memory");
	options.http2.others = small(argc, argv, "others");
	options.takes_tunnels = !option(argc, argv, "notunnels");
	options.is_led = small(argc, argv, "led") != 0;
	options.server_name = option(argc, argv, "server");
	options.stream_waits_max = small(argc, argv, "waits");
	options.threads = small(argc, argv, "threads");
	options.connections_max = small(argc, argv, "connections");
	options.header_timeout_ms = small(argc, argv, "header");
	options.body_timeout_ms = small(argc, argv, "body");
	options.idle_timeout_ms = small(argc, argv, "idle");
	options.write_timeout_ms = small(argc, argv, "write");
	if (http_server_start(&options, &server, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	(void)printf("ready %u\n", http_server_port(server, 0));
	(void)fflush(stdout);
	wait_for_end();
	http_server_stop(server, small(argc, argv, "drain"));
	tls_server_free(tls);
	tls_identity_unref(g_identity);
	return 0;
}
