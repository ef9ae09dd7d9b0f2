/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fault.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"

#ifdef MSE_TESTS

#define HITS_MAX 1000000

static char armed_name[FAULT_NAME_MAX + 1];
static uint64_t hits_left;
static pthread_mutex_t hits_lock = PTHREAD_MUTEX_INITIALIZER;

/* A program without fault points has no such section: weak symbols are NULL then. */
extern const char *const __start_mse_fault_points[] __attribute__((weak));
extern const char *const __stop_mse_fault_points[] __attribute__((weak));

int fault_arm(const char *spec, struct err *err)
{
	const char *colon = strrchr(spec, ':');
	uint64_t hits;

	if (!colon || colon == spec || colon - spec > FAULT_NAME_MAX)
		return err_set(err, ERR_INVALID, "fault '%.80s' is not of the form NAME:N", spec);
	if (number_parse_u64(colon + 1, 1, HITS_MAX, &hits, err) < 0)
		return err_prefix(err, "fault '%s'", spec);
	memcpy(armed_name, spec, (size_t)(colon - spec));
	armed_name[colon - spec] = 0;
	hits_left = hits;
	return 0;
}

void fault_hit(const char *name)
{
	if (!armed_name[0] || strcmp(name, armed_name) != 0)
		return;
	(void)pthread_mutex_lock(&hits_lock);
	if (hits_left > 0 && --hits_left == 0)
		(void)kill(getpid(), SIGKILL);
	(void)pthread_mutex_unlock(&hits_lock);
}

void fault_list(void (*visit)(const char *name, void *arg), void *arg)
{
	for (const char *const *name = __start_mse_fault_points; name < __stop_mse_fault_points; name++)
		visit(*name, arg);
}

#else

int fault_arm(const char *spec, struct err *err)
{
	return err_set(err, ERR_UNSUPPORTED, "fault '%.80s': this build has no fault points", spec);
}

void fault_list(void (*visit)(const char *name, void *arg), void *arg)
{
	(void)visit;
	(void)arg;
}

#endif
