/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/file_watch.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "crypto/hash.h"

struct walk {
	struct sha256_ctx *hash;
	size_t entries;
	unsigned depth;
	const char *folder;
};

static void add_path(struct walk *walk, const char *path, bool follow);

static int add_entry(const char *name, void *arg, struct err *err)
{
	struct walk *walk = arg;
	scoped(freep) char *path = NULL;

	if (++walk->entries > FILE_WATCH_ENTRIES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d entries", FILE_WATCH_ENTRIES_MAX);
	if (fs_join(walk->folder, name, &path, err) < 0)
		return -1;
	add_path(walk, path, false);
	return 0;
}

static void add_folder(struct walk *walk, const char *path)
{
	const char *before = walk->folder;
	struct err ignored = ERR_INIT;

	if (walk->depth == FILE_WATCH_DEPTH_MAX)
		return;
	walk->depth++;
	walk->folder = path;
	IGNORE_RESULT(fs_each_entry(path, add_entry, walk, &ignored));
	walk->folder = before;
	walk->depth--;
}

/* Members one by one: the padding of a struct stat is anything. */
static void add_path(struct walk *walk, const char *path, bool follow)
{
	struct stat info;
	const bool is_there = (follow ? stat(path, &info) : lstat(path, &info)) == 0;
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

bool file_watch_changed(struct file_watch *watch)
{
	struct walk walk = {.hash = sha256_new()};
	uint8_t now[SHA256_SIZE];
	bool changed;

	for (size_t i = 0; i < watch->count; i++)
		add_path(&walk, watch->paths[i], true);
	sha256_finish(walk.hash, now);
	sha256_free(walk.hash);
	changed = memcmp(now, watch->seen, sizeof(now)) != 0;
	memcpy(watch->seen, now, sizeof(now));
	return changed;
}
