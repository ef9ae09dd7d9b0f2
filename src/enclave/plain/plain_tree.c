/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/plain/plain_tree.h"

#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/scoped.h"

#define TREE_FILES_MAX 20000
#define TREE_DEPTH_MAX 16
#define FNV_PRIME 0x100000001b3ULL

struct tree {
	const struct tree *parent; /* NULL: the application's directory */
	const char *const *patterns;
	const char *dir;
	dev_t device;
	ino_t inode;
	unsigned depth;
	size_t files;
	uint64_t sum;
};

static uint64_t hash(uint64_t sum, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * FNV_PRIME;
	return sum;
}

static int look_at_entry(const char *name, void *arg, struct err *err);

/* A link may lead to a folder that it is in. */
static bool is_within(const struct tree *tree, const struct stat *st)
{
	for (; tree; tree = tree->parent)
		if (tree->device == st->st_dev && tree->inode == st->st_ino)
			return true;
	return false;
}

static int look_at_dir(const char *dir, const struct stat *st, struct tree *tree, struct err *err)
{
	struct tree below = {.parent = tree,
			     .patterns = tree->patterns,
			     .dir = dir,
			     .device = st->st_dev,
			     .inode = st->st_ino,
			     .depth = tree->depth + 1,
			     .files = tree->files};

	if (tree->depth >= TREE_DEPTH_MAX || is_within(tree, st))
		return 0;
	if (fs_each_entry(dir, look_at_entry, &below, err) < 0)
		return -1;
	tree->files = below.files;
	tree->sum += below.sum; /* a sum, since directories come in any order */
	return 0;
}

static bool is_wanted(const struct tree *tree, const char *name)
{
	for (size_t i = 0; tree->patterns[i]; i++)
		if (fnmatch(tree->patterns[i], name, FNM_PERIOD) == 0)
			return true;
	return fnmatch("*.py", name, FNM_PERIOD) == 0;
}

/* What nobody edits, and there may be much of. */
static bool is_skipped(const char *name)
{
	static const char *const names[] = {"__pycache__", "site-packages", "node_modules"};

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return name[0] == '.';
}

static int look_at_entry(const char *name, void *arg, struct err *err)
{
	struct tree *tree = arg;
	scoped(freep) char *path = NULL;
	struct stat st;
	uint64_t sum = 0;

	if (tree->files >= TREE_FILES_MAX)
		return 0;
	if (fs_join(tree->dir, name, &path, err) < 0)
		return -1;
	if (stat(path, &st) < 0)
		return 0; /* gone meanwhile: the next look sees it */
	if (S_ISDIR(st.st_mode) ? is_skipped(name) : !is_wanted(tree, name))
		return 0;
	tree->files++;
	if (S_ISDIR(st.st_mode))
		return look_at_dir(path, &st, tree, err);
	sum = hash(sum + 1, path, strlen(path));
	sum = hash(sum, &st.st_mtim, sizeof(st.st_mtim));
	sum = hash(sum, &st.st_ino, sizeof(st.st_ino));
	tree->sum += hash(sum, &st.st_size, sizeof(st.st_size));
	return 0;
}

uint64_t plain_tree_look(const char *app_dir, const char *const *patterns)
{
	struct tree tree = {.patterns = patterns};
	struct err ignored = ERR_INIT;
	struct stat st;

	if (stat(app_dir, &st) == 0)
		IGNORE_RESULT(look_at_dir(app_dir, &st, &tree, &ignored));
	return tree.sum;
}
