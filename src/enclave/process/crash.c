/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/process/crash.h"

#include <signal.h>

#include "base/scoped.h"
#include "enclave/process/app_log.h"

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/* The default action is in place again (SA_RESETHAND): the signal ends the process when it is raised anew. */
static void on_crash(int number)
{
	app_log_drain();
	(void)raise(number);
}

int crash_setup(struct err *err)
{
	const struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_RESETHAND | SA_NODEFER | SA_ONSTACK};

	for (size_t i = 0; i < COUNT_OF(signals); i++) {
		if (sigaction(signals[i], &action, NULL) < 0)
			return err_set_errno(err, "cannot handle signal %d", signals[i]);
	}
	return 0;
}
