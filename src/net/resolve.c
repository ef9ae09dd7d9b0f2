/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resolve.h"

#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "net/dial.h"

#define SERVICE_SIZE 8

/* Of the one who asks and of the thread; freed by the last of them. */
struct question {
	char *host;
	char service[SERVICE_SIZE];
	int done_fd; /* readable once the two below are there */
	int failed;  /* EAI_* */
	struct addrinfo *list;
	atomic_int users;
};

static atomic_uint threads;

static void let_go(struct question *question)
{
	if (atomic_fetch_sub(&question->users, 1) > 1)
		return;
	if (question->list)
		freeaddrinfo(question->list);
	fd_close(question->done_fd);
	free(question->host);
	free(question);
}

static struct question *question_new(const char *host, const char *service, struct err *err)
{
	struct question *question = calloc(1, sizeof(*question));

	if (!question) {
		(void)err_no_memory(err);
		return NULL;
	}
	atomic_init(&question->users, 1);
	question->host = strdup(host);
	(void)snprintf(question->service, sizeof(question->service), "%s", service);
	question->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (question->host && question->done_fd >= 0)
		return question;
	(void)err_set_errno(err, "cannot look up a name");
	let_go(question);
	return NULL;
}

static int look_up(const char *host, const char *service, int flags, struct addrinfo **ret)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};

	return getaddrinfo(host, service, &hints, ret);
}

static void *run(void *arg)
{
	struct question *question = arg;
	const uint64_t one = 1;

	question->failed = look_up(question->host, question->service, 0, &question->list);
	IGNORE_RESULT(write(question->done_fd, &one, sizeof(one)) < 0);
	let_go(question);
	(void)atomic_fetch_sub(&threads, 1);
	return NULL;
}

/* Signals are for others. */
static int start_detached(struct question *question)
{
	pthread_attr_t detached;
	sigset_t all, before;
	pthread_t thread;
	int failed;

	(void)pthread_attr_init(&detached);
	(void)pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&thread, &detached, run, question);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&detached);
	return failed;
}

static int start(struct question *question, struct err *err)
{
	int failed = 0;

	if (atomic_fetch_add(&threads, 1) >= RESOLVE_THREADS_MAX) {
		(void)atomic_fetch_sub(&threads, 1);
		return err_set(err, ERR_LIMIT, "%d names are being looked up already", RESOLVE_THREADS_MAX);
	}
	(void)atomic_fetch_add(&question->users, 1);
	failed = start_detached(question);
	if (!failed)
		return 0;
	(void)atomic_fetch_sub(&threads, 1);
	(void)atomic_fetch_sub(&question->users, 1);
	return err_set(err, ERR_IO, "cannot start a thread: %s", strerror(failed));
}

/* The answer is taken over only behind the descriptor, which orders both threads. */
static int wait_for(struct question *question, int64_t deadline_ns, struct addrinfo **ret_list, struct err *err)
{
	if (start(question, err) < 0 || dial_wait(question->done_fd, POLLIN, deadline_ns, err) < 0)
		return -1;
	if (question->failed)
		return err_set(err, ERR_UNAVAILABLE, "%s", gai_strerror(question->failed));
	*ret_list = TAKE_PTR(question->list);
	return 0;
}

int resolve_name(const char *host, uint16_t port, int64_t deadline_ns, struct addrinfo **ret_list, struct err *err)
{
	struct question *question;
	char service[SERVICE_SIZE];
	int status;

	(void)snprintf(service, sizeof(service), "%u", port);
	if (look_up(host, service, AI_NUMERICHOST, ret_list) == 0)
		return 0;
	question = question_new(host, service, err);
	if (!question)
		return -1;
	status = wait_for(question, deadline_ns, ret_list, err);
	let_go(question);
	return status;
}
