/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "image/image.h"

#define PIECE_SIZE (256u << 10)

static int read_fd(void *arg, void *data, size_t size, size_t *ret_size, struct err *err)
{
	const int fd = *(const int *)arg;

	for (;;) {
		const ssize_t got = read(fd, data, size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, "cannot read the code tar");
		*ret_size = (size_t)got;
		return 0;
	}
}

struct tar_source image_fd_source(int *fd)
{
	return (struct tar_source){.read = read_fd, .arg = fd};
}

/* Makes path's parents, and path itself if it is a directory. The reader has refused links, "..", and clashes. */
static int make_dirs(int root, const struct tar_entry *entry, struct err *err)
{
	char path[TAR_PATH_MAX + 2];
	const size_t size = strlen(entry->path);

	memcpy(path, entry->path, size);
	path[size] = entry->is_dir ? '/' : 0;
	path[size + 1] = 0;
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdirat(root, path, 0755) < 0 && errno != EEXIST)
			return err_set_errno(err, "cannot create directory '%s'", path);
		*slash = '/';
	}
	return 0;
}

static int write_file(struct tar_reader *reader, int root, const struct tar_entry *entry, uint8_t *piece,
		      struct err *err)
{
	scoped(fd_closep) int fd =
	    openat(root, entry->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	size_t size;

	if (fd < 0)
		return err_set_errno(err, "cannot create '%s'", entry->path);
	do {
		if (tar_read(reader, piece, PIECE_SIZE, &size, err) < 0)
			return -1;
		if (fd_write_all(fd, piece, size, err) < 0)
			return err_prefix(err, "'%s'", entry->path);
	} while (size > 0);
	return 0;
}

static int unpack(struct tar_source source, int root, struct err *err)
{
	scoped(tar_reader_freep) struct tar_reader *reader = NULL;
	scoped(freep) uint8_t *piece = malloc(PIECE_SIZE);
	struct tar_entry entry;
	int status;

	if (!piece)
		return err_no_memory(err);
	if (tar_reader_new(source, &reader, err) < 0)
		return -1;
	while ((status = tar_next(reader, &entry, err)) > 0) {
		if (make_dirs(root, &entry, err) < 0)
			return -1;
		if (!entry.is_dir && write_file(reader, root, &entry, piece, err) < 0)
			return -1;
	}
	return status;
}

int image_unpack_code(struct tar_source source, const char *dest_dir, struct err *err)
{
	struct err ignored = ERR_INIT;

	if (mkdir(dest_dir, 0755) < 0)
		return err_set_errno(err, "cannot create directory '%s'", dest_dir);
	scoped(fd_closep) int root = open(dest_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0 || unpack(source, root, err) < 0) {
		if (root < 0)
			(void)err_set_errno(err, "cannot open directory '%s'", dest_dir);
		IGNORE_RESULT(fs_remove_tree(dest_dir, &ignored));
		return -1;
	}
	return 0;
}
