/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect_stamp.h"

#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"

#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

struct walk {
	uint64_t sum; /* of all, in whatever order they come */
	size_t files, depth;
	const char *folder;
};

/* FNV-1a: who could make two alike can write the files anyway. */
static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * FNV_PRIME;
	return hash;
}

static void add(struct walk *walk, const char *path, const struct stat *found)
{
	const int64_t fields[] = {
	    (int64_t)found->st_dev,         (int64_t)found->st_ino,         found->st_size,
	    (int64_t)found->st_mode,        (int64_t)found->st_mtim.tv_sec, found->st_mtim.tv_nsec,
	    (int64_t)found->st_ctim.tv_sec, found->st_ctim.tv_nsec};

	walk->sum += mix(mix(FNV_START, path, strlen(path)), fields, sizeof(fields));
	walk->files++;
}

static int add_path(struct walk *walk, const char *path, const struct stat *found, struct err *err);

static int see_entry(const char *name, void *arg, struct err *err)
{
	struct walk *walk = arg;
	scoped(freep) char *path = NULL;
	struct stat found;

	if (fs_join(walk->folder, name, &path, err) < 0)
		return -1;
	if (lstat(path, &found) < 0 || (S_ISDIR(found.st_mode) && *name == '.'))
		return 0; /* gone meanwhile: its folder has changed with it */
	return add_path(walk, path, &found, err);
}

static int add_path(struct walk *walk, const char *path, const struct stat *found, struct err *err)
{
	const char *before = walk->folder;
	struct err ignored = ERR_INIT;
	int status;

	add(walk, path, found);
	if (walk->files > CONNECT_STAMP_FILES_MAX || walk->depth > CONNECT_STAMP_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "more than %d files, or deeper than %d folders, are too many to watch",
			       CONNECT_STAMP_FILES_MAX, CONNECT_STAMP_DEPTH_MAX);
	if (!S_ISDIR(found->st_mode))
		return 0;
	walk->folder = path;
	walk->depth++;
	status = fs_each_entry(path, see_entry, walk, &ignored);
	walk->depth--;
	walk->folder = before;
	if (status < 0 && ignored.code == ERR_LIMIT) {
		*err = ignored;
		return -1;
	}
	return 0; /* a folder that cannot be read says so when it is loaded */
}

int connect_stamp(const char *const *paths, size_t count, uint64_t *ret, struct err *err)
{
	struct walk walk = {0};

	for (size_t i = 0; i < count; i++) {
		struct stat found;

		if (paths[i] && stat(paths[i], &found) == 0 && add_path(&walk, paths[i], &found, err) < 0)
			return -1;
	}
	*ret = walk.sum;
	return 0;
}
