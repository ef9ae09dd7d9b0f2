/* SPDX-License-Identifier: Apache-2.0 */
/* probe wsgi|asgi PORT MODULE:APP CERT KEY */
#include "probe.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/number.h"

#define EVENTS 64
#define INPUT_SIZE 16384

struct connection {
	int fd;
	SSL *ssl;
};

static char reply[PROBE_REPLY_MAX];
static size_t reply_size;
static int (*call)(const struct probe_request *request);
static SSL_CTX *context;
static int epoll_fd;

void probe_put(const char *data, size_t size)
{
	const size_t taken = size_min(size, sizeof(reply) - reply_size);

	memcpy(reply + reply_size, data, taken);
	reply_size += taken;
}

void probe_put_head(long status)
{
	static const char fields[] = "Server: x\r\nDate: Sun, 22 Nov 2026 00:00:00 GMT\r\n";
	char line[32];

	probe_put(line, (size_t)snprintf(line, sizeof(line), "HTTP/1.1 %ld OK\r\n", status));
	probe_put(fields, sizeof(fields) - 1);
}

/* ---- a request ---- */

/* Up to the byte, which is passed over; all of it if the byte is not there. */
static struct probe_text take(const char **at, const char *end, char byte)
{
	const char *found = memchr(*at, byte, (size_t)(end - *at));
	const struct probe_text text = {*at, (size_t)((found ? found : end) - *at)};

	*at = found ? found + 1 : end;
	return text;
}

static void split_path(struct probe_request *request)
{
	const char *mark = memchr(request->path.at, '?', request->path.size);

	request->query = (struct probe_text){"", 0};
	if (!mark)
		return;
	request->query.at = mark + 1;
	request->query.size = (size_t)(request->path.at + request->path.size - mark) - 1;
	request->path.size = (size_t)(mark - request->path.at);
}

static int parse(const char *data, size_t size, struct probe_request *ret)
{
	const char *end = memmem(data, size, "\r\n\r\n", 4);
	const char *at = data;

	if (!end)
		return -1;
	ret->method = take(&at, end, ' ');
	ret->path = take(&at, end, ' ');
	split_path(ret);
	(void)take(&at, end, '\n');
	for (ret->count = 0; at < end && ret->count < PROBE_FIELDS_MAX; ret->count++) {
		ret->names[ret->count] = take(&at, end, ':');
		while (at < end && *at == ' ')
			at++;
		ret->values[ret->count] = take(&at, end, '\r');
		if (at < end)
			at++;
	}
	return 0;
}

/* ---- connections ---- */

static void end(struct connection *connection)
{
	SSL_free(connection->ssl);
	(void)close(connection->fd);
	free(connection);
}

static void serve(struct connection *connection)
{
	static struct probe_request request;
	static char input[INPUT_SIZE];
	const int got = SSL_read(connection->ssl, input, sizeof(input));

	if (got <= 0) {
		const int why = SSL_get_error(connection->ssl, got);

		if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
			end(connection);
		return;
	}
	reply_size = 0;
	if (parse(input, (size_t)got, &request) < 0 || call(&request) < 0 ||
	    SSL_write(connection->ssl, reply, (int)reply_size) <= 0)
		end(connection);
}

static void watch(int fd, struct connection *connection)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};

	(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void take_in(int listen_fd)
{
	const int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK);
	struct connection *connection = fd < 0 ? NULL : calloc(1, sizeof(*connection));
	const int on = 1;

	if (!connection)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connection->fd = fd;
	connection->ssl = SSL_new(context);
	(void)SSL_set_fd(connection->ssl, fd);
	SSL_set_accept_state(connection->ssl);
	watch(fd, connection);
}

static _Noreturn void run(int listen_fd)
{
	struct epoll_event events[EVENTS];

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	watch(listen_fd, NULL);
	for (;;) {
		const int count = epoll_wait(epoll_fd, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				serve(events[i].data.ptr);
			else
				take_in(listen_fd);
		}
	}
}

/* ---- start ---- */

static int listen_on(uint64_t port)
{
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 512) < 0 ? -1 : fd;
}

static PyObject *load(const char *name)
{
	const char *colon = strchr(name, ':');
	char module[128];
	PyObject *imported;

	if (!colon)
		return NULL;
	(void)snprintf(module, sizeof(module), "%.*s", (int)(colon - name), name);
	Py_Initialize();
	imported = PyImport_ImportModule(module);
	return imported ? PyObject_GetAttrString(imported, colon + 1) : NULL;
}

static int start_tls(const char *cert, const char *key)
{
	context = SSL_CTX_new(TLS_server_method());
	return context && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
		       SSL_CTX_use_certificate_chain_file(context, cert) == 1 &&
		       SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1
		   ? 0
		   : -1;
}

int main(int argc, char **argv)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	const bool is_asgi = argc > 1 && strcmp(argv[1], "asgi") == 0;
	struct err err = ERR_INIT;
	PyObject *app;
	uint64_t port;
	int fd;

	if (argc != 6 || number_parse_u64(argv[2], 1, UINT16_MAX, &port, &err) < 0)
		return 2;
	(void)sigaction(SIGPIPE, &ignore, NULL);
	app = load(argv[3]);
	if (!app || (is_asgi ? probe_asgi_start(app) : probe_wsgi_start(app)) < 0 || start_tls(argv[4], argv[5]) < 0) {
		PyErr_Print();
		return 1;
	}
	call = is_asgi ? probe_asgi_call : probe_wsgi_call;
	fd = listen_on(port);
	if (fd < 0)
		return 1;
	run(fd);
}
