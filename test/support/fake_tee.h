/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of the simulated TEE's descriptor 3 for unit tests: a thread of the test. Its quotes have the layout of
 * real ones where the runtime looks, and no signature. Include it in one test file; after <unit.h>.
 */
#ifndef MSE_TEST_FAKE_TEE_H
#define MSE_TEST_FAKE_TEE_H

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAKE_QUOTE_SIZE (48 + 384)
#define FAKE_QUOTE_REPORT_DATA (48 + 320)
#define FAKE_QUOTE_MRENCLAVE (48 + 64)

static struct {
	int fd;
	pthread_t thread;
	uint8_t mrenclave[32];
	uint8_t secret;       /* another secret gives other keys, as another machine does */
	atomic_bool refuses;  /* quotes are refused */
	atomic_uint delay_ms; /* before a quote */
	atomic_uint quotes;   /* how many were made */
	atomic_uint under_way;
	atomic_uint most_under_way;
	atomic_size_t reply_size; /* 0: as it should be; else replies are cut or filled up to it */
} fake_tee;

static size_t fake_tee_quote(const uint8_t *report_data, uint8_t *ret)
{
	if (atomic_load(&fake_tee.refuses)) {
		memcpy(ret, "1no quote today", 15);
		return 15;
	}
	usleep(atomic_load(&fake_tee.delay_ms) * 1000);
	memset(ret, 0, 1 + FAKE_QUOTE_SIZE);
	ret[0] = '0';
	memcpy(ret + 1 + FAKE_QUOTE_MRENCLAVE, fake_tee.mrenclave, 32);
	memcpy(ret + 1 + FAKE_QUOTE_REPORT_DATA, report_data, 64);
	atomic_fetch_add(&fake_tee.quotes, 1);
	return 1 + FAKE_QUOTE_SIZE;
}

static size_t fake_tee_answer(const uint8_t *message, uint8_t *ret)
{
	if (message[0] == 'Q')
		return fake_tee_quote(message + 1, ret);
	ret[0] = '0';
	if (message[0] == 'M') {
		memcpy(ret + 1, fake_tee.mrenclave, 32);
	} else {
		for (int i = 0; i < 32; i++)
			ret[1 + i] = (uint8_t)(message[1 + i] ^ fake_tee.mrenclave[i] ^ fake_tee.secret);
	}
	return 33;
}

static void *fake_tee_thread(void *arg)
{
	const int fd = *(int *)arg;
	uint8_t message[128];
	static uint8_t reply[16384];

	while (recv(fd, message, sizeof(message), 0) > 0) {
		size_t size = fake_tee_answer(message, reply);

		if (atomic_load(&fake_tee.reply_size) > 0)
			size = atomic_load(&fake_tee.reply_size);
		if (send(fd, reply, size, MSG_NOSIGNAL) < 0)
			break;
	}
	close(fd);
	return NULL;
}

/* Puts the device at descriptor 3. */
static inline void fake_tee_start(void)
{
	int fds[2];

	memset(fake_tee.mrenclave, 0x4d, sizeof(fake_tee.mrenclave));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	fake_tee.fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 100);
	if (fds[0] != 3)
		close(fds[0]);
	if (fds[1] != 3) {
		assert_int_equal(dup2(fds[1], 3), 3);
		close(fds[1]);
	}
	assert_int_equal(pthread_create(&fake_tee.thread, NULL, fake_tee_thread, &fake_tee.fd), 0);
}

/* After the runtime has closed its end. */
static inline void fake_tee_stop(void)
{
	pthread_join(fake_tee.thread, NULL);
}

#endif
