/* SPDX-License-Identifier: Apache-2.0 */
#include "format/tar_names.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "format/tar.h"

struct tar_name {
	bool is_dir;
	bool is_named; /* false: only implied by a path below it */
	char path[];
};

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct tar_name *)a)->path, ((const struct tar_name *)b)->path);
}

void tar_names_done(struct tar_names *names)
{
	tdestroy(names->tree, free);
	*names = (struct tar_names){0};
}

/* The name as the tree has it: a new one, or one of before (then *ret_is_new is false). */
static int find_or_add(struct tar_names *names, const char *path, size_t size, bool is_dir, struct tar_name **ret,
		       bool *ret_is_new, struct err *err)
{
	scoped(freep) struct tar_name *name = malloc(sizeof(*name) + size + 1);
	struct tar_name **slot;

	if (!name)
		return err_no_memory(err);
	*name = (struct tar_name){.is_dir = is_dir};
	memcpy(name->path, path, size);
	name->path[size] = 0;
	slot = tsearch(name, &names->tree, by_path);
	if (!slot)
		return err_no_memory(err);
	*ret = *slot;
	*ret_is_new = *slot == name;
	if (*ret_is_new)
		name = NULL;
	return 0;
}

static int count_dir(struct tar_names *names, struct err *err)
{
	if (names->dir_count >= TAR_DIRS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d directories", TAR_DIRS_MAX);
	names->dir_count++;
	return 0;
}

static int add_parents(struct tar_names *names, const char *path, struct err *err)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		struct tar_name *name;
		bool is_new;

		if (find_or_add(names, path, (size_t)(slash - path), true, &name, &is_new, err) < 0)
			return -1;
		if (!name->is_dir)
			return err_set(err, ERR_INVALID, "'%s' is a file already, not a directory", name->path);
		if (is_new && count_dir(names, err) < 0)
			return -1;
	}
	return 0;
}

int tar_names_add(struct tar_names *names, const char *path, bool is_dir, struct err *err)
{
	struct tar_name *name;
	bool is_new;

	if (names->entry_count >= TAR_ENTRIES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d entries", TAR_ENTRIES_MAX);
	if (add_parents(names, path, err) < 0 ||
	    find_or_add(names, path, strlen(path), is_dir, &name, &is_new, err) < 0)
		return -1;
	if (name->is_dir != is_dir)
		return err_set(err, ERR_INVALID, "is both a file and a directory");
	if (!is_new && (name->is_named || !is_dir))
		return err_set(err, ERR_INVALID, "is there twice");
	if (is_new && is_dir && count_dir(names, err) < 0)
		return -1;
	name->is_named = true;
	names->entry_count++;
	return 0;
}
