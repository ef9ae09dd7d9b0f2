/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/python/protected_path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/number.h"

#define OWN_DESCRIPTORS "/proc/self/fd"
#define LINKS_MAX 40 /* as many as the system follows */
#define OWN_MAX 4
#define KNOWN_MAX 8

/* Fixed trees; those of the settings are in list_own. */
static const char *const fixed[] = {"/dev/attestation", "/sys/kernel/config", "/sys/kernel/security"};

/* Harmless files of a process that libraries do read. "stat" holds addresses. */
static const char *const proc_allowed[] = {"status", "statm",     "cmdline", "limits",
					   "cgroup", "mountinfo", "mounts",  "comm"};

static struct known {
	dev_t device;
	ino_t inode;
} known[KNOWN_MAX];
static size_t known_count; /* set before the interpreter starts */

static void list_own(const struct settings *settings, const char *ret[static OWN_MAX])
{
	ret[0] = settings->state_path;
	ret[1] = settings->instance_path;
	ret[2] = settings->code_path;
	ret[3] = settings->listen_path;
}

static bool is_within(const char *path, const char *dir)
{
	const size_t size = strlen(dir);

	return size > 0 && strncmp(path, dir, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

static bool is_known(const struct stat *info)
{
	for (size_t i = 0; i < known_count; i++) {
		if (known[i].device == info->st_dev && known[i].inode == info->st_ino)
			return true;
	}
	return false;
}

/* Gramine's own files have no numbers (inode 0): there the path alone counts. */
static void know(const char *path)
{
	struct stat info;
	struct stat root;

	if (!*path || known_count == KNOWN_MAX || stat(path, &info) < 0 || stat("/", &root) < 0 || info.st_ino == 0 ||
	    (info.st_dev == root.st_dev && info.st_ino == root.st_ino))
		return;
	known[known_count++] = (struct known){info.st_dev, info.st_ino};
}

void protected_path_learn(const struct settings *settings)
{
	const char *own[OWN_MAX];

	list_own(settings, own);
	for (size_t i = 0; i < COUNT_OF(fixed); i++)
		know(fixed[i]);
	for (size_t i = 0; i < OWN_MAX; i++)
		know(own[i]);
}

/* Is path, or one of the directories that it is in, a protected one? path is real. */
static bool is_in_known(const char *path)
{
	char part[PATH_MAX];
	struct stat info;
	char *slash;

	(void)snprintf(part, sizeof(part), "%s", path);
	while (known_count > 0 && part[0]) {
		if (stat(part, &info) == 0 && is_known(&info))
			return true;
		slash = strrchr(part, '/');
		if (!slash)
			break;
		*slash = 0;
	}
	return false;
}

/* /proc/PID/…: memory, descriptors, maps. /proc/meminfo and the like have no digit or "self" there. */
static bool is_process_file(const char *path)
{
	const char *rest;

	if (strncmp(path, "/proc/", strlen("/proc/")) != 0)
		return false;
	rest = path + strlen("/proc/");
	if ((rest[0] < '0' || rest[0] > '9') && !is_within(rest, "self") && !is_within(rest, "thread-self"))
		return false;
	rest = strchr(rest, '/');
	for (size_t i = 0; rest && i < COUNT_OF(proc_allowed); i++) {
		if (strcmp(rest + 1, proc_allowed[i]) == 0)
			return false;
	}
	return true;
}

static bool is_of_dir(const char *path, const char *dir, bool is_moved)
{
	char real[PATH_MAX];

	if (!*dir)
		return false;
	if (is_within(path, dir) || (is_moved && is_within(dir, path)))
		return true;
	return realpath(dir, real) && (is_within(path, real) || (is_moved && is_within(real, path)));
}

/* path is absolute. */
static bool is_protected(const struct settings *settings, const char *path, bool is_moved)
{
	const char *own[OWN_MAX];

	list_own(settings, own);
	for (size_t i = 0; i < COUNT_OF(fixed); i++) {
		if (is_within(path, fixed[i]) || (is_moved && is_within(fixed[i], path)))
			return true;
	}
	for (size_t i = 0; i < OWN_MAX; i++) {
		if (is_of_dir(path, own[i], is_moved))
			return true;
	}
	return is_process_file(path);
}

static void strip_slashes(char *path)
{
	for (size_t size = strlen(path); size > 1 && path[size - 1] == '/'; size--)
		path[size - 1] = 0;
}

static bool is_name_too_long(const char *path)
{
	for (const char *at = path; *at; at += *at == '/') {
		const size_t size = strcspn(at, "/");

		if (size > NAME_MAX)
			return true;
		at += size;
	}
	return strlen(path) >= PATH_MAX;
}

enum resolved { RESOLVED, RESOLVED_NOWHERE, RESOLVED_UNKNOWN };

/* What the failure of realpath says of an open of the same path. */
static enum resolved failure(const char *path)
{
	return errno == ENAMETOOLONG && !is_name_too_long(path) ? RESOLVED_UNKNOWN : RESOLVED_NOWHERE;
}

/* One step: the real path; or that of its directory with its name, which may be a link to what is not there yet. */
static enum resolved resolve_once(const char *path, char ret[static PATH_MAX], char ret_link[static PATH_MAX])
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	ssize_t size;
	int used;

	ret_link[0] = 0;
	if (realpath(path, ret))
		return RESOLVED;
	if (errno == ENAMETOOLONG)
		return failure(path);
	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path) + 1, path);
	if (!realpath(parent, ret))
		return failure(parent);
	used = strcmp(ret, "/") == 0 ? 0 : (int)strlen(ret);
	if (snprintf(ret + used, PATH_MAX - (size_t)used, "/%s", slash + 1) >= PATH_MAX - used)
		return RESOLVED_UNKNOWN;
	size = readlink(ret, ret_link, PATH_MAX - 1);
	ret_link[size > 0 ? size : 0] = 0;
	if (size > 0 && ret_link[0] != '/')
		ret[used] = 0; /* the link is relative to its directory */
	return RESOLVED;
}

/* path is absolute; it is written over. */
static enum resolved resolve(char path[static PATH_MAX], char ret[static PATH_MAX])
{
	char link[PATH_MAX];

	for (int links = 0; links < LINKS_MAX; links++) {
		enum resolved result;

		strip_slashes(path);
		result = resolve_once(path, ret, link);
		if (result != RESOLVED || !link[0])
			return result;
		if (snprintf(path, PATH_MAX, "%s%s%s", link[0] == '/' ? "" : ret, link[0] == '/' ? "" : "/", link) >=
		    PATH_MAX)
			return RESOLVED_UNKNOWN;
	}
	return RESOLVED_NOWHERE;
}

/* The directory that a relative path starts from: 1, 0 if there is nothing to open, -1 if it cannot be known. */
static int find_base(int dir_fd, const char *path, char ret[static PATH_MAX])
{
	char link[64];
	struct stat info;
	ssize_t size;

	if ((dir_fd < 0 ? stat(".", &info) : fstat(dir_fd, &info)) < 0 || !S_ISDIR(info.st_mode))
		return 0;
	/* A directory that was removed has no name, and holds nothing; but it has a parent. */
	if (info.st_nlink == 0)
		return strstr(path, "..") ? -1 : 0;
	if (dir_fd < 0)
		return getcwd(ret, PATH_MAX) ? 1 : -1;
	(void)snprintf(link, sizeof(link), OWN_DESCRIPTORS "/%d", dir_fd);
	size = readlink(link, ret, PATH_MAX - 1);
	if (size <= 0)
		return -1;
	ret[size] = 0;
	return 1;
}

bool protected_path_refuses(const struct settings *settings, int dir_fd, const char *path, bool is_moved)
{
	char base[PATH_MAX] = "";
	char full[PATH_MAX];
	char real[PATH_MAX];
	const int found = !*path ? 0 : path[0] == '/' ? 1 : find_base(dir_fd, path, base);

	if (found <= 0)
		return found < 0;
	if (snprintf(full, sizeof(full), "%s%s%s", base, path[0] == '/' ? "" : "/", path) >= (int)sizeof(full))
		return !is_name_too_long(path);
	if (is_protected(settings, full, is_moved))
		return true;
	switch (resolve(full, real)) {
	case RESOLVED:
		return is_protected(settings, real, is_moved) || is_in_known(real);
	case RESOLVED_NOWHERE:
		return false;
	case RESOLVED_UNKNOWN:
		break;
	}
	return true;
}

struct anywhere {
	const struct settings *settings;
	const char *path;
	bool is_refused;
};

static int try_directory(const char *name, void *arg, struct err *err)
{
	struct anywhere *anywhere = arg;
	uint64_t fd;

	if (anywhere->is_refused)
		return 0;
	if (number_parse_u64(name, 0, INT_MAX, &fd, err) < 0)
		return -1;
	anywhere->is_refused = protected_path_refuses(anywhere->settings, (int)fd, anywhere->path, false);
	return 0;
}

bool protected_path_refuses_anywhere(const struct settings *settings, const char *path)
{
	struct anywhere anywhere = {.settings = settings, .path = path};
	struct err err = ERR_INIT;

	if (protected_path_refuses(settings, PROTECTED_PATH_HERE, path, false))
		return true;
	if (path[0] == '/')
		return false;
	return fs_each_entry(OWN_DESCRIPTORS, try_directory, &anywhere, &err) < 0 || anywhere.is_refused;
}
