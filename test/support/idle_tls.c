/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idle TLS connections, to weigh what a server keeps for each.
 *   idle_tls serve CERT KEY   the least server: epoll, OpenSSL with released buffers, no tickets; prints its port
 *   idle_tls hold PORT COUNT [http1|http2]   connects COUNT times, sends a GET of that protocol and reads its answer if
 *                             there is one, prints "ready" and holds all until its input ends
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/number.h"

#define EVENTS 64
#define COUNT_MAX 100000

static const char get[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

struct connection {
	int fd;
	SSL *ssl;
};

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static struct sockaddr_in loopback(uint64_t port)
{
	return (struct sockaddr_in){
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* ---- serve ---- */

static void watch(int epoll_fd, int fd, void *data)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = data};

	(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void take_in(SSL_CTX *context, int epoll_fd, int listen_fd)
{
	const int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct connection *connection = fd < 0 ? NULL : calloc(1, sizeof(*connection));

	if (!connection)
		return;
	connection->fd = fd;
	connection->ssl = SSL_new(context);
	(void)SSL_set_fd(connection->ssl, fd);
	SSL_set_accept_state(connection->ssl);
	watch(epoll_fd, fd, connection);
}

static void serve_one(struct connection *connection)
{
	char byte;
	const int got = SSL_read(connection->ssl, &byte, 1);
	const int why = SSL_get_error(connection->ssl, got);

	if (why == SSL_ERROR_NONE || why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return;
	SSL_free(connection->ssl);
	(void)close(connection->fd);
	free(connection);
}

static int say_port(int fd)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return -1;
	return printf("%d\n", ntohs(address.sin_port)) < 0 || fflush(stdout) != 0 ? -1 : 0;
}

static int serve(const char *cert, const char *key)
{
	const struct sockaddr_in address = loopback(0);
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	const int listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[EVENTS];

	(void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_num_tickets(context, 0);
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	if (SSL_CTX_use_certificate_chain_file(context, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 ||
	    bind(listen_fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(listen_fd, 1024) < 0 ||
	    say_port(listen_fd) < 0)
		return fail("serve");
	watch(epoll_fd, listen_fd, NULL);
	for (;;) {
		const int count = epoll_wait(epoll_fd, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				serve_one(events[i].data.ptr);
			else
				take_in(context, epoll_fd, listen_fd);
		}
	}
}

/* ---- hold ---- */

/* Preface, SETTINGS, HEADERS of GET / https localhost; RFC 7541: indexed but for the authority. */
static const uint8_t get_http2[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
				   "\0\0\0\4\0\0\0\0\0"
				   "\0\0\16\1\5\0\0\0\1\x82\x87\x84\x41\x09localhost";
static const uint8_t settings_ack[] = {0, 0, 0, 4, 1, 0, 0, 0, 0};

enum { FRAME_HEAD = 9, FRAME_MAX = 16384, HEADERS = 1, END_STREAM = 1, STATUS_200 = 0x88 };

static int read_all(SSL *ssl, uint8_t *ret, size_t size)
{
	for (size_t got = 0, part; got < size; got += part) {
		if (SSL_read_ex(ssl, ret + got, size - got, &part) != 1)
			return -1;
	}
	return 0;
}

/* Frames up to the end of the only stream. */
static int read_answer(SSL *ssl)
{
	bool is_good = false;
	uint8_t head[FRAME_HEAD];
	uint8_t payload[FRAME_MAX];

	do {
		size_t size;

		if (read_all(ssl, head, sizeof(head)) < 0)
			return -1;
		size = (size_t)(head[0] << 16 | head[1] << 8 | head[2]);
		if (size > sizeof(payload) || read_all(ssl, payload, size) < 0)
			return -1;
		is_good = is_good || (head[3] == HEADERS && size > 0 && payload[0] == STATUS_200);
	} while (head[8] != 1 || !(head[4] & END_STREAM));
	return is_good ? 0 : -1;
}

static int ask_http2(SSL *ssl)
{
	if (SSL_write(ssl, get_http2, sizeof(get_http2) - 1) <= 0 || read_answer(ssl) < 0)
		return -1;
	return SSL_write(ssl, settings_ack, sizeof(settings_ack)) > 0 ? 0 : -1;
}

static int ask_http1(SSL *ssl)
{
	char answer[4096];

	if (SSL_write(ssl, get, sizeof(get) - 1) <= 0 || SSL_read(ssl, answer, sizeof(answer)) <= 0)
		return -1;
	return memcmp(answer, "HTTP/1.1 200", 12) == 0 ? 0 : -1;
}

static int open_one(SSL_CTX *context, uint64_t port, int (*ask)(SSL *ssl))
{
	const struct sockaddr_in address = loopback(port);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	SSL *ssl = SSL_new(context);

	if (fd < 0 || !ssl || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
		return -1;
	return ask ? ask(ssl) : 0;
}

static int hold(uint64_t port, uint64_t count, const char *protocol)
{
	static const uint8_t alpn[] = "\2h2";
	int (*const ask)(SSL * ssl) = !protocol ? NULL : strcmp(protocol, "http2") == 0 ? ask_http2 : ask_http1;
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	char byte;

	(void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	if (ask == ask_http2)
		(void)SSL_CTX_set_alpn_protos(context, alpn, sizeof(alpn) - 1);
	for (uint64_t i = 0; i < count; i++) {
		if (open_one(context, port, ask) < 0)
			return fail("hold");
	}
	if (printf("ready\n") < 0 || fflush(stdout) != 0)
		return 1;
	while (read(STDIN_FILENO, &byte, 1) > 0) {
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct err err = ERR_INIT;
	uint64_t port;
	uint64_t count;

	(void)sigaction(SIGPIPE, &ignore, NULL);
	allow_descriptors();
	if (argc == 4 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2], argv[3]);
	if (argc < 4 || strcmp(argv[1], "hold") != 0 || number_parse_u64(argv[2], 1, UINT16_MAX, &port, &err) < 0 ||
	    number_parse_u64(argv[3], 1, COUNT_MAX, &count, &err) < 0)
		return 2;
	return hold(port, count, argc > 4 ? argv[4] : NULL);
}
