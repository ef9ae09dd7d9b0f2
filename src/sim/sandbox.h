/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How one enclave is boxed in: the command line of bubblewrap, and the policy that mse-sim-init applies inside
 * (docs/formats/sim-control.md). Mounts: the image's top level entries read-only, /code, /instance read-only, /state,
 * /run/mse, and temporary file systems, whose sizes are part of the memory limit.
 */
#ifndef MSE_SIM_SANDBOX_H
#define MSE_SIM_SANDBOX_H

#include "sim/cgroup.h"
#include "sim/plan.h"
#include "sim/policy.h"

struct sandbox {
	const struct engine_launch *launch;
	const struct plan *plan;
	const char *init_path; /* mse-sim-init on the host */
	const struct cgroup *group;
	bool landlock;
	const struct policy_network *networks; /* refused and listed ones, only with egress */
	size_t network_count;
};

/* An argv that owns its texts. */
struct sandbox_argv {
	char **items; /* NULL at the end */
	size_t count;
};

must_check int sandbox_argv_make(const struct sandbox *sandbox, struct sandbox_argv *ret, struct err *err);
void sandbox_argv_done(struct sandbox_argv *argv);

/* The policy in a memory file, to become POLICY_FILE_FD. */
must_check int sandbox_policy_make(const struct sandbox *sandbox, int *ret_fd, struct err *err);

/* A memory file with that content, to be read from its start. */
must_check int sandbox_memory_file(const void *data, size_t size, int *ret_fd, struct err *err);

/* "memory=cgroup1 cores=cgroup1 landlock=7": how this sandbox is limited. */
void sandbox_limits_text(const struct sandbox *sandbox, char ret[static ENGINE_LIMITS_SIZE]);

#endif
