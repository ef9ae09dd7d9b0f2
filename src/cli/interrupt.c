/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Lock-free, so fit for a handler, and read by other threads too. */
static atomic_int seen;
static atomic_int happened; /* not forgiven */

static int fd = -1; /* set before the handlers are */

static void remember(int number)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	const uint64_t one = 1;
	const int before = errno;

	seen = 1;
	happened = 1;
	(void)sigaction(number, &action, NULL);
	IGNORE_RESULT(fd >= 0 && write(fd, &one, sizeof(one)) < 0);
	errno = before;
}

void interrupt_install(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

	if (fd < 0)
		fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct sigaction action = {.sa_handler = remember};
		struct sigaction before;

		/* nohup and shells without job control mean it when they ignore a signal */
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			(void)sigaction(numbers[i], &action, NULL);
	}
}

bool interrupt_seen(void)
{
	return seen != 0;
}

bool interrupt_happened(void)
{
	return happened != 0;
}

int interrupt_fd(void)
{
	return fd;
}

int interrupt_check(struct err *err)
{
	return seen ? err_set(err, ERR_CANCELLED, "interrupted") : 0;
}

void interrupt_explain(struct err *err)
{
	if (err->code == ERR_CANCELLED)
		IGNORE_RESULT(interrupt_check(err));
}

int interrupt_sleep_ms(int ms, struct err *err)
{
	const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	if (!seen)
		(void)nanosleep(&pause, NULL);
	return interrupt_check(err);
}

void interrupt_forgive(void)
{
	uint64_t ignored;

	seen = 0;
	IGNORE_RESULT(fd >= 0 && read(fd, &ignored, sizeof(ignored)) < 0);
}
