/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "sim/filter.h"
#include "sim/init_landlock.h"

#define ARGUMENTS_MAX 4096
#define INIT_NAME ".mse-sim-init"
#define INIT_INSIDE "/" INIT_NAME
#define MIB (UINT64_C(1) << 20)
#define PATH_SIZE 4096

/* Temporary file systems and the part of the memory each may fill (mission E5: /tmp a quarter). */
static const struct {
	const char *path;
	unsigned divisor;
} temporary[] = {{"/tmp", 4}, {"/root", 2}, {"/mse-app", 2}, {"/key", 64}};

static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
static const char *const readable[] = {"/instance", "/proc"};
static const char *const state[] = {"/state", "/run/mse"};
static const char *const writable[] = {"/tmp", "/root", "/mse-app", "/key"};

/* Top level names that are ours, whatever the image has there. */
static const char *const own_names[] = {"code",    "instance", "state", "run", "tmp",    "root",
					"mse-app", "key",      "proc",  "dev", INIT_NAME};

/* ---- argv ---- */

static int add(struct sandbox_argv *argv, const char *text, struct err *err)
{
	if (argv->count == ARGUMENTS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d arguments for the sandbox", ARGUMENTS_MAX);
	argv->items[argv->count] = strdup(text);
	if (!argv->items[argv->count])
		return err_no_memory(err);
	argv->items[++argv->count] = NULL;
	return 0;
}

static int add_all(struct sandbox_argv *argv, const char *const *texts, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (add(argv, texts[i], err) < 0)
			return -1;
	}
	return 0;
}

static int add_pair(struct sandbox_argv *argv, const char *name, uint64_t value, struct err *err)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	return add(argv, name, err) < 0 ? -1 : add(argv, text, err);
}

static int add_mount(struct sandbox_argv *argv, const char *kind, const char *from, const char *to, struct err *err)
{
	const char *const texts[] = {kind, from, to};

	return add_all(argv, texts, COUNT_OF(texts), err);
}

/* Affinity instead of a CPU quota: another start for each app, so that they do not all share the first cores. */
static int add_cores(struct sandbox_argv *argv, const struct engine_launch *launch, struct err *err)
{
	cpu_set_t ours;
	unsigned left = launch->cores, skip = 0;

	CPU_ZERO(&ours);
	if (sched_getaffinity(0, sizeof(ours), &ours) < 0 || (unsigned)CPU_COUNT(&ours) <= launch->cores)
		return 0; /* it may have all there are */
	for (const char *at = launch->uuid; *at; at++)
		skip = (skip * 31 + (unsigned char)*at) % (unsigned)CPU_COUNT(&ours);
	for (size_t cpu = 0; left > 0; cpu = (cpu + 1) % CPU_SETSIZE) {
		if (!CPU_ISSET(cpu, &ours))
			continue;
		if (skip > 0) {
			skip--;
			continue;
		}
		if (add_pair(argv, "--cpu", cpu, err) < 0)
			return -1;
		left--;
	}
	return 0;
}

static int add_limits(struct sandbox_argv *argv, const struct sandbox *sandbox, struct err *err)
{
	char path[CGROUP_PATH_MAX + 16];

	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (sandbox->group->version[i] == 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/cgroup.procs", sandbox->group->dir[i]);
		if (add(argv, "--cgroup", err) < 0 || add(argv, path, err) < 0)
			return -1;
	}
	if (sandbox->group->version[CGROUP_MEMORY] == 0 &&
	    add_pair(argv, "--data-bytes", sandbox->launch->memory_mb * MIB, err) < 0)
		return -1;
	return sandbox->group->version[CGROUP_CPU] == 0 ? add_cores(argv, sandbox->launch, err) : 0;
}

struct image_walk {
	struct sandbox_argv *argv;
	const char *dir;
};

static bool is_own_name(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(own_names); i++) {
		if (strcmp(name, own_names[i]) == 0)
			return true;
	}
	return false;
}

/* Directories and files are mounted; a link is made anew, because a mount would follow it on the host. */
static int add_image_entry(const char *name, void *arg, struct err *err)
{
	const struct image_walk *walk = arg;
	char host[PATH_SIZE], inside[PATH_SIZE], target[PATH_SIZE];
	ssize_t length;

	if (is_own_name(name))
		return 0;
	if (snprintf(host, sizeof(host), "%s/%s", walk->dir, name) >= (int)sizeof(host) ||
	    snprintf(inside, sizeof(inside), "/%s", name) >= (int)sizeof(inside))
		return err_set(err, ERR_LIMIT, "path of image file '%s' is too long", name);
	length = readlink(host, target, sizeof(target) - 1);
	if (length < 0)
		return add_mount(walk->argv, "--ro-bind", host, inside, err);
	target[length] = '\0';
	return add_mount(walk->argv, "--symlink", target, inside, err);
}

static int add_image(struct sandbox_argv *argv, const struct sandbox *sandbox, struct err *err)
{
	struct image_walk walk = {.argv = argv, .dir = sandbox->launch->image_dir};

	return fs_each_entry(walk.dir, add_image_entry, &walk, err);
}

static int add_temporary(struct sandbox_argv *argv, const struct engine_launch *launch, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(temporary); i++) {
		if (add_pair(argv, "--size", launch->memory_mb * MIB / temporary[i].divisor, err) < 0 ||
		    add(argv, "--tmpfs", err) < 0 || add(argv, temporary[i].path, err) < 0)
			return -1;
	}
	return 0;
}

static int add_mounts(struct sandbox_argv *argv, const struct sandbox *sandbox, struct err *err)
{
	const struct engine_launch *launch = sandbox->launch;
	static const char *const system[] = {"--proc", "/proc", "--dev", "/dev", "--remount-ro", "/"};

	if (add_image(argv, sandbox, err) < 0 || add_mount(argv, "--ro-bind", launch->code_dir, "/code", err) < 0 ||
	    add_mount(argv, "--ro-bind", launch->instance_dir, "/instance", err) < 0 ||
	    add_mount(argv, "--bind", launch->state_dir, "/state", err) < 0 ||
	    add_mount(argv, "--bind", launch->run_dir, "/run/mse", err) < 0 ||
	    add_mount(argv, "--ro-bind", sandbox->init_path, INIT_INSIDE, err) < 0 ||
	    add_temporary(argv, launch, err) < 0)
		return -1;
	return add_all(argv, system, COUNT_OF(system), err);
}

static int fill_argv(struct sandbox_argv *argv, const struct sandbox *sandbox, struct err *err)
{
	static const char *const box[] = {"--",
					  "bwrap",
					  "--unshare-all",
					  "--unshare-user",
					  "--die-with-parent",
					  "--new-session",
					  "--clearenv",
					  "--uid",
					  "0",
					  "--gid",
					  "0",
					  "--hostname",
					  "localhost",
					  "--cap-drop",
					  "ALL",
					  "--chdir",
					  "/"};
	/* To set the routes, and to give up both again. */
	static const char *const network[] = {"--cap-add", "CAP_NET_ADMIN", "--cap-add", "CAP_SETPCAP"};
	static const char *const inside[] = {"--", INIT_INSIDE, "apply"};

	if (add(argv, sandbox->init_path, err) < 0 || add(argv, "enter", err) < 0 ||
	    add_limits(argv, sandbox, err) < 0 || add_all(argv, box, COUNT_OF(box), err) < 0)
		return -1;
	if (sandbox->launch->egress == ENGINE_EGRESS_INTERNET && add_all(argv, network, COUNT_OF(network), err) < 0)
		return -1;
	if (add_mounts(argv, sandbox, err) < 0)
		return -1;
	return add_all(argv, inside, COUNT_OF(inside), err);
}

int sandbox_argv_make(const struct sandbox *sandbox, struct sandbox_argv *ret, struct err *err)
{
	scoped(sandbox_argv_done) struct sandbox_argv argv = {.count = 0};

	argv.items = calloc(ARGUMENTS_MAX + 1, sizeof(*argv.items));
	if (!argv.items)
		return err_no_memory(err);
	if (fill_argv(&argv, sandbox, err) < 0)
		return -1;
	*ret = argv;
	argv = (struct sandbox_argv){.count = 0};
	return 0;
}

void sandbox_argv_done(struct sandbox_argv *argv)
{
	for (size_t i = 0; i < argv->count; i++)
		free(argv->items[i]);
	free(argv->items);
	*argv = (struct sandbox_argv){.count = 0};
}

/* ---- policy ---- */

static int add_paths(struct buf *policy, enum policy_access access, const char *const *paths, size_t count,
		     struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		if (policy_add_path(policy, access, paths[i], err) < 0)
			return -1;
	}
	return 0;
}

/*
 * Names may be listed in every directory above a trusted file but the root's own (Python lists its module path from
 * the top). A Landlock rule holds for all below, so one for each top level directory does; the files are sorted.
 */
static int add_trusted(struct buf *policy, const struct plan *plan, struct err *err)
{
	char last[PATH_SIZE] = "";

	for (size_t i = 0; i < plan->file_count; i++) {
		const char *path = plan->files[i].path;
		const size_t top_size = 1 + strcspn(path + 1, "/");

		if (policy_add_path(policy, POLICY_ACCESS_FILE, path, err) < 0)
			return -1;
		if (path[top_size] == '\0' || (strncmp(path, last, top_size) == 0 && last[top_size] == '\0'))
			continue;
		(void)snprintf(last, sizeof(last), "%.*s", (int)top_size, path);
		if (policy_add_path(policy, POLICY_ACCESS_LIST, last, err) < 0)
			return -1;
	}
	return policy_add_path(policy, POLICY_ACCESS_LIST, RELEASE_CODE_DIR, err);
}

static int add_rules(struct buf *policy, const struct sandbox *sandbox, struct err *err)
{
	const uint8_t landlock = sandbox->landlock;

	if (policy_add(policy, POLICY_LANDLOCK, &landlock, sizeof(landlock), err) < 0 ||
	    add_trusted(policy, sandbox->plan, err) < 0 ||
	    add_paths(policy, POLICY_ACCESS_DEVICE, devices, COUNT_OF(devices), err) < 0 ||
	    add_paths(policy, POLICY_ACCESS_READ, readable, COUNT_OF(readable), err) < 0 ||
	    add_paths(policy, POLICY_ACCESS_STATE, state, COUNT_OF(state), err) < 0 ||
	    add_paths(policy, POLICY_ACCESS_WRITE, writable, COUNT_OF(writable), err) < 0)
		return -1;
	for (size_t i = 0; i < sandbox->network_count; i++) {
		if (policy_add(policy, POLICY_NETWORK, &sandbox->networks[i], sizeof(sandbox->networks[i]), err) < 0)
			return -1;
	}
	return 0;
}

static int add_filters(struct buf *policy, struct err *err)
{
	scoped(buf_done) struct buf refusals = BUF_INIT(FILTER_SIZE_MAX);
	scoped(buf_done) struct buf calls = BUF_INIT(FILTER_SIZE_MAX);

	if (filter_make_refusals(&refusals, err) < 0 || filter_make_calls(&calls, err) < 0 ||
	    policy_add(policy, POLICY_FILTER, refusals.data, refusals.size, err) < 0)
		return -1;
	return policy_add(policy, POLICY_FILTER, calls.data, calls.size, err);
}

static int add_program(struct buf *policy, const struct plan *plan, struct err *err)
{
	if (policy_add_text(policy, POLICY_PROGRAM, "/" RELEASE_PROGRAM, err) < 0)
		return -1;
	for (size_t i = 0; release_argv[i]; i++) {
		if (policy_add_text(policy, POLICY_ARGUMENT, release_argv[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < plan->env.count; i++) {
		if (policy_add_text(policy, POLICY_VARIABLE, plan->env.entries[i], err) < 0)
			return -1;
	}
	return 0;
}

int sandbox_memory_file(const void *data, size_t size, int *ret_fd, struct err *err)
{
	scoped(fd_closep) int fd = memfd_create("mse-sim", MFD_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, "cannot make a memory file");
	if (fd_write_all(fd, data, size, err) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_set_errno(err, "cannot rewind a memory file");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int sandbox_policy_make(const struct sandbox *sandbox, int *ret_fd, struct err *err)
{
	scoped(buf_done) struct buf policy = BUF_INIT(POLICY_SIZE_MAX);

	if (add_rules(&policy, sandbox, err) < 0 || add_filters(&policy, err) < 0 ||
	    add_program(&policy, sandbox->plan, err) < 0)
		return -1;
	return sandbox_memory_file(policy.data, policy.size, ret_fd, err);
}

void sandbox_limits_text(const struct sandbox *sandbox, char ret[static ENGINE_LIMITS_SIZE])
{
	static const char *const memory[] = {"rlimit", "cgroup1", "cgroup2"};
	static const char *const cores[] = {"affinity", "cgroup1", "cgroup2"};
	char landlock[16] = "off";

	if (sandbox->landlock)
		(void)snprintf(landlock, sizeof(landlock), "%d", landlock_abi());
	(void)snprintf(ret, ENGINE_LIMITS_SIZE, "memory=%s cores=%s landlock=%s egress=%s",
		       memory[sandbox->group->version[CGROUP_MEMORY]], cores[sandbox->group->version[CGROUP_CPU]],
		       landlock, sandbox->launch->egress == ENGINE_EGRESS_INTERNET ? "internet" : "none");
}
