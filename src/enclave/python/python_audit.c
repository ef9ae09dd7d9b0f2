/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/python/python_audit.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/scoped.h"
#include "enclave/python/protected_path.h"
#include "format/hex.h"

#define PATH_ARGUMENTS_MAX 2 /* os.rename, os.link and others name two */
#define NO 0                 /* no argument says what the path is relative to */
#define SQLITE_SCHEME "file:"

/* Events that carry paths in their first arguments, and which arguments are the directories' descriptors. */
static const struct path_event {
	const char *name;
	int dir_fds[PATH_ARGUMENTS_MAX];
	bool is_moving; /* what lies below a path goes with it */
} path_events[] = {
    {"os.chdir", {NO, NO}, false},    {"os.chflags", {NO, NO}, false},     {"os.chmod", {2, NO}, false},
    {"os.chown", {3, NO}, false},     {"os.getxattr", {NO, NO}, false},    {"os.link", {2, 3}, false},
    {"os.listdir", {NO, NO}, false},  {"os.listxattr", {NO, NO}, false},   {"os.lockf", {NO, NO}, false},
    {"os.mkdir", {2, NO}, false},     {"os.mkfifo", {1, NO}, false},       {"os.mknod", {1, NO}, false},
    {"os.remove", {1, NO}, false},    {"os.removexattr", {NO, NO}, false}, {"os.rename", {2, 3}, true},
    {"os.rmdir", {1, NO}, false},     {"os.scandir", {NO, NO}, false},     {"os.setxattr", {NO, NO}, false},
    {"os.symlink", {NO, 2}, false},   {"os.truncate", {NO, NO}, false},    {"os.utime", {3, NO}, false},
    {"os.walk", {NO, NO}, false},     {"os.fwalk", {NO, NO}, false},       {"shutil.copyfile", {NO, NO}, false},
    {"shutil.move", {NO, NO}, true},  {"shutil.rmtree", {NO, NO}, false},  {"shutil.unpack_archive", {NO, NO}, false},
    {"socket.bind", {NO, NO}, false}, {"ctypes.dlopen", {NO, NO}, false},
};

static const char *const process_events[] = {"os.fork",  "os.forkpty", "os.exec",          "os.posix_spawn",
					     "os.spawn", "os.system",  "subprocess.Popen", "pty.spawn"};

bool python_audit_refuses(const struct settings *settings, const char *path)
{
	return protected_path_refuses(settings, PROTECTED_PATH_HERE, path, false);
}

static bool is_process_event(const char *event)
{
	for (size_t i = 0; i < COUNT_OF(process_events); i++) {
		if (strcmp(event, process_events[i]) == 0)
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
 * "open" comes with a text, bytes or a number; io.FileIO passes on whatever object it was given, which may tell another
 * path each time it is asked. open() and os.open() have asked it by then. os.open alone takes a directory's descriptor,
 * which its event does not tell: whatever directory is open is tried.
 */
static int check_open(const struct settings *settings, PyObject *args)
{
	PyObject *const target = PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0) : Py_None;
	PyObject *holder = NULL;
	const bool is_os_open = PyTuple_GET_SIZE(args) > 1 && PyTuple_GET_ITEM(args, 1) == Py_None;
	const char *path;
	bool is_refused;

	if (PyLong_Check(target) || target == Py_None)
		return 0;
	path = path_text(target, &holder);
	if (!path)
		return refuse("open", "of a path that is neither str nor bytes");
	is_refused =
	    is_os_open ? protected_path_refuses_anywhere(settings, path) : python_audit_refuses(settings, path);
	Py_XDECREF(holder);
	return is_refused ? refuse("open", "of the runtime's own file") : 0;
}

static int dir_fd_of(PyObject *args, int at)
{
	PyObject *const object = at != NO && at < PyTuple_GET_SIZE(args) ? PyTuple_GET_ITEM(args, at) : Py_None;
	const long fd = PyLong_Check(object) ? PyLong_AsLong(object) : PROTECTED_PATH_HERE;

	if (fd == -1 && PyErr_Occurred())
		PyErr_Clear();
	return fd >= 0 && fd <= INT_MAX ? (int)fd : PROTECTED_PATH_HERE;
}

static int check_paths(const struct settings *settings, const struct path_event *event, PyObject *args)
{
	const Py_ssize_t count = PyTuple_GET_SIZE(args);

	for (Py_ssize_t i = 0; i < count && i < PATH_ARGUMENTS_MAX; i++) {
		PyObject *holder = NULL;
		const char *path = path_text(PyTuple_GET_ITEM(args, i), &holder);
		const bool is_refused = path && protected_path_refuses(settings, dir_fd_of(args, event->dir_fds[i]),
								       path, event->is_moving);

		Py_XDECREF(holder);
		if (is_refused)
			return refuse(event->name, "of the runtime's own file");
	}
	return 0;
}

/* A database may be named by a URI: its path comes behind an authority, has %XX in it and ends before a query. */
static void unquote(char *text)
{
	char *to = text;

	for (const char *from = text; *from && *from != '?' && *from != '#'; to++) {
		const char digits[3] = {from[0] == '%' ? from[1] : 0, from[0] == '%' && from[1] ? from[2] : 0, 0};
		struct err err = ERR_INIT;
		uint8_t byte;

		if (strlen(digits) == 2 && hex_decode(digits, 2, &byte, 1, &err) == 0) {
			*to = (char)byte;
			from += 3;
		} else {
			*to = *from++;
		}
	}
	*to = 0;
}

static bool is_uri_refused(const struct settings *settings, const char *rest)
{
	scoped(freep) char *copy = strdup(rest);
	char *path = copy && strncmp(copy, "//", 2) == 0 ? strchr(copy + 2, '/') : copy;

	if (!path)
		return true;
	unquote(path);
	return python_audit_refuses(settings, path);
}

static int check_database(const struct settings *settings, PyObject *args)
{
	PyObject *holder = NULL;
	const char *text = PyTuple_GET_SIZE(args) > 0 ? path_text(PyTuple_GET_ITEM(args, 0), &holder) : NULL;
	bool is_refused = text && python_audit_refuses(settings, text);

	if (text && strncmp(text, SQLITE_SCHEME, strlen(SQLITE_SCHEME)) == 0)
		is_refused = is_refused || is_uri_refused(settings, text + strlen(SQLITE_SCHEME));
	Py_XDECREF(holder);
	return is_refused ? refuse("sqlite3.connect", "of the runtime's own file") : 0;
}

/* Called for every audited event; most are none of ours. arg is the settings. */
static int audit(const char *event, PyObject *args, void *arg)
{
	if (is_process_event(event))
		return refuse(event, "(no other processes)");
	if (!PyTuple_Check(args))
		return 0;
	if (strcmp(event, "open") == 0)
		return check_open(arg, args);
	if (strcmp(event, "sqlite3.connect") == 0)
		return check_database(arg, args);
	for (size_t i = 0; i < COUNT_OF(path_events); i++) {
		if (strcmp(event, path_events[i].name) == 0)
			return check_paths(arg, &path_events[i], args);
	}
	return 0;
}

int python_audit_install(const struct settings *settings, struct err *err)
{
	protected_path_learn(settings);
	if (PySys_AddAuditHook(audit, (void *)settings) < 0)
		return err_set(err, ERR_INTERNAL, "python: cannot set the audit hook");
	return 0;
}
