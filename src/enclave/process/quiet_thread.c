/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/process/quiet_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#define STACK_SIZE (256 << 10)

int quiet_thread_start(void *(*run)(void *arg), struct err *err)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;
	int failed;

	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&thread, &attributes, run, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attributes);
	errno = failed;
	return failed ? err_set_errno(err, "cannot start a thread") : 0;
}
