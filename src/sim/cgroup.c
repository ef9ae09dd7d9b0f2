/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "base/number.h"

#define FILE_SIZE_MAX ((size_t)64 << 10)
#define MOUNTINFO_SIZE_MAX ((size_t)1 << 20)
#define PERIOD_US 100000
#define REMOVE_TRIES 200
#define REMOVE_WAIT_MS 5
#define NS_PER_US 1000
#define PROBE_NAME "mse-probe"

static const char *const names[] = {
    [CGROUP_MEMORY] = "memory", [CGROUP_CPU] = "cpu", [CGROUP_CPUACCT] = "cpuacct", [CGROUP_PIDS] = "pids"};

/* ---- finding the places ---- */

/* Is word one of the comma separated words of list (which ends at size)? */
static bool has_word(const char *list, size_t size, const char *word)
{
	const size_t word_size = strlen(word);

	while (size >= word_size) {
		const char *comma = memchr(list, ',', size);
		const size_t item = comma ? (size_t)(comma - list) : size;

		if (item == word_size && memcmp(list, word, item) == 0)
			return true;
		if (!comma)
			break;
		list += item + 1;
		size -= item + 1;
	}
	return false;
}

/* The path of our own group in the hierarchy: a line "ID:CONTROLLERS:PATH"; version 2 has "0::PATH". */
static bool own_path(const char *self, const char *controller, char *ret, size_t size)
{
	for (const char *line = self; line && *line;) {
		const char *end = strchrnul(line, '\n');
		const char *list = memchr(line, ':', (size_t)(end - line));
		const char *path = list ? memchr(list + 1, ':', (size_t)(end - list - 1)) : NULL;

		if (path && (controller ? has_word(list + 1, (size_t)(path - list - 1), controller) : path == list + 1))
			return snprintf(ret, size, "%.*s", (int)(end - path - 1), path + 1) < (int)size;
		line = *end ? end + 1 : NULL;
	}
	return false;
}

struct mount {
	char root[CGROUP_PATH_MAX], point[CGROUP_PATH_MAX];
};

/* Copies field number index (from 0) of a line of words. */
static bool copy_field(const char *line, size_t size, int index, char *ret, size_t ret_size)
{
	const char *end = line + size;

	for (; index > 0 && line; index--) {
		line = memchr(line, ' ', (size_t)(end - line));
		line = line ? line + 1 : NULL;
	}
	if (!line)
		return false;
	const char *stop = memchr(line, ' ', (size_t)(end - line));
	const size_t length = (size_t)((stop ? stop : end) - line);

	return snprintf(ret, ret_size, "%.*s", (int)length, line) < (int)ret_size;
}

/* proc(5): "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS … - TYPE SOURCE SUPER-OPTIONS". */
static bool take_mount(const char *line, size_t size, const char *controller, struct mount *ret)
{
	const char *dash = memmem(line, size, " - ", 3);
	char type[16], super[256];

	if (!dash)
		return false;
	const char *rest = dash + 3;
	const size_t rest_size = size - (size_t)(rest - line);

	if (!copy_field(rest, rest_size, 0, type, sizeof(type)) || strcmp(type, controller ? "cgroup" : "cgroup2") != 0)
		return false;
	if (controller &&
	    (!copy_field(rest, rest_size, 2, super, sizeof(super)) || !has_word(super, strlen(super), controller)))
		return false;
	return copy_field(line, size, 3, ret->root, sizeof(ret->root)) &&
	       copy_field(line, size, 4, ret->point, sizeof(ret->point));
}

static bool find_mount(const char *mountinfo, const char *controller, struct mount *ret)
{
	for (const char *line = mountinfo; line && *line;) {
		const char *end = strchrnul(line, '\n');

		if (take_mount(line, (size_t)(end - line), controller, ret))
			return true;
		line = *end ? end + 1 : NULL;
	}
	return false;
}

/* Our own group as a directory: the mount may show a part of the hierarchy only. */
static bool own_dir(const char *mountinfo, const char *self, const char *controller, struct cgroup_base *ret,
		    bool *ret_is_top)
{
	struct mount mount;
	char path[CGROUP_PATH_MAX];
	const char *below = path;
	size_t root_size;

	if (!find_mount(mountinfo, controller, &mount) || !own_path(self, controller, path, sizeof(path)))
		return false;
	root_size = strlen(mount.root);
	if (root_size > 1 && strncmp(path, mount.root, root_size) == 0)
		below = path + root_size;
	if (strcmp(below, "/") == 0)
		below = "";
	*ret_is_top = below[0] == '\0';
	return snprintf(ret->dir, sizeof(ret->dir), "%s%s", mount.point, below) < (int)sizeof(ret->dir);
}

/* A group of version 2, but the top one, has no processes and groups at once: ours stand beside mse-sim's own. */
static void take_parent(char *dir)
{
	char *slash = strrchr(dir, '/');

	if (slash && slash != dir)
		*slash = '\0';
}

void cgroup_find(const char *mountinfo, const char *self, struct cgroup_system *ret)
{
	*ret = (struct cgroup_system){.bases[0].version = 0};
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		struct cgroup_base *base = &ret->bases[i];
		bool is_top;

		if (own_dir(mountinfo, self, names[i], base, &is_top)) {
			base->version = 1;
		} else if (own_dir(mountinfo, self, NULL, base, &is_top)) {
			base->version = 2;
			if (!is_top)
				take_parent(base->dir);
		}
	}
}

static int read_small(const char *path, struct buf *ret)
{
	struct err err = ERR_INIT;
	scoped(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : buf_read_fd(ret, fd, &err);
}

/* ---- one file of a group ---- */

static int file_path(const char *dir, const char *file, char *ret)
{
	return snprintf(ret, CGROUP_PATH_MAX, "%s/%s", dir, file) < CGROUP_PATH_MAX ? 0 : -1;
}

static int put(const char *dir, const char *file, const char *value)
{
	char path[CGROUP_PATH_MAX];

	if (file_path(dir, file, path) < 0)
		return -1;
	scoped(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return write(fd, value, strlen(value)) == (ssize_t)strlen(value) ? 0 : -1;
}

static int put_u64(const char *dir, const char *file, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	return put(dir, file, text);
}

/* The number behind "KEY ", or the whole file's when key is NULL. 1 found, 0 not. */
static int get_u64(const char *dir, const char *file, const char *key, uint64_t *ret)
{
	scoped(buf_done) struct buf text = BUF_INIT(FILE_SIZE_MAX);
	struct err err = ERR_INIT;
	char path[CGROUP_PATH_MAX], number[24];
	const char *at;

	if (file_path(dir, file, path) < 0 || read_small(path, &text) < 0)
		return 0;
	at = buf_text(&text);
	while (key && at && (strncmp(at, key, strlen(key)) != 0 || at[strlen(key)] != ' ')) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return 0;
	at += key ? strlen(key) + 1 : 0;
	(void)snprintf(number, sizeof(number), "%.*s", (int)strcspn(at, "\n"), at);
	return number_parse_u64(number, 0, UINT64_MAX, ret, &err) < 0 ? 0 : 1;
}

/* Of version 2 only a controller that the parent handed down has files. */
static bool is_usable(const struct cgroup_base *base, enum cgroup_controller controller)
{
	static const char *const version2_files[] = {[CGROUP_MEMORY] = "memory.max",
						     [CGROUP_CPU] = "cpu.max",
						     [CGROUP_CPUACCT] = "cpu.stat",
						     [CGROUP_PIDS] = "pids.max"};
	char dir[CGROUP_PATH_MAX], file[CGROUP_PATH_MAX];
	bool usable;

	if (base->version == 0 ||
	    snprintf(dir, sizeof(dir), "%s/" PROBE_NAME "-%d", base->dir, (int)getpid()) >= (int)sizeof(dir))
		return false;
	if (mkdir(dir, 0755) < 0)
		return false;
	usable = base->version == 1 || (file_path(dir, version2_files[controller], file) == 0 && fs_exists(file));
	(void)rmdir(dir);
	return usable;
}

void cgroup_detect(struct cgroup_system *ret)
{
	scoped(buf_done) struct buf mountinfo = BUF_INIT(MOUNTINFO_SIZE_MAX);
	scoped(buf_done) struct buf self = BUF_INIT(FILE_SIZE_MAX);

	*ret = (struct cgroup_system){.bases[0].version = 0};
	if (read_small("/proc/self/mountinfo", &mountinfo) < 0 || read_small("/proc/self/cgroup", &self) < 0)
		return;
	cgroup_find(buf_text(&mountinfo), buf_text(&self), ret);
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (!is_usable(&ret->bases[i], (enum cgroup_controller)i))
			ret->bases[i].version = 0;
	}
}

/* ---- groups ---- */

static int limit_memory(const char *dir, int version, uint64_t bytes)
{
	if (version == 1) {
		if (put_u64(dir, "memory.limit_in_bytes", bytes) < 0)
			return -1;
		(void)put_u64(dir, "memory.memsw.limit_in_bytes", bytes); /* only where swap is counted */
		return 0;
	}
	(void)put(dir, "memory.swap.max", "0");
	(void)put(dir, "memory.oom.group", "1");
	return put_u64(dir, "memory.max", bytes);
}

static int limit_cores(const char *dir, int version, unsigned cores)
{
	char text[48];

	if (version == 1)
		return put_u64(dir, "cpu.cfs_period_us", PERIOD_US) < 0
			   ? -1
			   : put_u64(dir, "cpu.cfs_quota_us", (uint64_t)cores * PERIOD_US);
	(void)snprintf(text, sizeof(text), "%" PRIu64 " %d", (uint64_t)cores * PERIOD_US, PERIOD_US);
	return put(dir, "cpu.max", text);
}

static int limit(const char *dir, int version, enum cgroup_controller controller, uint64_t memory_bytes, unsigned cores)
{
	switch (controller) {
	case CGROUP_MEMORY:
		return limit_memory(dir, version, memory_bytes);
	case CGROUP_CPU:
		return limit_cores(dir, version, cores);
	case CGROUP_PIDS:
		return put_u64(dir, "pids.max", CGROUP_TASKS_MAX);
	case CGROUP_CPUACCT:
	case CGROUP_CONTROLLERS:
		break;
	}
	return 0;
}

void cgroup_make(const struct cgroup_system *system, const char *name, uint64_t memory_bytes, unsigned cores,
		 struct cgroup *ret)
{
	*ret = (struct cgroup){.version[0] = 0};
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		const struct cgroup_base *base = &system->bases[i];
		char *dir = ret->dir[i];

		if (base->version == 0 || snprintf(dir, CGROUP_PATH_MAX, "%s/%s", base->dir, name) >= CGROUP_PATH_MAX)
			continue;
		if ((mkdir(dir, 0755) < 0 && errno != EEXIST) ||
		    limit(dir, base->version, (enum cgroup_controller)i, memory_bytes, cores) < 0)
			continue;
		ret->version[i] = base->version;
	}
}

void cgroup_remove(struct cgroup *group)
{
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		for (int tries = 0; group->dir[i][0] && rmdir(group->dir[i]) < 0 && errno == EBUSY; tries++) {
			if (tries == REMOVE_TRIES)
				break;
			(void)poll(NULL, 0, REMOVE_WAIT_MS);
		}
		group->dir[i][0] = '\0';
		group->version[i] = 0;
	}
}

struct sweep {
	const char *dir, *prefix;
};

static int sweep_entry(const char *name, void *arg, struct err *err)
{
	const struct sweep *sweep = arg;
	char path[CGROUP_PATH_MAX];

	(void)err;
	if (strncmp(name, sweep->prefix, strlen(sweep->prefix)) == 0 && file_path(sweep->dir, name, path) == 0)
		(void)rmdir(path);
	return 0;
}

void cgroup_sweep(const struct cgroup_system *system, const char *prefix)
{
	for (size_t i = 0; i < CGROUP_CONTROLLERS; i++) {
		struct sweep sweep = {.dir = system->bases[i].dir, .prefix = prefix};
		struct err err = ERR_INIT;

		if (system->bases[i].version != 0)
			IGNORE_RESULT(fs_each_entry(sweep.dir, sweep_entry, &sweep, &err));
	}
}

uint64_t cgroup_oom_kills(const struct cgroup *group)
{
	const char *dir = group->dir[CGROUP_MEMORY];
	const int version = group->version[CGROUP_MEMORY];
	uint64_t kills = 0;

	if (version != 0)
		(void)get_u64(dir, version == 1 ? "memory.oom_control" : "memory.events", "oom_kill", &kills);
	return kills;
}

int cgroup_memory(const struct cgroup *group, uint64_t *ret_bytes)
{
	const char *dir = group->dir[CGROUP_MEMORY];
	const int version = group->version[CGROUP_MEMORY];
	uint64_t used, cached = 0;

	if (version == 0 || !get_u64(dir, version == 1 ? "memory.usage_in_bytes" : "memory.current", NULL, &used))
		return 0;
	(void)get_u64(dir, "memory.stat", version == 1 ? "total_inactive_file" : "inactive_file", &cached);
	*ret_bytes = used > cached ? used - cached : 0;
	return 1;
}

int cgroup_cpu_ns(const struct cgroup *group, uint64_t *ret_ns)
{
	const char *dir = group->dir[CGROUP_CPUACCT];

	if (group->version[CGROUP_CPUACCT] == 1)
		return get_u64(dir, "cpuacct.usage", NULL, ret_ns);
	if (group->version[CGROUP_CPUACCT] == 2 && get_u64(dir, "cpu.stat", "usage_usec", ret_ns)) {
		*ret_ns *= NS_PER_US;
		return 1;
	}
	return 0;
}
