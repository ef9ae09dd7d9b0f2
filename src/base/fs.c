/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define REMOVE_TREE_FDS 32

int fs_read(const char *path, struct buf *ret, struct err *err)
{
	struct stat info;
	/* A pipe in its place must not hold us up before it is refused. */
	scoped(fd_closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return err_set_errno(err, "cannot open '%s'", path);
	if (fstat(fd, &info) < 0)
		return err_set_errno(err, "cannot look at '%s'", path);
	if (!S_ISREG(info.st_mode))
		return err_set(err, ERR_INVALID, "'%s' is not a regular file", path);
	if (buf_read_fd(ret, fd, err) < 0)
		return err_prefix(err, "'%s'", path);
	return 0;
}

static int write_whole(int fd, const char *path, const void *data, size_t size, bool synced, struct err *err)
{
	if (fd_write_all(fd, data, size, err) < 0)
		return err_prefix(err, "'%s'", path);
	if (synced && fsync(fd) < 0)
		return err_set_errno(err, "cannot sync '%s'", path);
	return 0;
}

/* The directory part of path, "." if it has none. Caller frees; NULL when out of memory. */
static char *dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

int fs_sync_dir(const char *path, struct err *err)
{
	scoped(fd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_set_errno(err, "cannot sync directory '%s'", path);
	return 0;
}

int fs_sync_all(const char *path, struct err *err)
{
	scoped(fd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(fd) < 0)
		return err_set_errno(err, "cannot sync the file system of '%s'", path);
	return 0;
}

static int sync_parent(const char *path, struct err *err)
{
	scoped(freep) char *dir = dir_of(path);

	return dir ? fs_sync_dir(dir, err) : err_no_memory(err);
}

/* One replacement of a file. */
struct replacement {
	const char *path;
	const void *data;
	size_t size;
	mode_t mode;
	bool synced;
};

static int replace(const struct replacement *with, const char *temp, int fd, struct err *err)
{
	if (fchmod(fd, with->mode) < 0)
		return err_set_errno(err, "cannot set the mode of '%s'", temp);
	if (write_whole(fd, temp, with->data, with->size, with->synced, err) < 0)
		return -1;
	if (rename(temp, with->path) < 0)
		return err_set_errno(err, "cannot rename '%s' to '%s'", temp, with->path);
	return 0;
}

static int write_and_rename(const struct replacement *with, struct err *err)
{
	scoped(freep) char *temp = NULL;

	if (asprintf(&temp, "%s.tmp-XXXXXX", with->path) < 0) {
		temp = NULL;
		return err_no_memory(err);
	}
	scoped(fd_closep) int fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, "cannot create '%s'", temp);
	if (replace(with, temp, fd, err) < 0) {
		(void)unlink(temp);
		return -1;
	}
	return 0;
}

int fs_write_atomic(const char *path, const void *data, size_t size, mode_t mode, struct err *err)
{
	if (write_and_rename(&(struct replacement){path, data, size, mode, .synced = true}, err) < 0)
		return -1;
	return sync_parent(path, err);
}

int fs_write_replace(const char *path, const void *data, size_t size, mode_t mode, struct err *err)
{
	return write_and_rename(&(struct replacement){path, data, size, mode, .synced = false}, err);
}

int fs_write_new(const char *path, const void *data, size_t size, mode_t mode, struct err *err)
{
	scoped(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0 && errno == EEXIST)
		return err_set(err, ERR_CONFLICT, "'%s' exists", path);
	if (fd < 0)
		return err_set_errno(err, "cannot create '%s'", path);
	if (write_whole(fd, path, data, size, true, err) < 0) {
		(void)unlink(path);
		return -1;
	}
	return sync_parent(path, err);
}

static int make_dir(const char *path, mode_t mode, struct err *err)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return err_set_errno(err, "cannot create directory '%s'", path);
	return 0;
}

int fs_make_dirs(const char *path, mode_t mode, struct err *err)
{
	scoped(freep) char *copy = strdup(path);

	if (!copy)
		return err_no_memory(err);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (make_dir(copy, mode, err) < 0)
			return -1;
		*slash = '/';
	}
	if (make_dir(copy, mode, err) < 0)
		return -1;
	if (!fs_is_dir(path))
		return err_set(err, ERR_CONFLICT, "'%s' exists and is not a directory", path);
	return 0;
}

int fs_make_temp_dir(const char *dir, const char *prefix, char **ret_path, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (asprintf(&path, "%s/%sXXXXXX", dir, prefix) < 0) {
		path = NULL;
		return err_no_memory(err);
	}
	if (!mkdtemp(path))
		return err_set_errno(err, "cannot create a directory in '%s'", dir);
	*ret_path = TAKE_PTR(path);
	return 0;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)info;
	(void)type;
	(void)where;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int fs_remove_tree(const char *path, struct err *err)
{
	if (nftw(path, remove_one, REMOVE_TREE_FDS, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
		return err_set_errno(err, "cannot remove '%s'", path);
	return 0;
}

bool fs_exists(const char *path)
{
	struct stat info;

	return lstat(path, &info) == 0;
}

bool fs_is_dir(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

int fs_join(const char *dir, const char *name, char **ret_path, struct err *err)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return err_no_memory(err);
	*ret_path = path;
	return 0;
}

int fs_expand(const char *path, const char *base_dir, char **ret_path, struct err *err)
{
	const char *home = getenv("HOME");
	char *copy;

	if (path[0] == '~' && (path[1] == '/' || !path[1])) {
		if (!home)
			return err_set(err, ERR_INVALID, "'%s' needs HOME, which is not set", path);
		return fs_join(home, path[1] ? path + 2 : "", ret_path, err);
	}
	if (path[0] != '/' && base_dir)
		return fs_join(base_dir, path, ret_path, err);
	copy = strdup(path);
	if (!copy)
		return err_no_memory(err);
	*ret_path = copy;
	return 0;
}

static int not_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

int fs_each_entry(const char *dir, int (*visit)(const char *name, void *arg, struct err *err), void *arg,
		  struct err *err)
{
	struct dirent **entries;
	const int count = scandir(dir, &entries, not_dots, by_bytes);
	int status = 0;

	if (count < 0)
		return err_set_errno(err, "cannot read directory '%s'", dir);
	for (int i = 0; i < count; i++) {
		if (status == 0)
			status = visit(entries[i]->d_name, arg, err) < 0 ? -1 : 0;
		free(entries[i]);
	}
	free(entries);
	return status;
}
