/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect_attest.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "net/dial.h"

struct connect_attester {
	connect_open open;
	connect_generation generation;
	void *arg;
	int ready_fd; /* results wait */
	int stop_fd;  /* readable once the threads are to end */
	pthread_mutex_t lock;
	pthread_cond_t asked;
	size_t questions; /* not yet taken by a thread */
	size_t idle;      /* threads that wait for one */
	bool stopping;
	struct connect_attested *first, *last;
	pthread_t threads[CONNECT_ATTEST_THREADS];
	size_t thread_count;
};

void connect_attested_free(struct connect_attested *attested)
{
	if (!attested)
		return;
	channel_close(attested->channel);
	attest_verdict_free(attested->verdict);
	free(attested);
}

void connect_attested_name(const struct connect_attested *attested, char ret[static ATTEST_NAME_SIZE])
{
	static const char *const names[] = {
#define X(name, text) text,
	    ATTEST_ERRORS(X)
#undef X
		"expectation",
	};
	const char *text = attested->err.text;
	const size_t size = strcspn(text, ":");

	(void)snprintf(ret, ATTEST_NAME_SIZE, "unreachable");
	if (attested->verdict && !attested->verdict->accepted) {
		(void)snprintf(ret, ATTEST_NAME_SIZE, "%s", attested->verdict->error_text);
		return;
	}
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (strlen(names[i]) == size && strncmp(names[i], text, size) == 0)
			(void)snprintf(ret, ATTEST_NAME_SIZE, "%s", names[i]);
	}
}

/* ---- threads ---- */

static struct connect_attested *open_one(const struct connect_attester *attester)
{
	struct connect_attested *attested = calloc(1, sizeof(*attested));

	if (!attested)
		return NULL;
	attested->asked_ns = clock_boot_ns();
	attested->generation = attester->generation(attester->arg);
	if (attester->open(attester->arg, &attested->channel, &attested->verdict, &attested->err) < 0)
		attested->channel = NULL;
	return attested;
}

/* With the lock held. */
static void hand_over(struct connect_attester *attester, struct connect_attested *attested)
{
	const uint64_t one = 1;

	if (attester->last)
		attester->last->next = attested;
	else
		attester->first = attested;
	attester->last = attested;
	IGNORE_RESULT(write(attester->ready_fd, &one, sizeof(one)) < 0);
}

static void *work(void *arg)
{
	struct connect_attester *attester = arg;

	dial_set_cancel(attester->stop_fd);
	(void)pthread_mutex_lock(&attester->lock);
	while (!attester->stopping) {
		struct connect_attested *attested;

		if (attester->questions == 0) {
			attester->idle++;
			(void)pthread_cond_wait(&attester->asked, &attester->lock);
			attester->idle--;
			continue;
		}
		attester->questions--;
		(void)pthread_mutex_unlock(&attester->lock);
		while (!(attested = open_one(attester)))
			(void)usleep(100000); /* out of memory: every question has an answer, only later */
		(void)pthread_mutex_lock(&attester->lock);
		hand_over(attester, attested);
	}
	(void)pthread_mutex_unlock(&attester->lock);
	return NULL;
}

/* Signals are for the thread that relays. */
static int start_thread(struct connect_attester *attester, struct err *err)
{
	sigset_t all, before;
	int failed;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&attester->threads[attester->thread_count], NULL, work, attester);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		return err_set(err, ERR_IO, "cannot start a thread: %s", strerror(failed));
	attester->thread_count++;
	return 0;
}

/* ---- for the relay's thread ---- */

int connect_attester_new(connect_open open, connect_generation generation, void *arg, struct connect_attester **ret,
			 struct err *err)
{
	scoped(connect_attester_freep) struct connect_attester *attester = calloc(1, sizeof(*attester));

	if (!attester)
		return err_no_memory(err);
	attester->open = open;
	attester->generation = generation;
	attester->arg = arg;
	(void)pthread_mutex_init(&attester->lock, NULL);
	(void)pthread_cond_init(&attester->asked, NULL);
	attester->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	attester->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (attester->ready_fd < 0 || attester->stop_fd < 0)
		return err_set_errno(err, "cannot make an event descriptor");
	if (start_thread(attester, err) < 0)
		return -1;
	*ret = TAKE_PTR(attester);
	return 0;
}

void connect_attester_free(struct connect_attester *attester)
{
	const uint64_t one = 1;
	struct connect_attested *left;

	if (!attester)
		return;
	(void)pthread_mutex_lock(&attester->lock);
	attester->stopping = true;
	(void)pthread_cond_broadcast(&attester->asked);
	(void)pthread_mutex_unlock(&attester->lock);
	IGNORE_RESULT(attester->stop_fd >= 0 && write(attester->stop_fd, &one, sizeof(one)) < 0);
	for (size_t i = 0; i < attester->thread_count; i++)
		(void)pthread_join(attester->threads[i], NULL);
	while ((left = connect_attester_take(attester)))
		connect_attested_free(left);
	fd_close(attester->ready_fd);
	fd_close(attester->stop_fd);
	(void)pthread_mutex_destroy(&attester->lock);
	(void)pthread_cond_destroy(&attester->asked);
	free(attester);
}

int connect_attester_ask(struct connect_attester *attester, struct err *err)
{
	int status = 0;

	(void)pthread_mutex_lock(&attester->lock);
	attester->questions++;
	if (attester->questions > attester->idle && attester->thread_count < CONNECT_ATTEST_THREADS)
		status = start_thread(attester, err);
	/* One thread is there from the beginning, so a thread less is only slower. */
	if (status < 0 && attester->thread_count > 0)
		status = 0;
	(void)pthread_cond_signal(&attester->asked);
	(void)pthread_mutex_unlock(&attester->lock);
	return status;
}

struct connect_attested *connect_attester_take(struct connect_attester *attester)
{
	struct connect_attested *first;
	uint64_t count;

	(void)pthread_mutex_lock(&attester->lock);
	first = attester->first;
	if (first)
		attester->first = first->next;
	if (!attester->first) {
		attester->last = NULL;
		IGNORE_RESULT(read(attester->ready_fd, &count, sizeof(count)) < 0);
	}
	(void)pthread_mutex_unlock(&attester->lock);
	if (first)
		first->next = NULL;
	return first;
}

int connect_attester_fd(const struct connect_attester *attester)
{
	return attester->ready_fd;
}
