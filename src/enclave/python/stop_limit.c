/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/python/stop_limit.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "enclave/process/operator_log.h"
#include "enclave/process/quiet_thread.h"
#include "enclave/process/wake.h"
#include "enclave/python/python.h"

#define MS_PER_SECOND 1000

enum phase { PHASE_REQUESTS, PHASE_EXIT, PHASE_OVER };

static struct stop_limit limit;
static atomic_int phase;

/* What faulthandler uses, exported by libpython: asks for no lock. */
const char *_Py_DumpTracebackThreads(int fd, PyInterpreterState *interpreter, PyThreadState *current);

static void say_requests(unsigned seconds)
{
	const unsigned running = app_gate_running(&limit.app->gate);

	if (running > 0)
		operator_log("%u request%s did not end within %u s: stopped without", running, running == 1 ? "" : "s",
			     seconds);
	else
		operator_log("the application did not end within %u s: stopped without it", seconds);
}

static void give_up(unsigned seconds)
{
	switch ((enum phase)atomic_load(&phase)) {
	case PHASE_REQUESTS:
		say_requests(seconds);
		break;
	case PHASE_EXIT:
		operator_log("threads or exit functions of the application did not end within %u s: stopped without",
			     seconds);
		break;
	case PHASE_OVER:
		return;
	}
	(void)_Py_DumpTracebackThreads(STDERR_FILENO, PyInterpreterState_Main(), NULL);
	_exit(0);
}

static void sleep_ms(unsigned ms)
{
	struct timespec pause = {.tv_sec = ms / MS_PER_SECOND, .tv_nsec = ms % MS_PER_SECOND * NS_PER_MS};

	while (nanosleep(&pause, &pause) < 0 && errno == EINTR) {
	}
}

static void *run(void *arg)
{
	const unsigned drain_ms = wake_await_stop() == WAKE_QUIT ? 0 : limit.drain_ms;

	(void)arg;
	sleep_ms(drain_ms);
	if (atomic_load(&phase) == PHASE_REQUESTS)
		app_server_close(limit.app);
	sleep_ms(limit.exit_ms);
	give_up((drain_ms + limit.exit_ms) / MS_PER_SECOND);
	return NULL;
}

int stop_limit_start(const struct stop_limit *given, struct err *err)
{
	limit = *given;
	return quiet_thread_start(run, err);
}

void stop_limit_requests_ended(void)
{
	atomic_store(&phase, PHASE_EXIT);
}

void stop_limit_end(void)
{
	atomic_store(&phase, PHASE_OVER);
}
