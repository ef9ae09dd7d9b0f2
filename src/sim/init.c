/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse-sim-init: the small static program at both ends of bubblewrap.
 *
 *   mse-sim-init enter [--cgroup FILE]… [--data-bytes N] [--cpu N]… -- PROGRAM …
 *     outside: joins the control groups, sets the limits that an ordinary user can set, becomes PROGRAM (bwrap).
 *   mse-sim-init apply
 *     inside, as bwrap's command: says that it is up, waits to be let go, then gives up what is left of privilege,
 *     applies Landlock and the system call filter of the policy, and becomes the enclave.
 *
 * Static, because nothing of the host's libraries is in the sandbox; its own file is not reachable any more once
 * Landlock holds.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/number.h"
#include "sim/cgroup.h"
#include "sim/init_landlock.h"
#include "sim/init_network.h"
#include "sim/policy.h"

#define ARGUMENTS_MAX 64
#define VARIABLES_MAX 64
#define FILTERS_MAX 2
#define CAPABILITY_MAX 63
#define FAILED_STATUS 126

/* What is collected from the policy; texts point into it. */
struct stage {
	const char *program;
	char *argv[ARGUMENTS_MAX + 1];
	char *env[VARIABLES_MAX + 1];
	size_t argc, envc;
	struct sock_fprog filters[FILTERS_MAX]; /* in the order of installing */
	size_t filter_count;
	bool landlock;
};

/* ---- enter ---- */

static int join_cgroup(const char *path, struct err *err)
{
	scoped(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		return err_set_errno(err, "cannot join control group '%s'", path);
	return 0;
}

static int limit_data(const char *text, struct err *err)
{
	uint64_t bytes;

	if (number_parse_u64(text, 1, INT64_MAX, &bytes, err) < 0)
		return -1;
	const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};

	if (setrlimit(RLIMIT_DATA, &limit) < 0)
		return err_set_errno(err, "cannot limit memory to %s bytes", text);
	return 0;
}

static int add_cpu(const char *text, cpu_set_t *cpus, struct err *err)
{
	uint64_t cpu;

	if (number_parse_u64(text, 0, CPU_SETSIZE - 1, &cpu, err) < 0)
		return -1;
	CPU_SET((size_t)cpu, cpus);
	return 0;
}

static int enter_option(const char *name, const char *value, cpu_set_t *cpus, struct err *err)
{
	if (strcmp(name, "--cgroup") == 0)
		return join_cgroup(value, err);
	if (strcmp(name, "--data-bytes") == 0)
		return limit_data(value, err);
	if (strcmp(name, "--cpu") == 0)
		return add_cpu(value, cpus, err);
	return err_set(err, ERR_INVALID, "unknown option '%s'", name);
}

static int enter(char **argv, struct err *err)
{
	const struct rlimit none = {.rlim_cur = 0, .rlim_max = 0};
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	for (; argv[0] && argv[1] && strcmp(argv[0], "--") != 0; argv += 2) {
		if (enter_option(argv[0], argv[1], &cpus, err) < 0)
			return -1;
	}
	if (!argv[0] || strcmp(argv[0], "--") != 0 || !argv[1])
		return err_set(err, ERR_INVALID, "no program after --");
	if (CPU_COUNT(&cpus) > 0 && sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		return err_set_errno(err, "cannot keep to %d cores", CPU_COUNT(&cpus));
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return err_set_errno(err, "cannot switch core dumps off");
	(void)execvp(argv[1], argv + 1);
	return err_set_errno(err, "cannot start '%s'", argv[1]);
}

/* ---- apply ---- */

static int wait_for_go(struct err *err)
{
	char message = POLICY_READY;
	ssize_t got;

	if (fcntl(POLICY_CONTROL_FD, F_SETFD, FD_CLOEXEC) < 0 ||
	    send(POLICY_CONTROL_FD, &message, 1, MSG_NOSIGNAL) != 1)
		return err_set_errno(err, "no supervisor");
	do
		got = recv(POLICY_CONTROL_FD, &message, 1, 0);
	while (got < 0 && errno == EINTR);
	if (got != 1 || message != POLICY_GO)
		return err_set(err, ERR_CANCELLED, "the supervisor called it off");
	return 0;
}

static int map_policy(const uint8_t **ret, size_t *ret_size, struct err *err)
{
	struct stat st;
	void *map;

	if (fstat(POLICY_FILE_FD, &st) < 0 || st.st_size <= 0 || st.st_size > (off_t)POLICY_SIZE_MAX)
		return err_set(err, ERR_INVALID, "no policy in descriptor %d", POLICY_FILE_FD);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, POLICY_FILE_FD, 0);
	if (map == MAP_FAILED)
		return err_set_errno(err, "cannot read the policy");
	*ret = map;
	*ret_size = (size_t)st.st_size;
	return 0;
}

static int add_text(char **array, size_t *count, size_t max, const struct policy_record *record, struct err *err)
{
	if (*count == max)
		return err_set(err, ERR_LIMIT, "more than %zu arguments or variables", max);
	array[(*count)++] = (char *)(uintptr_t)record->data;
	return 0;
}

static int add_network(const struct policy_record *record, struct err *err)
{
	struct policy_network network;
	scoped(fd_closep) int fd = -1;

	memcpy(&network, record->data, sizeof(network));
	if (network_open(&fd, err) < 0)
		return -1;
	return network_add(fd, &network, err);
}

static int add_filter(struct stage *stage, const struct policy_record *record, struct err *err)
{
	struct sock_fprog *filter = &stage->filters[stage->filter_count];

	if (stage->filter_count == FILTERS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d system call filters", FILTERS_MAX);
	filter->filter = (struct sock_filter *)(uintptr_t)record->data;
	filter->len = (unsigned short)(record->size / sizeof(struct sock_filter));
	stage->filter_count++;
	return 0;
}

/* Everything but the paths. */
static int take_record(struct stage *stage, const struct policy_record *record, struct err *err)
{
	switch (record->type) {
	case POLICY_NETWORK:
		return add_network(record, err);
	case POLICY_FILTER:
		return add_filter(stage, record, err);
	case POLICY_LANDLOCK:
		stage->landlock = record->data[0] != 0;
		return 0;
	case POLICY_PROGRAM:
		stage->program = (const char *)record->data;
		return 0;
	case POLICY_ARGUMENT:
		return add_text(stage->argv, &stage->argc, ARGUMENTS_MAX, record, err);
	case POLICY_VARIABLE:
		return add_text(stage->env, &stage->envc, VARIABLES_MAX, record, err);
	case POLICY_PATH:
		break;
	}
	return 0;
}

static int take_policy(const uint8_t *policy, size_t size, struct stage *stage, struct err *err)
{
	struct policy_record record;
	size_t at = 0;
	int more;

	while ((more = policy_next(policy, size, &at, &record, err)) > 0) {
		if (take_record(stage, &record, err) < 0)
			return -1;
	}
	if (more < 0)
		return -1;
	if (!stage->program || stage->argc == 0 || stage->filter_count == 0)
		return err_set(err, ERR_INVALID, "the policy names no program, argument or filter");
	return 0;
}

static int drop_privileges(struct err *err)
{
	const struct rlimit threads = {.rlim_cur = CGROUP_TASKS_MAX, .rlim_max = CGROUP_TASKS_MAX};
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0, 0, 0}};

	for (unsigned long cap = 0; cap <= CAPABILITY_MAX; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno == EPERM && prctl(PR_CAPBSET_READ, cap) == 1)
			return err_set_errno(err, "cannot drop capability %lu", cap);
	}
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &head, none) < 0)
		return err_set_errno(err, "cannot drop capabilities");
	/* Counted in the sandbox's own user namespace; not for root, who has a control group. */
	if (setrlimit(RLIMIT_NPROC, &threads) < 0)
		return err_set_errno(err, "cannot limit threads to %d", CGROUP_TASKS_MAX);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set_errno(err, "cannot forbid new privileges");
	return 0;
}

static int apply_landlock(const uint8_t *policy, size_t size, struct err *err)
{
	scoped(fd_closep) int ruleset = -1;
	struct policy_record record;
	size_t at = 0;
	int more;

	if (landlock_open(&ruleset, err) < 0)
		return -1;
	while ((more = policy_next(policy, size, &at, &record, err)) > 0) {
		if (record.type == POLICY_PATH &&
		    landlock_allow(ruleset, (enum policy_access)record.data[0], (const char *)record.data + 1, err) < 0)
			return -1;
	}
	return more < 0 ? -1 : landlock_enforce(ruleset, err);
}

static int apply(struct err *err)
{
	struct stage stage = {.program = NULL};
	const uint8_t *policy = NULL;
	size_t size = 0;

	if (wait_for_go(err) < 0 || map_policy(&policy, &size, err) < 0 || take_policy(policy, size, &stage, err) < 0 ||
	    drop_privileges(err) < 0)
		return -1;
	if (stage.landlock && apply_landlock(policy, size, err) < 0)
		return -1;
	if (syscall(SYS_close_range, POLICY_CONTROL_FD + 1, ~0U, 0) < 0)
		return err_set_errno(err, "cannot close other descriptors");
	for (size_t i = 0; i < stage.filter_count; i++) {
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &stage.filters[i]) < 0)
			return err_set_errno(err, "cannot filter system calls");
	}
	(void)execve(stage.program, stage.argv, stage.env);
	return err_set_errno(err, "cannot start '%s'", stage.program);
}

static void report(const struct err *err)
{
	char message[POLICY_MESSAGE_MAX];

	(void)snprintf(message, sizeof(message), "%c%s", POLICY_FAILED, err->text);
	(void)send(POLICY_CONTROL_FD, message, strlen(message), MSG_NOSIGNAL);
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;

	if (argc == 2 && strcmp(argv[1], "apply") == 0) {
		IGNORE_RESULT(apply(&err));
		report(&err);
		return FAILED_STATUS;
	}
	if (argc > 2 && strcmp(argv[1], "enter") == 0)
		IGNORE_RESULT(enter(argv + 2, &err));
	else
		err_set(&err, ERR_INVALID, "mse-sim starts this program; it is of no use by hand");
	(void)fprintf(stderr, "mse-sim-init: %s\n", err.text);
	return FAILED_STATUS;
}
