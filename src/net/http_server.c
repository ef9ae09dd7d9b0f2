/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "net/http_options.h"
#include "net/http_pool.h"
#include "net/http_watch.h"

#define NEWCOMER_NS 250000000LL /* at a stop, for a first request */
#define ACCEPTS_PER_ROUND 64
#define NO_DESCRIPTORS_PAUSE_MS 50

/* ---- the acceptor: one thread that accepts and watches the clock ---- */

static void take_in(struct http_server *server, const struct http_listener *listener, int fd)
{
	struct http_conn *conn = NULL;
	struct err ignored = ERR_INIT;
	const int on = 1;

	if (!listener->unix_path)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (http_conn_new(server, listener, fd, &conn, &ignored) < 0) {
		fd_close(fd);
		return;
	}
	if (!http_watch_enter(server, conn)) {
		conn->server = NULL; /* never entered: nothing to forget */
		http_conn_free(conn);
	}
}

/* Nobody else takes slots. */
static bool has_room(struct http_server *server)
{
	bool has_slot;

	(void)pthread_mutex_lock(&server->lock);
	has_slot = server->first_free != NO_SLOT;
	(void)pthread_mutex_unlock(&server->lock);
	return has_slot;
}

/* false when the system has no descriptors left: wait a little. What there is no room for stays in the backlog. */
static bool accept_some(struct http_server *server, size_t index)
{
	for (int i = 0; i < ACCEPTS_PER_ROUND && has_room(server); i++) {
		const int fd = accept4(server->listen_fds[index], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (fd < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		take_in(server, &server->listeners[index], fd);
	}
	return true;
}

static void empty_pipe(int fd)
{
	uint8_t bytes[64];

	while (read(fd, bytes, sizeof(bytes)) > 0) {
	}
}

/* The file goes first: behind the close, another server may already have put its own there. */
static void stop_listening(struct http_server *server)
{
	for (size_t i = 0; i < server->listener_count; i++) {
		if (server->listen_fds[i] >= 0)
			http_socket_file_remove(server->paths[i], &server->files[i]);
		fd_closep(&server->listen_fds[i]);
	}
}

static void *run_acceptor(void *arg)
{
	struct http_server *server = arg;
	struct pollfd fds[HTTP_LISTENERS_MAX + 1];
	bool has_descriptors = true;
	int64_t newcomers_until_ns;

	while (!atomic_load(&server->draining)) {
		int timeout_ms;
		const bool has_room = http_watch_plan(server, &timeout_ms);
		const bool accepts = has_room && has_descriptors && !atomic_load(&server->leaves_listeners);
		const size_t listeners = accepts ? server->listener_count : 0;

		if (!has_descriptors && (timeout_ms < 0 || timeout_ms > NO_DESCRIPTORS_PAUSE_MS))
			timeout_ms = NO_DESCRIPTORS_PAUSE_MS;
		fds[0] = (struct pollfd){.fd = server->acceptor_pipe[0], .events = POLLIN};
		for (size_t i = 0; i < listeners; i++)
			fds[i + 1] = (struct pollfd){.fd = server->listen_fds[i], .events = POLLIN};
		(void)poll(fds, listeners + 1, timeout_ms);
		if (fds[0].revents)
			empty_pipe(server->acceptor_pipe[0]);
		has_descriptors = true;
		for (size_t i = 0; i < listeners; i++) {
			if (fds[i + 1].revents && !accept_some(server, i))
				has_descriptors = false;
		}
		http_watch_expire_due(server);
	}
	stop_listening(server);
	/* Whom we have just accepted has a request on its way, and nobody else to send it to. */
	http_watch_expire_idle(server, true);
	newcomers_until_ns = clock_monotonic_ns() + NEWCOMER_NS;
	while (!atomic_load(&server->stopping)) {
		struct pollfd wake = {.fd = server->acceptor_pipe[0], .events = POLLIN};
		const int64_t tick_ns =
		    newcomers_until_ns && server->tick_ns > NEWCOMER_NS ? NEWCOMER_NS : server->tick_ns;

		if (poll(&wake, 1, (int)(tick_ns / NS_PER_MS)) > 0)
			empty_pipe(wake.fd);
		http_watch_expire_due(server);
		if (newcomers_until_ns && clock_monotonic_ns() >= newcomers_until_ns) {
			http_watch_expire_idle(server, false);
			newcomers_until_ns = 0;
		}
	}
	return NULL;
}

/* ---- threads ---- */

/* Signals are for the program's own threads; SIGPIPE would be ours. Faults cannot be blocked usefully. */
static int start_thread(pthread_t *ret_thread, void *(*run)(void *), void *arg, const struct http_server *server,
			struct err *err)
{
	sigset_t all;
	sigset_t before;
	pthread_attr_t attributes;
	int failed;

	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGSEGV);
	(void)sigdelset(&all, SIGBUS);
	(void)sigdelset(&all, SIGFPE);
	(void)sigdelset(&all, SIGILL);
	(void)sigdelset(&all, SIGABRT);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, server->stack_size);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	/* A mask goes on to what a handler starts, and through exec. */
	if (server->runs_others_code && (run == http_pool_run || run == http_pool_run_led))
		(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	failed = pthread_create(ret_thread, &attributes, run, arg);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	if (!failed)
		return 0;
	errno = failed;
	return err_set_errno(err, "cannot start a thread");
}

/* ---- start ---- */

static int make_table(struct http_server *server, struct err *err)
{
	server->table = calloc(server->connections_max, sizeof(*server->table));
	server->threads = calloc(server->thread_count, sizeof(*server->threads));
	if (!server->table || !server->threads)
		return err_no_memory(err);
	for (uint32_t i = 0; i < server->connections_max; i++)
		server->table[i].next_free = i + 1 < server->connections_max ? i + 1 : NO_SLOT;
	return 0;
}

static int listen_all(struct http_server *server, const struct http_server_options *options, struct err *err)
{
	if (options->listener_count < 1 || options->listener_count > HTTP_LISTENERS_MAX)
		return err_set(err, ERR_INVALID, "%zu listeners, wanted 1 to %d", options->listener_count,
			       HTTP_LISTENERS_MAX);
	for (size_t i = 0; i < options->listener_count; i++) {
		const struct http_listener *listener = &options->listeners[i];

		if (http_listen(listener, &server->listen_fds[i], err) < 0)
			return -1;
		server->listener_count++;
		server->listeners[i] = *listener;
		if (listener->unix_path && !(server->paths[i] = strdup(listener->unix_path)))
			return err_no_memory(err);
		server->listeners[i].unix_path = server->paths[i];
		http_socket_file_of(server->paths[i], &server->files[i]);
		server->listeners[i].address = NULL;
	}
	return 0;
}

static int open_epoll(struct http_server *server, struct err *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = HTTP_STOP_KEY};
	struct epoll_event work = {.events = EPOLLIN | EPOLLET, .data.u64 = HTTP_WORK_KEY};

	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll_fd < 0 || pipe2(server->acceptor_pipe, O_CLOEXEC | O_NONBLOCK) < 0 ||
	    pipe2(server->stop_pipe, O_CLOEXEC | O_NONBLOCK) < 0 ||
	    epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->stop_pipe[0], &event) < 0 ||
	    epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->work.pipe[0], &work) < 0)
		return err_set_errno(err, "cannot set up epoll");
	return 0;
}

static int start_all(struct http_server *server, const struct http_server_options *options, struct err *err)
{
	http_options_take(server, options);
	if (options->server_name && !(server->server_name = strdup(options->server_name)))
		return err_no_memory(err);
	if (make_table(server, err) < 0 || open_epoll(server, err) < 0 || listen_all(server, options, err) < 0)
		return -1;
	for (; server->threads_started < server->thread_count; server->threads_started++) {
		if (start_thread(&server->threads[server->threads_started],
				 server->is_led ? http_pool_run_led : http_pool_run, server, server, err) < 0)
			return -1;
	}
	if (server->is_led) {
		if (start_thread(&server->overseer, http_lead_oversee, &server->lead, server, err) < 0)
			return -1;
		server->overseer_started = true;
	}
	if (start_thread(&server->acceptor, run_acceptor, server, server, err) < 0)
		return -1;
	server->acceptor_started = true;
	return 0;
}

int http_server_start(const struct http_server_options *options, struct http_server **ret_server, struct err *err)
{
	struct http_server *server = calloc(1, sizeof(*server));
	pthread_condattr_t monotonic;

	if (!server)
		return err_no_memory(err);
	server->epoll_fd = -1;
	server->acceptor_pipe[0] = server->acceptor_pipe[1] = -1;
	server->stop_pipe[0] = server->stop_pipe[1] = -1;
	for (size_t i = 0; i < HTTP_LISTENERS_MAX; i++)
		server->listen_fds[i] = -1;
	http_lead_init(&server->lead);
	http_hold_init(&server->hold);
	(void)pthread_mutex_init(&server->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&server->changed, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	if (http_work_init(&server->work, err) < 0 || start_all(server, options, err) < 0) {
		http_server_stop(server, 0);
		return -1;
	}
	*ret_server = server;
	return 0;
}

void http_server_take_tunnels(struct http_server *server)
{
	atomic_store(&server->takes_tunnels, true);
}

void http_server_counts(struct http_server *server, struct http_server_counts *ret_counts)
{
	(void)pthread_mutex_lock(&server->lock);
	ret_counts->connections_open = server->open;
	ret_counts->connections_accepted = server->accepted;
	(void)pthread_mutex_unlock(&server->lock);
	ret_counts->requests = atomic_load(&server->requests);
}

/* ---- stop ---- */

void http_server_say_farewell(struct http_server *server, bool leaves_listeners)
{
	atomic_store(&server->saying_farewell, true);
	atomic_store(&server->leaves_listeners, leaves_listeners);
	if (leaves_listeners)
		http_watch_wake_acceptor(server);
}

bool http_server_is_leaving(const struct http_server *server)
{
	return atomic_load(&server->draining) || atomic_load(&server->saying_farewell);
}

/* Under lock: no thread closes a descriptor while we hold it, because the table is left before the close. */
static void cut_all(struct http_server *server)
{
	for (uint32_t i = 0; i < server->connections_max; i++) {
		struct http_conn *conn = server->table[i].conn;

		if (!conn)
			continue;
		(void)shutdown(conn->fd, SHUT_RDWR);
		if (conn->armed && !conn->expired)
			http_watch_expire(server, conn);
	}
}

static void drain(struct http_server *server, unsigned drain_ms)
{
	const int64_t until_ns = clock_monotonic_ns() + drain_ms * NS_PER_MS;
	const struct timespec until = {.tv_sec = until_ns / (1000 * NS_PER_MS),
				       .tv_nsec = until_ns % (1000 * NS_PER_MS)};

	(void)pthread_mutex_lock(&server->lock);
	while (!server->deaf)
		(void)pthread_cond_wait(&server->changed, &server->lock);
	while (server->open > 0) {
		if (pthread_cond_timedwait(&server->changed, &server->lock, &until) != ETIMEDOUT)
			continue;
		cut_all(server);
		while (server->open > 0)
			(void)pthread_cond_wait(&server->changed, &server->lock);
	}
	(void)pthread_mutex_unlock(&server->lock);
}

static void free_server(struct http_server *server)
{
	stop_listening(server);
	for (size_t i = 0; i < HTTP_LISTENERS_MAX; i++)
		free(server->paths[i]);
	for (int i = 0; i < 2; i++) {
		fd_close(server->acceptor_pipe[i]);
		fd_close(server->stop_pipe[i]);
	}
	fd_close(server->epoll_fd);
	http_lead_done(&server->lead);
	http_hold_done(&server->hold);
	http_work_done(&server->work);
	(void)pthread_mutex_destroy(&server->lock);
	(void)pthread_cond_destroy(&server->changed);
	free(server->server_name);
	free(server->threads);
	free(server->table);
	free(server);
}

void http_server_stop(struct http_server *server, unsigned drain_ms)
{
	ssize_t put;

	if (!server)
		return;
	atomic_store(&server->draining, true);
	if (server->acceptor_started) {
		http_watch_wake_acceptor(server);
		drain(server, drain_ms);
	}
	atomic_store(&server->stopping, true);
	if (server->acceptor_started) {
		http_watch_wake_acceptor(server);
		(void)pthread_join(server->acceptor, NULL);
	}
	put = server->threads_started > 0 ? write(server->stop_pipe[1], "", 1) : 0;
	(void)put;
	for (unsigned i = 0; i < server->threads_started; i++)
		(void)pthread_join(server->threads[i], NULL);
	if (server->overseer_started) {
		http_lead_end_overseer(&server->lead);
		(void)pthread_join(server->overseer, NULL);
	}
	free_server(server);
}
