/* SPDX-License-Identifier: Apache-2.0 */
#include "image/select.h"

#include <string.h>

#include "base/scoped.h"
#include "base/text.h"

/* Below these only. */
static const char *const trees[] = {"/usr/lib/python3.11/", "/usr/lib/python3/dist-packages/", "/usr/share/zoneinfo/"};

/* Never below or at these. */
static const char *const left_out[] = {
    "/usr/lib/python3.11/EXTERNALLY-MANAGED",
    "/usr/lib/python3.11/LICENSE.txt",
    "/usr/lib/python3.11/__phello__",
    "/usr/lib/python3.11/curses",
    "/usr/lib/python3.11/ensurepip",
    "/usr/lib/python3.11/idlelib",
    "/usr/lib/python3.11/lib2to3",
    "/usr/lib/python3.11/pydoc_data",
    "/usr/lib/python3.11/sitecustomize.py",
    "/usr/lib/python3.11/test",
    "/usr/lib/python3.11/tkinter",
    "/usr/lib/python3.11/turtle.py",
    "/usr/lib/python3.11/turtledemo",
    "/usr/lib/python3.11/venv",
    "/usr/share/zoneinfo/posix",
    "/usr/share/zoneinfo/right",
    "/usr/share/zoneinfo/leapseconds",
    "/usr/share/zoneinfo/leap-seconds.list",
    "/usr/share/zoneinfo/posixrules",
    "/usr/share/zoneinfo/localtime",
};

/* Extension modules that need a terminal, a sound card, NIS or Berkeley DB, or are tests. */
static const char *const left_out_modules[] = {"_crypt",      "_ctypes_test", "_curses",  "_dbm",
					       "_test",       "_tkinter",     "_xxtest",  "nis.",
					       "ossaudiodev", "readline",     "xxlimited"};

/* Directories and file name endings left out everywhere. */
static const char *const left_out_dirs[] = {"/tests/", "/__pycache__/", "/werkzeug/debug/shared/"};
static const char *const left_out_ends[] = {".a",
					    ".c",
					    ".h",
					    ".md",
					    ".pyc",
					    ".pyi",
					    ".rst",
					    ".tab",
					    ".txt.gz",
					    "/RECORD",
					    ".zi",
					    "/WHEEL",
					    "/py.typed",
					    "/dependency_links.txt",
					    "/requires.txt",
					    "/SOURCES.txt",
					    "/zip-safe",
					    "/INSTALLER"};

static bool is_at_or_below(const char *path, const char *place)
{
	const size_t size = strlen(place);

	return strncmp(path, place, size) == 0 && (path[size] == 0 || path[size] == '/');
}

static bool is_left_out_module(const char *path)
{
	static const char dir[] = "/usr/lib/python3.11/lib-dynload/";

	if (strncmp(path, dir, strlen(dir)) != 0)
		return false;
	for (size_t i = 0; i < COUNT_OF(left_out_modules); i++) {
		if (strncmp(path + strlen(dir), left_out_modules[i], strlen(left_out_modules[i])) == 0)
			return true;
	}
	return false;
}

static bool is_in_a_tree(const char *path)
{
	for (size_t i = 0; i < COUNT_OF(trees); i++) {
		if (strncmp(path, trees[i], strlen(trees[i])) == 0)
			return true;
	}
	return false;
}

bool select_wants(const char *path)
{
	if (!is_in_a_tree(path) || is_left_out_module(path))
		return false;
	for (size_t i = 0; i < COUNT_OF(left_out); i++) {
		if (is_at_or_below(path, left_out[i]))
			return false;
	}
	for (size_t i = 0; i < COUNT_OF(left_out_dirs); i++) {
		if (strstr(path, left_out_dirs[i]))
			return false;
	}
	for (size_t i = 0; i < COUNT_OF(left_out_ends); i++) {
		if (text_ends_with(path, left_out_ends[i]))
			return false;
	}
	return true;
}
