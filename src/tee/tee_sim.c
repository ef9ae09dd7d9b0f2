/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated TEE: descriptor 3 is a SOCK_SEQPACKET socket to mse-sim, which fixed our measurement when it started
 * us. One message each way: request = op byte and payload, reply = '0' and bytes, or '1' and a text.
 *
 * The application runs in our address space and may read(2) and write(2) any descriptor it can number. So the
 * socket lives in the descriptor table of one thread of ours alone (unshare(CLONE_FILES)), which does nothing but
 * pass messages; in everybody else's table the number 3 is closed. /proc offers no way to it either: a socket cannot
 * be opened through /proc/PID/fd.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tee/tee_driver.h"

#define SIM_FD 3
#define SIM_MESSAGE_SIZE_MAX (16 * 1024)
#define SIM_REQUEST_SIZE_MAX (1 + TEE_REPORT_DATA_SIZE)
#define SIM_MEASUREMENT_SIZE 32
#define SIM_ANSWER_MS_MAX 20000 /* then the request fails; its answer is skipped when it comes after all */

enum sim_state { SIM_STARTING, SIM_IDLE, SIM_ASKED, SIM_ANSWERED, SIM_CLOSING, SIM_DEAD };

struct sim_device {
	pthread_t thread;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed;
	enum sim_state state;
	int os_errno;  /* why the thread could not do it; 0 if it did */
	unsigned late; /* answers to requests that were given up */
	size_t request_size;
	ssize_t reply_size;
	uint8_t request[SIM_REQUEST_SIZE_MAX];
	uint8_t reply[SIM_MESSAGE_SIZE_MAX];
};

static void set_state(struct sim_device *device, enum sim_state state)
{
	device->state = state;
	(void)pthread_cond_broadcast(&device->changed);
}

/* The next message, or -1 with ETIMEDOUT after the deadline. */
static ssize_t receive(struct sim_device *device, int64_t deadline_ns)
{
	for (;;) {
		const int64_t left_ms = (deadline_ns - clock_monotonic_ns()) / NS_PER_MS;
		struct pollfd poll_fd = {.fd = SIM_FD, .events = POLLIN};
		const int ready = poll(&poll_fd, 1, left_ms > 0 ? (int)left_ms : 0);
		ssize_t got;

		if (ready == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		got = ready < 0 ? -1 : recv(SIM_FD, device->reply, sizeof(device->reply), 0);
		if (got >= 0 || errno != EINTR)
			return got;
	}
}

/* Answers come in the order of requests and carry no number: first those that nobody waits for any more. */
static ssize_t exchange_message(struct sim_device *device)
{
	const int64_t deadline_ns = clock_monotonic_ns() + SIM_ANSWER_MS_MAX * NS_PER_MS;
	ssize_t done;

	do {
		done = send(SIM_FD, device->request, device->request_size, MSG_NOSIGNAL);
	} while (done < 0 && errno == EINTR);
	if (done < 0)
		return -1;
	for (device->late++; device->late > 0; device->late--) {
		done = receive(device, deadline_ns);
		if (done < 0)
			return -1;
	}
	return done;
}

/* Passes messages until told to close. Holds the lock also while the message is out: callers wait anyway. */
static void serve(struct sim_device *device)
{
	for (;;) {
		while (device->state != SIM_ASKED && device->state != SIM_CLOSING)
			(void)pthread_cond_wait(&device->changed, &device->lock);
		if (device->state == SIM_CLOSING)
			return;
		device->reply_size = exchange_message(device);
		device->os_errno = device->reply_size < 0 ? errno : 0;
		set_state(device, SIM_ANSWERED);
	}
}

static void *device_thread(void *arg)
{
	struct sim_device *device = arg;

	(void)pthread_mutex_lock(&device->lock);
	if (unshare(CLONE_FILES) < 0) {
		device->os_errno = errno;
		set_state(device, SIM_DEAD);
	} else {
		/* Nothing else that the process has open is kept alive by this thread. */
		(void)close_range(SIM_FD + 1, ~0U, 0);
		set_state(device, SIM_IDLE);
		serve(device);
		set_state(device, SIM_DEAD);
	}
	(void)pthread_mutex_unlock(&device->lock);
	return NULL;
}

/* No signal is for that thread: a handler that writes to a pipe would find none in its table, and the signal be lost.
 */
static int create_thread(struct sim_device *device)
{
	sigset_t all;
	sigset_t before;
	int status;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	status = pthread_create(&device->thread, NULL, device_thread, device);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return status;
}

static int start_thread(struct sim_device *device, struct err *err)
{
	const int status = create_thread(device);

	if (status != 0) {
		errno = status;
		return err_set_errno(err, "cannot start the thread of the simulated device");
	}
	(void)pthread_mutex_lock(&device->lock);
	while (device->state == SIM_STARTING)
		(void)pthread_cond_wait(&device->changed, &device->lock);
	(void)pthread_mutex_unlock(&device->lock);
	if (device->state == SIM_IDLE)
		return 0;
	(void)pthread_join(device->thread, NULL);
	errno = device->os_errno;
	return err_set_errno(err, "cannot give the simulated device's thread descriptors of its own");
}

static void free_device(struct sim_device *device)
{
	(void)pthread_cond_destroy(&device->changed);
	(void)pthread_mutex_destroy(&device->lock);
	explicit_bzero(device, sizeof(*device));
	free(device);
}

static int sim_open(void **ret_device, struct err *err)
{
	int type = 0;
	socklen_t size = sizeof(type);
	struct sim_device *device;

	if (getsockopt(SIM_FD, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET)
		return err_set(err, ERR_INVALID, "descriptor 3 is not the simulated device");
	device = calloc(1, sizeof(*device));
	if (!device)
		return err_no_memory(err);
	(void)pthread_mutex_init(&device->lock, NULL);
	(void)pthread_cond_init(&device->changed, NULL);
	if (start_thread(device, err) < 0) {
		free_device(device);
		return -1;
	}
	(void)close(SIM_FD);
	*ret_device = device;
	return 0;
}

static void sim_close(void *arg)
{
	struct sim_device *device = arg;

	(void)pthread_mutex_lock(&device->lock);
	set_state(device, SIM_CLOSING);
	(void)pthread_mutex_unlock(&device->lock);
	(void)pthread_join(device->thread, NULL);
	free_device(device);
}

static int check_reply(const struct sim_device *device, struct err *err)
{
	if (device->os_errno) {
		errno = device->os_errno;
		return err_set_errno(err, "the simulated device does not answer");
	}
	if (device->reply_size <= 0)
		return err_set(err, ERR_UNAVAILABLE, "the simulated device is gone");
	if (device->reply[0] == '1')
		return err_set(err, ERR_UNAVAILABLE, "the simulated device refused: %.*s", (int)device->reply_size - 1,
			       (const char *)device->reply + 1);
	if (device->reply[0] != '0')
		return err_set(err, ERR_INVALID, "the simulated device answers '%02x', expected '0' or '1'",
			       device->reply[0]);
	return 0;
}

/* One request; the answer's payload goes to ret. The message buffers are wiped: an answer may be a key. */
static int ask(struct sim_device *device, char op, const uint8_t *payload, size_t size, struct secret *ret,
	       struct err *err)
{
	int status;

	(void)pthread_mutex_lock(&device->lock);
	device->request[0] = (uint8_t)op;
	if (size > 0)
		memcpy(device->request + 1, payload, size);
	device->request_size = 1 + size;
	set_state(device, SIM_ASKED);
	while (device->state == SIM_ASKED)
		(void)pthread_cond_wait(&device->changed, &device->lock);
	status = check_reply(device, err);
	if (status == 0)
		status = secret_init(ret, device->reply + 1, (size_t)device->reply_size - 1, err);
	explicit_bzero(device->reply, sizeof(device->reply));
	device->state = SIM_IDLE;
	(void)pthread_mutex_unlock(&device->lock);
	return status;
}

static int sim_measurement(void *arg, struct tee_measurement *ret, struct err *err)
{
	scoped(secret_done) struct secret answer = {0};

	if (ask(arg, 'M', NULL, 0, &answer, err) < 0)
		return -1;
	if (answer.size != SIM_MEASUREMENT_SIZE)
		return err_set(err, ERR_INVALID, "the measurement has %zu bytes, expected %d", answer.size,
			       SIM_MEASUREMENT_SIZE);
	memcpy(ret->data, answer.data, answer.size);
	ret->size = answer.size;
	return 0;
}

static int sim_quote(void *arg, const uint8_t *report_data, struct buf *ret, struct err *err)
{
	scoped(secret_done) struct secret answer = {0};

	if (ask(arg, 'Q', report_data, TEE_REPORT_DATA_SIZE, &answer, err) < 0)
		return -1;
	return buf_add(ret, answer.data, answer.size, err);
}

static int sim_seal_key(void *arg, const uint8_t *key_id, struct secret *ret_key, struct err *err)
{
	struct secret answer = {0};

	if (ask(arg, 'K', key_id, TEE_KEY_ID_SIZE, &answer, err) < 0)
		return -1;
	if (answer.size != TEE_SEAL_KEY_SIZE) {
		const size_t size = answer.size;

		secret_done(&answer);
		return err_set(err, ERR_INVALID, "the sealing key has %zu bytes, expected %d", size, TEE_SEAL_KEY_SIZE);
	}
	*ret_key = answer;
	return 0;
}

const struct tee_ops tee_sim_ops = {
    .open = sim_open,
    .close = sim_close,
    .measurement = sim_measurement,
    .quote = sim_quote,
    .seal_key = sim_seal_key,
};
