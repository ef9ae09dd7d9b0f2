/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/file_watch.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "crypto/hash.h"

struct walk {
	struct sha256_ctx *hash;
	size_t entries, entries_max;
	unsigned depth;
	bool is_over; /* a limit */
	const char *folder;
};

static void add_path(struct walk *walk, const char *path, const char *name);

static int add_entry(const char *name, void *arg, struct err *err)
{
	struct walk *walk = arg;
	scoped(freep) char *path = NULL;

	walk->is_over |= ++walk->entries > walk->entries_max;
	if (walk->is_over)
		return err_set(err, ERR_LIMIT, "more than can be watched");
	if (fs_join(walk->folder, name, &path, err) < 0)
		return -1;
	add_path(walk, path, name);
	return 0;
}

static void add_folder(struct walk *walk, const char *path)
{
	const char *before = walk->folder;
	struct err ignored = ERR_INIT;

	walk->is_over |= walk->depth == FILE_WATCH_DEPTH_MAX;
	if (walk->is_over)
		return;
	walk->depth++;
	walk->folder = path;
	IGNORE_RESULT(fs_each_entry(path, add_entry, walk, &ignored));
	walk->folder = before;
	walk->depth--;
}

/* name: in a folder; NULL: the path was given. Members one by one: the padding of a struct stat is anything. */
static void add_path(struct walk *walk, const char *path, const char *name)
{
	struct stat info;
	const bool is_there = (name ? lstat(path, &info) : stat(path, &info)) == 0;
	int64_t numbers[8] = {is_there};

	if (is_there) {
		numbers[1] = (int64_t)info.st_dev;
		numbers[2] = (int64_t)info.st_ino;
		numbers[3] = info.st_size;
		numbers[4] = info.st_mtim.tv_sec;
		numbers[5] = info.st_mtim.tv_nsec;
		numbers[6] = info.st_ctim.tv_sec;
		numbers[7] = info.st_ctim.tv_nsec;
	}
	if (is_there && S_ISDIR(info.st_mode) && name && *name == '.')
		return;
	sha256_add(walk->hash, path, strlen(path) + 1);
	sha256_add(walk->hash, numbers, sizeof(numbers));
	if (is_there && S_ISDIR(info.st_mode))
		add_folder(walk, path);
}

void file_watch_add(struct file_watch *watch, const char *path)
{
	if (path && watch->count < FILE_WATCH_PATHS_MAX)
		watch->paths[watch->count++] = path;
}

int file_watch_look(struct file_watch *watch, bool *ret_changed, struct err *err)
{
	struct walk walk = {.hash = sha256_new(), .entries_max = watch->entries_max};
	uint8_t now[SHA256_SIZE];

	if (!walk.entries_max)
		walk.entries_max = FILE_WATCH_ENTRIES_MAX;
	for (size_t i = 0; i < watch->count; i++)
		add_path(&walk, watch->paths[i], NULL);
	sha256_finish(walk.hash, now);
	sha256_free(walk.hash);
	if (walk.is_over)
		return err_set(err, ERR_LIMIT, "more than %zu files, or deeper than %d folders, are too many to watch",
			       walk.entries_max, FILE_WATCH_DEPTH_MAX);
	*ret_changed = memcmp(now, watch->seen, sizeof(now)) != 0;
	memcpy(watch->seen, now, sizeof(now));
	return 0;
}
