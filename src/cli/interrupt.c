/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

/* Lock-free, so fit for a handler, and read by other threads too. */
static atomic_int seen;
static atomic_int happened; /* not forgiven */

static void remember(int number)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	seen = 1;
	happened = 1;
	(void)sigaction(number, &action, NULL);
}

void interrupt_install(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

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

int interrupt_check(struct err *err)
{
	return seen ? err_set(err, ERR_CANCELLED, "interrupted") : 0;
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
	seen = 0;
}
