/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time and rate of one keep-alive GET by the HTTP engine, against the least a server can do: one thread, epoll,
 * read, write a constant. Each server is a process of its own; this one makes the load. Prints, never judges.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/spawn.h"
#include "net/http_server.h"

#define CONNECTIONS 64
#define SECONDS 2
#define EVENTS 64

static const char request[] = "GET /hello HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
static const char constant[] = "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 03:00:00 GMT\r\nContent-Type: text/plain\r\n"
			       "Content-Length: 12\r\n\r\nHello world\n";

static int listen_any(struct sockaddr_in *ret)
{
	socklen_t size = sizeof(*ret);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (const struct sockaddr *)ret, size) < 0 || listen(fd, 1024) < 0 ||
	    getsockname(fd, (struct sockaddr *)ret, &size) < 0)
		exit(1);
	return fd;
}

static void watch(int epoll_fd, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		exit(1);
}

static void serve_one(int epoll_fd, int listen_fd, int fd)
{
	char in[4096];
	const int on = 1;
	ssize_t got;

	if (fd == listen_fd) {
		const int new_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		(void)setsockopt(new_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		watch(epoll_fd, new_fd);
		return;
	}
	got = recv(fd, in, sizeof(in), 0);
	if (got <= 0 || send(fd, constant, sizeof(constant) - 1, MSG_NOSIGNAL) < 0)
		(void)close(fd);
}

/* The baseline. Ends with its parent. */
_Noreturn static void run_bare(void)
{
	struct sockaddr_in address;
	const int listen_fd = listen_any(&address);
	const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	watch(epoll_fd, listen_fd);
	(void)printf("%u\n", ntohs(address.sin_port));
	(void)fflush(stdout);
	for (;;) {
		struct epoll_event events[EVENTS];
		const int count = epoll_wait(epoll_fd, events, EVENTS, -1);

		for (int i = 0; i < count; i++)
			serve_one(epoll_fd, listen_fd, events[i].data.fd);
	}
}

static enum http_result hello(struct http_exchange *exchange, void *arg)
{
	static const struct http_header type = {"Content-Type", "text/plain"};
	struct err ignored = ERR_INIT;

	(void)arg;
	IGNORE_RESULT(http_reply(exchange, 200, &type, 1, "Hello world\n", 12, &ignored));
	return HTTP_HANDLED;
}

static int run_engine(unsigned threads)
{
	const struct http_listener listener = {.address = "127.0.0.1"};
	const struct http_server_options options = {
	    .listeners = &listener, .listener_count = 1, .handler = hello, .threads = threads};
	struct http_server *server;
	struct err err = ERR_INIT;

	if (http_server_start(&options, &server, &err) < 0)
		return 1;
	(void)printf("%u\n", http_server_port(server, 0));
	(void)fflush(stdout);
	for (;;)
		(void)poll(NULL, 0, -1);
}

/* ---- the load ---- */

static int connect_to(unsigned port)
{
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int on = 1;
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		exit(1);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void ask(int fd)
{
	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != sizeof(request) - 1)
		exit(1);
}

/* Responses received within the time; each answer brings the next request on its connection. */
static uint64_t load(unsigned port)
{
	const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	const int64_t until = clock_monotonic_ns() + SECONDS * 1000000000LL;
	uint64_t done = 0;

	for (int i = 0; i < CONNECTIONS; i++) {
		const int fd = connect_to(port);

		watch(epoll_fd, fd);
		ask(fd);
	}
	while (clock_monotonic_ns() < until) {
		struct epoll_event events[EVENTS];
		const int count = epoll_wait(epoll_fd, events, EVENTS, 1000);

		for (int i = 0; i < count; i++) {
			char in[4096];

			if (recv(events[i].data.fd, in, sizeof(in), 0) <= 0)
				exit(1);
			done++;
			ask(events[i].data.fd);
		}
	}
	return done;
}

static double cpu_of_children(void)
{
	struct rusage usage = {0};

	(void)getrusage(RUSAGE_CHILDREN, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

struct figure {
	double rate;   /* requests per second */
	double cpu_us; /* of the server for one request */
};

static struct figure measure(const char *kind)
{
	const char *const argv[] = {"/proc/self/exe", kind, NULL};
	struct spawn_options options = SPAWN_OPTIONS_INIT;
	const double before = cpu_of_children();
	struct err err = ERR_INIT;
	int pipe_fds[2];
	char text[16] = "";
	unsigned port;
	uint64_t done;
	int status;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		exit(1);
	options.argv = argv;
	options.stdout_fd = pipe_fds[1];
	options.stderr_fd = SPAWN_INHERIT;
	options.die_with_parent = true;
	if (spawn_start(&options, &pid, &err) < 0 || read(pipe_fds[0], text, sizeof(text) - 1) <= 0 ||
	    sscanf(text, "%u", &port) != 1)
		exit(1);
	done = load(port);
	(void)kill(pid, SIGKILL);
	IGNORE_RESULT(spawn_wait(pid, -1, &status, &err));
	return (struct figure){.rate = (double)done / SECONDS, .cpu_us = (cpu_of_children() - before) / (double)done};
}

static void print(const char *name, struct figure figure, struct figure base)
{
	(void)printf("%-42s %9.2f us    %7.2f x bare epoll loop (%.2f us); %.0f requests/s, %.2f x\n", name,
		     figure.cpu_us, figure.cpu_us / base.cpu_us, base.cpu_us, figure.rate, figure.rate / base.rate);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "bare") == 0)
		run_bare();
	if (argc == 2 && strcmp(argv[1], "one") == 0)
		return run_engine(1);
	if (argc == 2 && strcmp(argv[1], "two") == 0)
		return run_engine(2);
	if (argc == 2)
		return run_engine(8);
	const struct figure base = measure("bare");

	print("HTTP engine, 1 thread, CPU of a request", measure("one"), base);
	print("HTTP engine, 2 threads, CPU of a request", measure("two"), base);
	print("HTTP engine, 8 threads, CPU of a request", measure("eight"), base);
	return 0;
}
