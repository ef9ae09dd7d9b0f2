/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code tar: uncompressed POSIX ustar (docs/formats/code-tar.md). The writer is deterministic: the same paths and
 * contents give the same bytes. The reader is strict, because it is fed by strangers: regular files and directories
 * only, relative paths without empty, "." or ".." parts, no path twice, no file where another path wants a directory.
 * Both stream through a callback; memory does not grow with contents.
 *
 * Long names: the writer uses ustar's prefix field and, where that cannot hold the path, one pax header with the path
 * alone. The reader also takes GNU long names and the pax headers that Python's tarfile writes.
 */
#ifndef MSE_FORMAT_TAR_H
#define MSE_FORMAT_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define TAR_PATH_MAX 255                  /* bytes of a path, without a zero byte */
#define TAR_ENTRIES_MAX 10000             /* entries: files and named directories */
#define TAR_DIRS_MAX 10000                /* directories, named or implied by paths */
#define TAR_TOTAL_MAX (UINT64_C(2) << 30) /* bytes of the whole tar */
#define TAR_FILE_MAX TAR_TOTAL_MAX        /* bytes of one file */
#define TAR_DEPTH_MAX 64                  /* parts of a path */

/* ---- writing ---- */

struct tar_sink {
	int (*write)(void *arg, const void *data, size_t size, struct err *err); /* all of it, or -1 with err */
	void *arg;
};

struct tar_writer {
	struct tar_sink sink;
	uint64_t total;     /* bytes written to the sink */
	uint64_t left;      /* bytes the current file still needs */
	uint64_t file_size; /* of the current file */
	size_t count;
	char last_path[TAR_PATH_MAX + 1];
};

void tar_writer_init(struct tar_writer *writer, struct tar_sink sink);
/* Paths must come in strictly ascending byte order (strcmp): ERR_INVALID else. Exactly size bytes of data follow. */
must_check int tar_write_file(struct tar_writer *writer, const char *path, uint64_t size, struct err *err);
must_check int tar_write_data(struct tar_writer *writer, const void *data, size_t size, struct err *err);
/* Two zero blocks; nothing else is padded. */
must_check int tar_write_end(struct tar_writer *writer, struct err *err);

/* ERR_INVALID with the reason unless path may stand in a code tar: see the top. Also valid UTF-8, no control bytes. */
must_check int tar_path_check(const char *path, size_t size, struct err *err);

/* ---- reading ---- */

struct tar_source {
	/* 1..size bytes in *ret_size, or 0 at the end */
	int (*read)(void *arg, void *data, size_t size, size_t *ret_size, struct err *err);
	void *arg;
};

struct tar_entry {
	char path[TAR_PATH_MAX + 1]; /* without a slash at the end */
	uint64_t size;               /* 0 for a directory */
	bool is_dir;
};

struct tar_reader;

must_check int tar_reader_new(struct tar_source source, struct tar_reader **ret, struct err *err);
void tar_reader_free(struct tar_reader *reader);
DEFINE_SCOPED_PTR(struct tar_reader, tar_reader_free);

/*
 * 1 and the next entry, or 0 at the end (which must be two zero blocks, then zeros only). What is left of the entry
 * before is skipped. ERR_INVALID or ERR_LIMIT names the entry and the byte offset.
 */
must_check int tar_next(struct tar_reader *reader, struct tar_entry *ret, struct err *err);

/* The next bytes of the current file: *ret_size of at most size, 0 at its end. */
must_check int tar_read(struct tar_reader *reader, void *data, size_t size, size_t *ret_size, struct err *err);

/* A source over bytes in memory, which it consumes; image/image.h has one over a descriptor. */
struct tar_memory {
	const uint8_t *data;
	size_t size;
};
struct tar_source tar_source_memory(struct tar_memory *memory);

#endif
