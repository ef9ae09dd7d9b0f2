/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/python_audit.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

#define OWN_DESCRIPTORS "/proc/self/fd"
#define PATH_ARGUMENTS_MAX 2 /* os.rename, os.link and others name two */

/* Events that carry paths in their first arguments. */
static const char *const path_events[] = {
    "open",
    "os.chdir",
    "os.chflags",
    "os.chmod",
    "os.chown",
    "os.getxattr",
    "os.link",
    "os.listdir",
    "os.listxattr",
    "os.lockf",
    "os.mkdir",
    "os.remove",
    "os.removexattr",
    "os.rename",
    "os.rmdir",
    "os.scandir",
    "os.setxattr",
    "os.symlink",
    "os.truncate",
    "os.utime",
    "os.walk",
    "os.fwalk",
    "shutil.copyfile",
    "shutil.move",
    "shutil.rmtree",
    "shutil.unpack_archive",
    "sqlite3.connect",
    "ctypes.dlopen",
};

static const char *const process_events[] = {"os.fork",  "os.forkpty", "os.exec",          "os.posix_spawn",
					     "os.spawn", "os.system",  "subprocess.Popen", "pty.spawn"};

/* Fixed trees; those of the settings are added in is_protected. */
static const char *const protected_dirs[] = {"/dev/attestation", "/sys/kernel/config", "/sys/kernel/security"};

/* Harmless files of a process that libraries do read. */
static const char *const proc_allowed[] = {"status", "stat",      "statm",  "cmdline", "limits",
					   "cgroup", "mountinfo", "mounts", "comm"};

/* The same trees by what the system knows them by: another name (a mount, a root directory) leads to the same ones. */
#define KNOWN_MAX 8
static struct known {
	dev_t device;
	ino_t inode;
} known[KNOWN_MAX];
static size_t known_count; /* set before the interpreter starts */

static bool is_known(const struct stat *info)
{
	for (size_t i = 0; i < known_count; i++) {
		if (known[i].device == info->st_dev && known[i].inode == info->st_ino)
			return true;
	}
	return false;
}

static bool is_same(const char *path, const struct stat *info)
{
	struct stat other;

	return stat(path, &other) == 0 && other.st_dev == info->st_dev && other.st_ino == info->st_ino;
}

/* Gramine's own files have no numbers (inode 0): there the path alone counts. */
static void know(const char *path)
{
	struct stat info;

	if (!*path || known_count == KNOWN_MAX || stat(path, &info) < 0 || info.st_ino == 0 || is_same("/", &info) ||
	    is_known(&info))
		return;
	known[known_count++] = (struct known){info.st_dev, info.st_ino};
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

static bool is_within(const char *path, const char *dir)
{
	const size_t size = strlen(dir);

	return size > 0 && strncmp(path, dir, size) == 0 && (path[size] == 0 || path[size] == '/');
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

static bool is_protected_dir(const char *path, const char *dir)
{
	char real[PATH_MAX];

	return is_within(path, dir) || (realpath(dir, real) && is_within(path, real));
}

static bool is_protected(const struct settings *settings, const char *path)
{
	const char *const own_dirs[] = {settings->state_path, settings->instance_path, settings->code_path,
					settings->listen_path};

	for (size_t i = 0; i < COUNT_OF(protected_dirs); i++) {
		if (is_within(path, protected_dirs[i]))
			return true;
	}
	for (size_t i = 0; i < COUNT_OF(own_dirs); i++) {
		if (is_protected_dir(path, own_dirs[i]))
			return true;
	}
	return is_process_file(path);
}

/* The real path, or for a file that does not exist yet the real path of its directory with the name. */
static bool resolve(const char *path, char ret[static PATH_MAX])
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t used;

	if (realpath(path, ret))
		return true;
	if (snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".") >=
	    (int)sizeof(parent))
		return false;
	if (!realpath(parent, ret))
		return false;
	used = strlen(ret);
	return snprintf(ret + used, PATH_MAX - used, "/%s", slash ? slash + 1 : path) < (int)(PATH_MAX - used);
}

/*
 * A relative path may be meant relative to a directory descriptor, which the event does not tell. So names that only
 * lead to protected files are refused wherever they seem to be.
 */
static bool is_suspicious_relative(const char *path)
{
	const size_t size = strlen(path);
	const char *const endings[] = {"sealed.bin", "user_report_data", "target_info", "proc/self/mem"};

	if (path[0] == '/')
		return false;
	for (size_t i = 0; i < COUNT_OF(endings); i++) {
		const size_t end = strlen(endings[i]);

		if (size >= end && strcmp(path + size - end, endings[i]) == 0 &&
		    (size == end || path[size - end - 1] == '/'))
			return true;
	}
	return strncmp(path, "attestation/", strlen("attestation/")) == 0 || strstr(path, "/attestation/") ||
	       strncmp(path, "proc/", strlen("proc/")) == 0 || strcmp(path, "mem") == 0;
}

bool python_audit_refuses(const struct settings *settings, const char *path)
{
	char real[PATH_MAX];

	if (is_protected(settings, path) || is_suspicious_relative(path))
		return true;
	/* What cannot be resolved cannot be opened either: its directory does not exist. */
	return resolve(path, real) && (is_protected(settings, real) || is_in_known(real));
}

static bool is_event(const char *event, const char *const *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(event, rows[i]) == 0)
			return true;
	}
	return false;
}

/* The bytes of a path argument, NULL if it is none. Borrowed from *ret_holder. */
static const char *path_text(PyObject *argument, PyObject **ret_holder)
{
	if (PyUnicode_Check(argument))
		*ret_holder = PyUnicode_EncodeFSDefault(argument);
	else if (PyBytes_Check(argument))
		*ret_holder = Py_NewRef(argument);
	else
		return NULL;
	if (!*ret_holder) {
		PyErr_Clear();
		return NULL;
	}
	return PyBytes_AS_STRING(*ret_holder);
}

static int refuse(const char *event, const char *what)
{
	PyErr_Format(PyExc_PermissionError, "not available in an enclave: %s %s", event, what);
	return -1;
}

/*
 * os.open alone takes a directory's descriptor, which its event does not tell: whatever directory is open is tried.
 */
struct behind {
	const struct settings *settings;
	const char *path;
	bool is_refused;
};

static int try_directory(const char *name, void *arg, struct err *err)
{
	struct behind *behind = arg;
	char link[64], path[2 * PATH_MAX];
	ssize_t size;

	(void)err;
	if (behind->is_refused || snprintf(link, sizeof(link), OWN_DESCRIPTORS "/%s", name) >= (int)sizeof(link))
		return 0;
	size = readlink(link, path, PATH_MAX - 1);
	if (size <= 0 || path[0] != '/')
		return 0; /* a socket or a pipe */
	(void)snprintf(path + size, sizeof(path) - (size_t)size, "/%s", behind->path);
	behind->is_refused = python_audit_refuses(behind->settings, path);
	return 0;
}

static bool is_refused_behind_descriptors(const struct settings *settings, const char *path)
{
	struct behind behind = {.settings = settings, .path = path};
	struct err err = ERR_INIT;

	if (path[0] == '/')
		return false;
	return fs_each_entry(OWN_DESCRIPTORS, try_directory, &behind, &err) < 0 || behind.is_refused;
}

/*
 * "open" comes with a text, bytes or a number; io.FileIO passes on whatever object it was given, which may tell another
 * path each time it is asked. open() and os.open() have asked it by then.
 */
static int check_open(const struct settings *settings, PyObject *args)
{
	PyObject *const target = PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0) : Py_None;
	PyObject *holder = NULL;
	const bool may_be_behind = PyTuple_GET_SIZE(args) > 1 && PyTuple_GET_ITEM(args, 1) == Py_None; /* os.open */
	const char *path;
	bool is_refused;

	if (PyLong_Check(target) || target == Py_None)
		return 0;
	path = path_text(target, &holder);
	if (!path)
		return refuse("open", "of a path that is neither str nor bytes");
	is_refused =
	    python_audit_refuses(settings, path) || (may_be_behind && is_refused_behind_descriptors(settings, path));
	Py_XDECREF(holder);
	return is_refused ? refuse("open", "of the runtime's own file") : 0;
}

static int check_paths(const struct settings *settings, const char *event, PyObject *args)
{
	const Py_ssize_t count = PyTuple_Check(args) ? PyTuple_GET_SIZE(args) : 0;

	for (Py_ssize_t i = 0; i < count && i < PATH_ARGUMENTS_MAX; i++) {
		PyObject *holder = NULL;
		const char *path = path_text(PyTuple_GET_ITEM(args, i), &holder);
		const bool is_refused = path && python_audit_refuses(settings, path);

		Py_XDECREF(holder);
		if (is_refused)
			return refuse(event, "of the runtime's own file");
	}
	return 0;
}

/* Called for every audited event; most are none of ours. arg is the settings. */
static int audit(const char *event, PyObject *args, void *arg)
{
	if (is_event(event, process_events, COUNT_OF(process_events)))
		return refuse(event, "(no other processes)");
	if (strcmp(event, "open") == 0 && PyTuple_Check(args))
		return check_open(arg, args);
	if (is_event(event, path_events, COUNT_OF(path_events)))
		return check_paths(arg, event, args);
	return 0;
}

int python_audit_install(const struct settings *settings, struct err *err)
{
	const char *const own[] = {settings->state_path, settings->instance_path, settings->code_path,
				   settings->listen_path};

	for (size_t i = 0; i < COUNT_OF(protected_dirs); i++)
		know(protected_dirs[i]);
	for (size_t i = 0; i < COUNT_OF(own); i++)
		know(own[i]);
	if (PySys_AddAuditHook(audit, (void *)settings) < 0)
		return err_set(err, ERR_INTERNAL, "python: cannot set the audit hook");
	return 0;
}
