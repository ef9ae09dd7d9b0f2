/* SPDX-License-Identifier: Apache-2.0 */
/* The client against servers that lie, stall and cut: each answer is bytes of the test's own. */
#include "unit.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "certs.h"
#include "net/dial.h"
#include "net/http_client.h"
#include "net/tls_common.h"

enum ending { IN_ORDER, CUT, SILENT, DRIPPING };

struct world {
	struct certs certs;
	struct tls_server *tls;
	int listen_fd;
	uint16_t port;
};

static struct world world;

static struct tls_identity *choose(const char *sni, void *arg)
{
	(void)sni;
	(void)arg;
	return tls_identity_ref(world.certs.identity);
}

static int set_up(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(certs_make(&world.certs, &err), &err);
	assert_ok(tls_server_new(choose, NULL, &world.tls, &err), &err);
	world.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(world.listen_fd, (const struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(world.listen_fd, 16), 0);
	assert_int_equal(getsockname(world.listen_fd, (struct sockaddr *)&address, &size), 0);
	world.port = ntohs(address.sin_port);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fd_close(world.listen_fd);
	tls_server_free(world.tls);
	certs_done(&world.certs);
	return 0;
}

struct script {
	const char *answer;
	size_t size;
	enum ending ending;
};

static void play(struct tls_conn *conn, int fd, const struct script *script)
{
	struct err err = ERR_INIT;
	uint8_t request[4096];
	size_t got;
	size_t put;

	if (tls_conn_handshake(conn, &err) != TLS_IO_DONE ||
	    tls_conn_read(conn, request, sizeof(request), &got, &err) != TLS_IO_DONE)
		return;
	for (size_t at = 0; at < script->size; at += put) {
		const size_t left = script->size - at;

		put = script->ending == DRIPPING ? 1 : left;
		if (tls_conn_write(conn, script->answer + at, put, &put, &err) != TLS_IO_DONE)
			return;
		if (script->ending == DRIPPING)
			(void)poll(NULL, 0, 30);
	}
	if (script->ending == IN_ORDER)
		tls_conn_close_notify(conn);
	if (script->ending == SILENT)
		(void)recv(fd, request, sizeof(request), 0);
}

static void *serve_one(void *arg)
{
	struct tls_conn *conn = NULL;
	struct err err = ERR_INIT;
	scoped(fd_closep) int fd = accept4(world.listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0 && tls_conn_new(tls_server_context(world.tls), fd, true, &conn, &err) == 0)
		play(conn, fd, arg);
	tls_conn_free(conn);
	return NULL;
}

struct result {
	int done;
	bool is_open;
	struct err err;
	struct http_response response;
};

static void run_client(const struct http_request *request, struct result *ret)
{
	const struct tls_client_options options = {
	    .host = "localhost", .port = world.port, .sni = "a.localhost", .verify = TLS_VERIFY_NONE};
	scoped(http_client_freep) struct http_client *client = NULL;
	struct tls_client *tls = NULL;

	*ret = (struct result){.err = ERR_INIT, .response = HTTP_RESPONSE_INIT};
	assert_ok(tls_client_open(&options, &tls, &ret->err), &ret->err);
	assert_ok(http_client_new(tls, "a.localhost", &client, &ret->err), &ret->err);
	ret->done = http_client_request(client, request, &ret->response, &ret->err);
	/* What the server still says must have come before the question. */
	(void)poll(NULL, 0, 20);
	ret->is_open = http_client_is_open(client);
}

static void ask_for(const struct script *script, const struct http_request *request, struct result *ret)
{
	struct script copy = *script;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, serve_one, &copy), 0);
	run_client(request, ret);
	(void)pthread_join(thread, NULL);
}

static void ask(const char *answer, enum ending ending, struct result *ret)
{
	const struct script script = {answer, strlen(answer), ending};
	const struct http_request request = {.target = "/", .timeout_ms = 300, .body_max = 100000};

	ask_for(&script, &request, ret);
}

#define HEAD "HTTP/1.1 200 OK\r\n"

static void test_good_answers(void **state)
{
	static const char *const answers[] = {
	    HEAD "Content-Length: 2\r\n\r\nhi",
	    HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;x\r\ni\r\n0\r\nT: v\r\n\r\n",
	    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" HEAD "Content-Length: 2\r\n\r\nhi",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		struct result result;

		ask(answers[i], SILENT, &result);
		assert_ok(result.done, &result.err);
		assert_string_equal(buf_text(&result.response.body), "hi");
		assert_true(result.is_open);
		http_response_done(&result.response);
	}
}

static void test_body_until_the_end(void **state)
{
	struct result result;

	(void)state;
	ask(HEAD "\r\nall of it", IN_ORDER, &result);
	assert_ok(result.done, &result.err);
	assert_string_equal(buf_text(&result.response.body), "all of it");
	assert_false(result.is_open);
	http_response_done(&result.response);
	/* Cut without TLS's own end: somebody on the way may have done it. */
	ask(HEAD "\r\nall of", CUT, &result);
	assert_fails(result.done, &result.err, ERR_IO, "");
}

static void test_answers_that_end_too_early(void **state)
{
	struct result result;

	(void)state;
	ask(HEAD "Content-Length: 5\r\n\r\nhel", IN_ORDER, &result);
	assert_fails(result.done, &result.err, ERR_UNAVAILABLE, "inside a body");
	ask(HEAD "Content-Length: 5\r\n\r\nhel", CUT, &result);
	assert_fails(result.done, &result.err, ERR_IO, "");
	ask(HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", IN_ORDER, &result);
	assert_fails(result.done, &result.err, ERR_UNAVAILABLE, "inside a body");
	ask(HEAD "Content-", IN_ORDER, &result);
	assert_fails(result.done, &result.err, ERR_UNAVAILABLE, "closed");
	ask("", IN_ORDER, &result);
	assert_fails(result.done, &result.err, ERR_UNAVAILABLE, "closed");
}

static void test_malformed_answers(void **state)
{
	static const char *const answers[] = {
	    "hello\r\n\r\n",
	    "HTTP/1.1 200 OK\n\n",
	    HEAD "Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
	    HEAD "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    HEAD "Transfer-Encoding: chunked\r\n\r\nx\r\n",
	    HEAD "X: a\r\n b\r\n\r\n",
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		struct result result;

		ask(answers[i], SILENT, &result);
		assert_fails(result.done, &result.err, ERR_INVALID, "");
		assert_false(result.is_open);
	}
}

static void test_connections_that_are_not_kept(void **state)
{
	static const char *const answers[] = {
	    HEAD "Content-Length: 2\r\nConnection: close\r\n\r\nhi",
	    "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
	    HEAD "Content-Length: 2\r\n\r\nhi" HEAD "Content-Length: 4\r\n\r\nevil",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		struct result result;

		ask(answers[i], SILENT, &result);
		assert_ok(result.done, &result.err);
		assert_string_equal(buf_text(&result.response.body), "hi");
		assert_false(result.is_open);
		http_response_done(&result.response);
	}
}

static void ask_interim(int count, struct result *ret)
{
	char answer[2000] = "";

	for (int i = 0; i < count; i++)
		(void)snprintf(answer + strlen(answer), sizeof(answer) - strlen(answer),
			       "HTTP/1.1 100 Continue\r\n\r\n");
	(void)snprintf(answer + strlen(answer), sizeof(answer) - strlen(answer), HEAD "Content-Length: 0\r\n\r\n");
	ask(answer, SILENT, ret);
}

static void ask_with_head_of(size_t size, struct result *ret)
{
	static char answer[HTTP_HEADER_BYTES_MAX + 100];
	const char start[] = HEAD "Content-Length: 0\r\nX: ";

	memset(answer, 'x', sizeof(answer));
	memcpy(answer, start, sizeof(start) - 1);
	memcpy(answer + size - 4, "\r\n\r\n", 5);
	ask(answer, SILENT, ret);
}

static void test_limits(void **state)
{
	struct result result;

	(void)state;
	ask_interim(7, &result);
	assert_ok(result.done, &result.err);
	http_response_done(&result.response);
	ask_interim(8, &result);
	assert_fails(result.done, &result.err, ERR_LIMIT, "interim");
	ask_with_head_of(HTTP_HEADER_BYTES_MAX, &result);
	assert_ok(result.done, &result.err);
	http_response_done(&result.response);
	ask_with_head_of(HTTP_HEADER_BYTES_MAX + 1, &result);
	assert_fails(result.done, &result.err, ERR_LIMIT, "");
}

static void test_deadline_is_for_the_whole(void **state)
{
	const int64_t began = clock_monotonic_ns();
	struct result result;

	(void)state;
	ask(HEAD, SILENT, &result);
	assert_fails(result.done, &result.err, ERR_TIMEOUT, "");
	/* Every byte comes in time, the answer does not. */
	ask(HEAD "Content-Length: 2\r\n\r\nhi", DRIPPING, &result);
	assert_fails(result.done, &result.err, ERR_TIMEOUT, "");
	assert_true(clock_monotonic_ns() - began < 3000000000);
}

static void test_head_has_no_body(void **state)
{
	const char answer[] = HEAD "Content-Length: 100\r\n\r\n";
	const struct script script = {answer, sizeof(answer) - 1, SILENT};
	const struct http_request request = {.method = "HEAD", .target = "/", .timeout_ms = 300};
	struct result result;

	(void)state;
	ask_for(&script, &request, &result);
	assert_ok(result.done, &result.err);
	assert_int_equal(result.response.body.size, 0);
	assert_true(result.is_open);
	http_response_done(&result.response);
}

/* OpenSSL's own server; it prints nothing we could wait for, so we try until it listens. */
static int connect_to_s_server(const char *version, struct tls_client **ret, struct err *err)
{
	scoped(freep) char *cert = NULL;
	scoped(freep) char *key = NULL;
	char port[8];
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	struct spawn_options options = SPAWN_OPTIONS_INIT;
	int done = -1;
	int status;
	pid_t pid;

	assert_ok(fs_join(world.certs.dir, "cert.pem", &cert, err), err);
	assert_ok(fs_join(world.certs.dir, "key.pem", &key, err), err);
	scoped(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	fd_closep(&fd);
	(void)snprintf(port, sizeof(port), "%u", ntohs(address.sin_port));
	const char *const argv[] = {"openssl", "s_server", "-accept", port,    "-cert", cert,
				    "-key",    key,        "-quiet",  version, NULL};
	options.argv = argv;
	options.die_with_parent = true;
	assert_ok(spawn_start(&options, &pid, err), err);
	const struct tls_client_options to = {.host = "127.0.0.1", .port = ntohs(address.sin_port)};
	for (int i = 0; i < 200; i++) {
		done = tls_client_open(&to, ret, err);
		if (done == 0 || err->code != ERR_UNAVAILABLE)
			break;
		(void)poll(NULL, 0, 20);
	}
	if (done == 0) {
		/* Its session tickets come behind the handshake: they must be read and forgotten. */
		uint8_t byte;
		size_t got;
		struct err ignored = ERR_INIT;

		IGNORE_RESULT(tls_client_read(*ret, &byte, 1, &got, clock_monotonic_ns() + 100000000, &ignored));
		assert_false(tls_client_is_resumed(*ret));
		assert_int_equal(tls_client_version(*ret), 0x0304);
	}
	(void)kill(pid, SIGKILL);
	IGNORE_RESULT(spawn_wait(pid, -1, &status, err));
	return done;
}

static void test_tls_versions_of_servers(void **state)
{
	struct tls_client *client = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(connect_to_s_server("-tls1_2", &client, &err), &err, ERR_UNSUPPORTED, "TLS version");
	assert_ok(connect_to_s_server("-tls1_3", &client, &err), &err);
	tls_client_close(client);
}

static void test_servers_that_do_not_speak_tls(void **state)
{
	const struct tls_client_options options = {.host = "127.0.0.1", .port = world.port, .timeout_ms = 200};
	const int64_t began = clock_monotonic_ns();
	struct tls_client *client = NULL;
	struct err err = ERR_INIT;

	(void)state;
	/* Connected, for the backlog takes it, and then silence. */
	assert_fails(tls_client_open(&options, &client, &err), &err, ERR_TIMEOUT, "handshake");
	assert_true(clock_monotonic_ns() - began < 1500000000);
}

static void test_socket_path_limit(void **state)
{
	char path[120];
	struct err err = ERR_INIT;
	int fd = -1;

	(void)state;
	memset(path, 'x', sizeof(path));
	path[108] = 0;
	assert_fails(dial_unix(path, clock_monotonic_ns() + 1000000, &fd, &err), &err, ERR_LIMIT, "107");
	path[107] = 0;
	assert_fails(dial_unix(path, clock_monotonic_ns() + 1000000, &fd, &err), &err, ERR_UNAVAILABLE, "No such");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good_answers),
	    cmocka_unit_test(test_body_until_the_end),
	    cmocka_unit_test(test_answers_that_end_too_early),
	    cmocka_unit_test(test_malformed_answers),
	    cmocka_unit_test(test_connections_that_are_not_kept),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_deadline_is_for_the_whole),
	    cmocka_unit_test(test_head_has_no_body),
	    cmocka_unit_test(test_tls_versions_of_servers),
	    cmocka_unit_test(test_servers_that_do_not_speak_tls),
	    cmocka_unit_test(test_socket_path_limit),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
