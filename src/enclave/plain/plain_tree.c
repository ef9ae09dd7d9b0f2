/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/plain/plain_tree.h"

#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/scoped.h"

#define TREE_FILES_MAX 20000
#define TREE_DEPTH_MAX 16
#define FNV_PRIME 0x100000001b3ULL

struct tree {
	const char *dir;
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

static int look_at_dir(const char *dir, unsigned depth, struct tree *tree, struct err *err)
{
	struct tree below = {.dir = dir, .depth = depth, .files = tree->files};

	if (fs_each_entry(dir, look_at_entry, &below, err) < 0)
		return -1;
	tree->files = below.files;
	tree->sum += below.sum; /* a sum, since directories come in any order */
	return 0;
}

static bool is_source(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && strcmp(dot, ".py") == 0;
}

static int look_at_entry(const char *name, void *arg, struct err *err)
{
	struct tree *tree = arg;
	scoped(freep) char *path = NULL;
	struct stat st;
	uint64_t sum = 0;

	if (name[0] == '.' || strcmp(name, "__pycache__") == 0 || tree->files >= TREE_FILES_MAX)
		return 0;
	if (fs_join(tree->dir, name, &path, err) < 0)
		return -1;
	if (lstat(path, &st) < 0)
		return 0; /* gone meanwhile: the next look sees it */
	if (S_ISDIR(st.st_mode))
		return tree->depth < TREE_DEPTH_MAX ? look_at_dir(path, tree->depth + 1, tree, err) : 0;
	if (!is_source(name))
		return 0;
	tree->files++;
	sum = hash(sum + 1, path, strlen(path));
	sum = hash(sum, &st.st_mtim, sizeof(st.st_mtim));
	tree->sum += hash(sum, &st.st_size, sizeof(st.st_size));
	return 0;
}

uint64_t plain_tree_look(const char *app_dir)
{
	struct tree tree = {0};
	struct err ignored = ERR_INIT;

	IGNORE_RESULT(look_at_dir(app_dir, 0, &tree, &ignored));
	return tree.sum;
}
