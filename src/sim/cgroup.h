/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups of the sandboxes, version 1 (a hierarchy for each controller) or 2, below the group that mse-sim
 * runs in. What cannot be held by a group falls back to what any user can set: RLIMIT_DATA, CPU affinity.
 */
#ifndef MSE_SIM_CGROUP_H
#define MSE_SIM_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define CGROUP_PATH_MAX 1024
#define CGROUP_NAME_MAX 80

enum cgroup_controller { CGROUP_MEMORY, CGROUP_CPU, CGROUP_CPUACCT, CGROUP_PIDS, CGROUP_CONTROLLERS };

#define CGROUP_TASKS_MAX 512 /* threads and processes of one sandbox */

/* Where groups are made; version 0: not possible. */
struct cgroup_base {
	int version;
	char dir[CGROUP_PATH_MAX];
};

struct cgroup_system {
	struct cgroup_base bases[CGROUP_CONTROLLERS];
};

/* The group of one sandbox: its directory for each controller, "" where it has none. */
struct cgroup {
	int version[CGROUP_CONTROLLERS];
	char dir[CGROUP_CONTROLLERS][CGROUP_PATH_MAX];
};

/* Finds out where this process may make groups: texts as in /proc/self/mountinfo and /proc/self/cgroup. */
void cgroup_find(const char *mountinfo, const char *self, struct cgroup_system *ret);
/* The same from the running system. Nothing possible is no error. */
void cgroup_detect(struct cgroup_system *ret);

/* Makes group NAME and sets its limits. What fails is left out: look at version. cores is whole cores. */
void cgroup_make(const struct cgroup_system *system, const char *name, uint64_t memory_bytes, unsigned cores,
		 struct cgroup *ret);
/* Waits up to a second for the last process to be gone. */
void cgroup_remove(struct cgroup *group);
/* Removes what an mse-sim that was killed left behind: groups whose names start with prefix. */
void cgroup_sweep(const struct cgroup_system *system, const char *prefix);

/* How often the memory limit killed something. */
uint64_t cgroup_oom_kills(const struct cgroup *group);
/* 1 and the value, 0 when no group tells it. */
int cgroup_memory(const struct cgroup *group, uint64_t *ret_bytes);
int cgroup_cpu_ns(const struct cgroup *group, uint64_t *ret_ns);

#endif
