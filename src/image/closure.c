/* SPDX-License-Identifier: Apache-2.0 */
#include "image/closure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "image/elf_needed.h"

#define ELF_FILE_MAX (256u << 20)
#define LIBRARY_DIR "usr/lib/x86_64-linux-gnu"
#define DYNAMIC_LOADER "ld-linux-x86-64.so.2"

/* Where Debian keeps libraries; the loader's own defaults in this order. */
static const char *const search_dirs[] = {"/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib", "/lib"};

struct closure {
	struct plan *plan;
	char *names[CLOSURE_LIBRARIES_MAX]; /* found so far, in order */
	size_t count;
};

static void closure_done(struct closure *closure)
{
	for (size_t i = 0; i < closure->count; i++)
		free(closure->names[i]);
}

static bool is_known(const struct closure *closure, const char *name)
{
	for (size_t i = 0; i < closure->count; i++) {
		if (strcmp(closure->names[i], name) == 0)
			return true;
	}
	return false;
}

/* The file that the dynamic loader would take for name. Caller frees. */
static int find_library(const char *name, char **ret, struct err *err)
{
	if (strchr(name, '/'))
		return err_set(err, ERR_INVALID, "library '%s' is named by a path", name);
	for (size_t i = 0; i < COUNT_OF(search_dirs); i++) {
		scoped(freep) char *path = NULL;

		if (fs_join(search_dirs[i], name, &path, err) < 0)
			return -1;
		if (fs_exists(path)) {
			*ret = TAKE_PTR(path);
			return 0;
		}
	}
	return err_set(err, ERR_NOT_FOUND, "library '%s' is not installed", name);
}

/* Notes name and adds it to the plan, unless it is there. */
static int need(const char *name, void *arg, struct err *err)
{
	struct closure *closure = arg;
	scoped(freep) char *source = NULL;
	char path[BILL_PATH_MAX + 1];
	const char *dir = strcmp(name, DYNAMIC_LOADER) == 0 ? "usr/lib64" : LIBRARY_DIR;

	if (is_known(closure, name))
		return 0;
	if (closure->count == CLOSURE_LIBRARIES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d libraries", CLOSURE_LIBRARIES_MAX);
	if (find_library(name, &source, err) < 0)
		return -1;
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return err_set(err, ERR_LIMIT, "library name '%.80s…' is too long", name);
	if (plan_add_file(closure->plan, path, source, err) < 0)
		return -1;
	closure->names[closure->count] = strdup(name);
	if (!closure->names[closure->count])
		return err_no_memory(err);
	closure->count++;
	return 0;
}

static int need_those_of(struct closure *closure, const char *file, struct err *err)
{
	scoped(buf_done) struct buf data = BUF_INIT(ELF_FILE_MAX);

	if (fs_read(file, &data, err) < 0)
		return -1;
	if (elf_needed_each(data.data, data.size, need, closure, err) < 0)
		return err_prefix(err, "'%s'", file);
	return 0;
}

/* plan grows while libraries are found: their own needs are read when their turn comes. */
static int follow(struct closure *closure, struct err *err)
{
	for (size_t i = 0; i < closure->plan->count; i++) {
		const char *source = closure->plan->items[i].source;

		if (source && strstr(closure->plan->items[i].path, ".so") && need_those_of(closure, source, err) < 0)
			return -1;
	}
	return 0;
}

int closure_add(struct plan *plan, const char *program, struct err *err)
{
	scoped(closure_done) struct closure closure = {.plan = plan};

	/* glibc loads libgcc_s by name when a thread is ended; the program names its own loader, not as a library */
	if (need(DYNAMIC_LOADER, &closure, err) < 0 || need("libgcc_s.so.1", &closure, err) < 0 ||
	    need_those_of(&closure, program, err) < 0)
		return -1;
	return follow(&closure, err);
}
