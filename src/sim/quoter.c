/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/quoter.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "crypto/hash.h"
#include "engine/engine.h"

#define CLIENTS_MAX ENGINE_LIST_MAX
#define SEAL_LABEL "mse-sim-seal-1"

struct client {
	int fd;
	struct quoter_enclave enclave;
};

struct quoter {
	struct quoter_config config;
	pthread_t thread;
	int wake_fd;
	/* The thread alone. */
	struct client *clients;
	struct pollfd *polls; /* [0] is wake_fd, then a row for each client */
	size_t client_count;
	/* Below the lock: what others hand over. */
	pthread_mutex_t lock;
	struct client *added;
	size_t added_count;
	bool stopping;
};

static void answer_failure(struct buf *ret, const char *text)
{
	struct err err = ERR_INIT;

	buf_clear(ret);
	IGNORE_RESULT(buf_add_byte(ret, QUOTER_FAILED, &err));
	IGNORE_RESULT(buf_add_text(ret, text, &err));
}

static int add_key(const struct quoter_config *config, const struct quoter_enclave *enclave, const uint8_t *key_id,
		   struct buf *ret, struct err *err)
{
	const struct hash_part parts[] = {{SEAL_LABEL, strlen(SEAL_LABEL)},
					  {enclave->measurement, QUOTER_MEASUREMENT_SIZE},
					  {key_id, QUOTER_KEY_ID_SIZE}};
	uint8_t *room;

	if (buf_reserve(ret, QUOTER_KEY_SIZE, &room, err) < 0)
		return -1;
	blake2b_keyed_parts(config->node_secret->data, parts, COUNT_OF(parts), room, QUOTER_KEY_SIZE);
	ret->size += QUOTER_KEY_SIZE;
	return 0;
}

static int add_quote(const struct quoter_config *config, const struct quoter_enclave *enclave,
		     const uint8_t *report_data, struct buf *ret, struct err *err)
{
	if (config->delay_ms > 0)
		(void)poll(NULL, 0, (int)config->delay_ms);
	return config->make(config->arg, enclave, report_data, ret, err);
}

static int add_answer(const struct quoter_config *config, const struct quoter_enclave *enclave, const uint8_t *request,
		      size_t size, struct buf *ret, struct err *err)
{
	if (buf_add_byte(ret, QUOTER_DONE, err) < 0)
		return -1;
	if (size == 1 + QUOTER_REPORT_DATA_SIZE && request[0] == QUOTER_OP_QUOTE)
		return add_quote(config, enclave, request + 1, ret, err);
	if (size == 1 + QUOTER_KEY_ID_SIZE && request[0] == QUOTER_OP_KEY)
		return add_key(config, enclave, request + 1, ret, err);
	if (size == 1 && request[0] == QUOTER_OP_MEASUREMENT)
		return buf_add(ret, enclave->measurement, QUOTER_MEASUREMENT_SIZE, err);
	return err_set(err, ERR_INVALID, "no request of the simulated device: %zu bytes, operation %d", size,
		       size > 0 ? request[0] : -1);
}

void quoter_answer(const struct quoter_config *config, const struct quoter_enclave *enclave, const uint8_t *request,
		   size_t size, struct buf *ret)
{
	struct err err = ERR_INIT;

	buf_clear(ret);
	if (add_answer(config, enclave, request, size, ret, &err) < 0)
		answer_failure(ret, err.text);
}

static void drop(struct quoter *quoter, size_t at)
{
	fd_close(quoter->clients[at].fd);
	quoter->client_count--;
	quoter->clients[at] = quoter->clients[quoter->client_count];
	quoter->polls[1 + at] = quoter->polls[1 + quoter->client_count];
}

/* False when the client is gone or does not take its answers. */
static bool serve(const struct quoter *quoter, const struct client *client)
{
	uint8_t request[1 + QUOTER_REPORT_DATA_SIZE + 1]; /* one more, so that too long is seen as such */
	scoped(buf_done) struct buf answer = BUF_INIT(QUOTER_MESSAGE_MAX);
	ssize_t got, put;

	got = recv(client->fd, request, sizeof(request), MSG_DONTWAIT);
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (got <= 0)
		return false;
	quoter_answer(&quoter->config, &client->enclave, request, (size_t)got, &answer);
	put = send(client->fd, answer.data, answer.size, MSG_DONTWAIT | MSG_NOSIGNAL);
	secret_wipe(answer.data, answer.size); /* it may be a key */
	return put == (ssize_t)answer.size;
}

/* One request of each client that has one, so that none can starve the others. */
static void serve_all(struct quoter *quoter)
{
	for (size_t i = quoter->client_count; i-- > 0;) {
		if (quoter->polls[1 + i].revents != 0 && !serve(quoter, &quoter->clients[i]))
			drop(quoter, i);
	}
}

/* Moves what was added to the thread's own table. False when it is time to end. */
static bool take_added(struct quoter *quoter)
{
	uint64_t count;
	bool go_on;

	if (read(quoter->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return false;
	pthread_mutex_lock(&quoter->lock);
	for (size_t i = 0; i < quoter->added_count; i++) {
		if (quoter->client_count == CLIENTS_MAX) {
			fd_close(quoter->added[i].fd);
			continue;
		}
		quoter->clients[quoter->client_count] = quoter->added[i];
		quoter->client_count++;
		quoter->polls[quoter->client_count] = (struct pollfd){.fd = quoter->added[i].fd, .events = POLLIN};
	}
	quoter->added_count = 0;
	go_on = !quoter->stopping;
	pthread_mutex_unlock(&quoter->lock);
	return go_on;
}

static void *run(void *arg)
{
	struct quoter *quoter = arg;

	quoter->polls[0] = (struct pollfd){.fd = quoter->wake_fd, .events = POLLIN};
	while (take_added(quoter)) {
		if (poll(quoter->polls, 1 + quoter->client_count, -1) > 0)
			serve_all(quoter);
	}
	while (quoter->client_count > 0)
		drop(quoter, quoter->client_count - 1);
	return NULL;
}

static void wake(const struct quoter *quoter)
{
	const uint64_t one = 1;

	if (write(quoter->wake_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: the thread is about to wake */
}

static void free_quoter(struct quoter *quoter)
{
	fd_close(quoter->wake_fd);
	free(quoter->clients);
	free(quoter->polls);
	free(quoter->added);
	pthread_mutex_destroy(&quoter->lock);
	free(quoter);
}

int quoter_start(const struct quoter_config *config, struct quoter **ret, struct err *err)
{
	struct quoter *quoter = calloc(1, sizeof(*quoter));
	int failed;

	if (!quoter)
		return err_no_memory(err);
	quoter->config = *config;
	pthread_mutex_init(&quoter->lock, NULL);
	quoter->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	quoter->clients = calloc(CLIENTS_MAX, sizeof(*quoter->clients));
	quoter->polls = calloc(1 + CLIENTS_MAX, sizeof(*quoter->polls));
	quoter->added = calloc(CLIENTS_MAX, sizeof(*quoter->added));
	failed = quoter->wake_fd < 0 || !quoter->clients || !quoter->polls || !quoter->added ? ENOMEM : 0;
	if (failed == 0)
		failed = pthread_create(&quoter->thread, NULL, run, quoter);
	if (failed != 0) {
		free_quoter(quoter);
		errno = failed;
		return err_set_errno(err, "cannot start the quoting thread");
	}
	*ret = quoter;
	return 0;
}

int quoter_add(struct quoter *quoter, int fd, const struct quoter_enclave *enclave, struct err *err)
{
	bool full;

	pthread_mutex_lock(&quoter->lock);
	full = quoter->added_count == CLIENTS_MAX;
	if (!full) {
		struct client *client = &quoter->added[quoter->added_count++];

		client->fd = fd;
		client->enclave = *enclave;
	}
	pthread_mutex_unlock(&quoter->lock);
	if (full) {
		fd_close(fd);
		return err_set(err, ERR_LIMIT, "more than %d enclaves wait for the quoting thread", CLIENTS_MAX);
	}
	wake(quoter);
	return 0;
}

void quoter_stop(struct quoter *quoter)
{
	if (!quoter)
		return;
	pthread_mutex_lock(&quoter->lock);
	quoter->stopping = true;
	pthread_mutex_unlock(&quoter->lock);
	wake(quoter);
	pthread_join(quoter->thread, NULL);
	free_quoter(quoter);
}
