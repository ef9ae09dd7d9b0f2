/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "format/tar.h"
#include "format/tar_format.h"

/* "LENGTH path=PATH\n" where LENGTH counts itself: at most 3 digits for TAR_PATH_MAX */
#define PAX_RECORD_MAX (TAR_PATH_MAX + 16)

static const uint8_t zero_block[TAR_BLOCK];

void tar_writer_init(struct tar_writer *writer, struct tar_sink sink)
{
	*writer = (struct tar_writer){.sink = sink};
}

static int emit(struct tar_writer *writer, const void *data, size_t size, struct err *err)
{
	if (size > TAR_TOTAL_MAX - writer->total)
		return err_set(err, ERR_LIMIT, "tar is larger than %llu bytes", (unsigned long long)TAR_TOTAL_MAX);
	if (writer->sink.write(writer->sink.arg, data, size, err) < 0)
		return -1;
	writer->total += size;
	return 0;
}

static int emit_padding(struct tar_writer *writer, uint64_t size, struct err *err)
{
	const size_t over = (size_t)(size % TAR_BLOCK);

	return over ? emit(writer, zero_block, TAR_BLOCK - over, err) : 0;
}

/* Everything but name and prefix is fixed: mode 0644, owner 0, time 0. */
static void fill_header(struct tar_header *header, char type, uint64_t size)
{
	char text[16];

	memcpy(header->mode, "0000644", 8);
	memcpy(header->uid, "0000000", 8);
	memcpy(header->gid, "0000000", 8);
	(void)snprintf(text, sizeof(text), "%011llo", (unsigned long long)size);
	memcpy(header->size, text, 12);
	memcpy(header->mtime, "00000000000", 12);
	header->type = type;
	memcpy(header->magic, "ustar", 6);
	memcpy(header->version, "00", 2);
	memcpy(header->device_major, "0000000", 8);
	memcpy(header->device_minor, "0000000", 8);
	(void)snprintf(text, sizeof(text), "%06o", tar_header_checksum(header));
	memcpy(header->checksum, text, 7);
	header->checksum[7] = ' ';
}

/* Where ustar can split path into prefix and name: the first slash that leaves at most 100 bytes. NULL if nowhere. */
static const char *split_at(const char *path, size_t size)
{
	const char *slash = size > 100 ? memchr(path + size - 101, '/', 101) : NULL;

	return slash && (size_t)(slash - path) <= sizeof(((struct tar_header *)0)->prefix) && slash[1] ? slash : NULL;
}

static int emit_header(struct tar_writer *writer, const char *path, char type, uint64_t size, struct err *err)
{
	struct tar_header header = {.type = 0};
	const size_t path_size = strlen(path);
	const char *slash = split_at(path, path_size);

	if (slash) {
		memcpy(header.prefix, path, (size_t)(slash - path));
		memcpy(header.name, slash + 1, path_size - (size_t)(slash + 1 - path));
	} else {
		memcpy(header.name, path, path_size < sizeof(header.name) ? path_size : sizeof(header.name));
	}
	fill_header(&header, type, size);
	return emit(writer, &header, sizeof(header), err);
}

/* A pax header with the path alone, for what split_at cannot do. */
static int emit_long_path(struct tar_writer *writer, const char *path, struct err *err)
{
	char record[PAX_RECORD_MAX];
	const size_t rest = strlen(" path=\n") + strlen(path);
	const int size = snprintf(record, sizeof(record), "%zu path=%s\n", rest + 3, path);

	if (size < 0 || emit_header(writer, "path", TAR_TYPE_PAX, (uint64_t)size, err) < 0 ||
	    emit(writer, record, (size_t)size, err) < 0)
		return -1;
	return emit_padding(writer, (uint64_t)size, err);
}

static int check_file(const struct tar_writer *writer, const char *path, uint64_t size, struct err *err)
{
	if (writer->left)
		return err_set(err, ERR_INTERNAL, "'%s' begins while %llu bytes of '%s' are due", path,
			       (unsigned long long)writer->left, writer->last_path);
	if (tar_path_check(path, strlen(path), err) < 0)
		return -1;
	if (writer->count && strcmp(path, writer->last_path) <= 0)
		return err_set(err, ERR_INVALID, "path is not after '%s'", writer->last_path);
	if (writer->count >= TAR_ENTRIES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d files", TAR_ENTRIES_MAX);
	if (size > TAR_FILE_MAX)
		return err_set(err, ERR_LIMIT, "%llu bytes, at most %llu are allowed", (unsigned long long)size,
			       (unsigned long long)TAR_FILE_MAX);
	return 0;
}

int tar_write_file(struct tar_writer *writer, const char *path, uint64_t size, struct err *err)
{
	const size_t path_size = strlen(path);

	if (check_file(writer, path, size, err) < 0)
		return err_prefix(err, "'%.*s'", TAR_PATH_MAX, path);
	if (path_size > sizeof(((struct tar_header *)0)->name) && !split_at(path, path_size) &&
	    emit_long_path(writer, path, err) < 0)
		return -1;
	if (emit_header(writer, path, TAR_TYPE_FILE, size, err) < 0)
		return -1;
	memcpy(writer->last_path, path, path_size + 1);
	writer->count++;
	writer->file_size = size;
	writer->left = size;
	return 0;
}

int tar_write_data(struct tar_writer *writer, const void *data, size_t size, struct err *err)
{
	if (size > writer->left)
		return err_set(err, ERR_INTERNAL, "'%s' has more than the %llu bytes that were declared",
			       writer->last_path, (unsigned long long)writer->file_size);
	if (size == 0)
		return 0;
	if (emit(writer, data, size, err) < 0)
		return -1;
	writer->left -= size;
	return writer->left ? 0 : emit_padding(writer, writer->file_size, err);
}

int tar_write_end(struct tar_writer *writer, struct err *err)
{
	if (writer->left)
		return err_set(err, ERR_INTERNAL, "%llu bytes of '%s' are due", (unsigned long long)writer->left,
			       writer->last_path);
	if (emit(writer, zero_block, TAR_BLOCK, err) < 0)
		return -1;
	return emit(writer, zero_block, TAR_BLOCK, err);
}
