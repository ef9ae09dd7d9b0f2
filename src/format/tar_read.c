/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/number.h"
#include "format/tar.h"
#include "format/tar_format.h"
#include "format/tar_names.h"

#define AHEAD_SIZE (64u << 10)
#define EXTENSION_MAX (16u << 10) /* bytes of a pax or GNU header's content */

struct tar_reader {
	struct tar_source source;
	uint64_t offset; /* bytes consumed */
	uint64_t left;   /* of the current file */
	size_t padding;  /* after it */
	size_t ahead_at, ahead_end;
	bool is_ended;
	bool has_long_path; /* long_path is for the next entry */
	char long_path[TAR_PATH_MAX + 1];
	struct tar_names names;
	uint8_t ahead[AHEAD_SIZE];
};

int tar_reader_new(struct tar_source source, struct tar_reader **ret, struct err *err)
{
	struct tar_reader *reader = malloc(sizeof(*reader));

	if (!reader)
		return err_no_memory(err);
	memset(reader, 0, offsetof(struct tar_reader, ahead));
	reader->source = source;
	*ret = reader;
	return 0;
}

void tar_reader_free(struct tar_reader *reader)
{
	if (!reader)
		return;
	tar_names_done(&reader->names);
	free(reader);
}

/* At most size bytes, 0 only at the source's end. */
static int take_some(struct tar_reader *reader, void *data, size_t size, size_t *ret_size, struct err *err)
{
	size_t part;

	if (reader->ahead_at == reader->ahead_end) {
		size_t filled = 0;

		if (reader->source.read(reader->source.arg, reader->ahead, AHEAD_SIZE, &filled, err) < 0)
			return -1;
		reader->ahead_at = 0;
		reader->ahead_end = filled;
	}
	part = size_min(size, reader->ahead_end - reader->ahead_at);
	if (part > TAR_TOTAL_MAX - reader->offset)
		return err_set(err, ERR_LIMIT, "tar is larger than %llu bytes", (unsigned long long)TAR_TOTAL_MAX);
	if (data && part)
		memcpy(data, reader->ahead + reader->ahead_at, part);
	reader->ahead_at += part;
	reader->offset += part;
	*ret_size = part;
	return 0;
}

/* Exactly size bytes; data NULL skips them. */
static int take(struct tar_reader *reader, void *data, uint64_t size, struct err *err)
{
	uint8_t *at = data;

	while (size > 0) {
		size_t part;

		if (take_some(reader, at, (size_t)(size < AHEAD_SIZE ? size : AHEAD_SIZE), &part, err) < 0)
			return -1;
		if (part == 0)
			return err_set(err, ERR_INVALID, "tar is truncated at byte %llu",
				       (unsigned long long)reader->offset);
		size -= part;
		if (at)
			at += part;
	}
	return 0;
}

/* Octal digits, blanks before, blank or zero byte after. Base-256 numbers are for sizes far above our maximum. */
static int parse_octal(const char *field, size_t size, const char *name, uint64_t *ret, struct err *err)
{
	uint64_t value = 0;
	size_t at = 0;
	size_t digits = 0;

	while (at < size && field[at] == ' ')
		at++;
	for (; at < size && field[at] >= '0' && field[at] <= '7'; at++, digits++)
		value = value << 3 | (uint64_t)(field[at] - '0'); /* at most 12 digits: 36 bits */
	for (; at < size && (field[at] == ' ' || field[at] == 0); at++)
		;
	if (digits == 0 || at < size)
		return err_set(err, ERR_INVALID, "header field '%s' is not an octal number", name);
	*ret = value;
	return 0;
}

static int check_header(const struct tar_header *header, uint64_t *ret_size, struct err *err)
{
	uint64_t sum;

	if (parse_octal(header->checksum, sizeof(header->checksum), "checksum", &sum, err) < 0)
		return -1;
	if (sum != tar_header_checksum(header))
		return err_set(err, ERR_INVALID, "header checksum %llu, expected %u", (unsigned long long)sum,
			       tar_header_checksum(header));
	if (memcmp(header->magic, "ustar", 5) != 0 || (header->magic[5] != 0 && header->magic[5] != ' '))
		return err_set(err, ERR_INVALID, "header is not ustar");
	return parse_octal(header->size, sizeof(header->size), "size", ret_size, err);
}

static int refuse_type(char type, struct err *err)
{
	static const struct {
		char type;
		const char *name;
	} names[] = {{'1', "hard link"}, {'2', "symbolic link"}, {'3', "device"},
		     {'4', "device"},    {'6', "named pipe"},    {TAR_TYPE_PAX_GLOBAL, "global pax header"}};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (names[i].type == type)
			return err_set(err, ERR_INVALID, "is a %s, only files and directories are allowed",
				       names[i].name);
	}
	return err_set(err, ERR_INVALID, "has type 0x%02x, only files and directories are allowed", (uint8_t)type);
}

/* ---- long names ---- */

static int set_long_path(struct tar_reader *reader, const char *path, size_t size, struct err *err)
{
	if (reader->has_long_path)
		return err_set(err, ERR_INVALID, "two long names for one entry");
	while (size > 1 && path[size - 1] == '/') /* of a directory */
		size--;
	if (tar_path_check(path, size, err) < 0)
		return -1;
	memcpy(reader->long_path, path, size);
	reader->long_path[size] = 0;
	reader->has_long_path = true;
	return 0;
}

/* Keys whose values say nothing about path or content. */
static bool is_harmless_key(const char *key, size_t size)
{
	static const char *const keys[] = {"mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment"};

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		if (strlen(keys[i]) == size && memcmp(keys[i], key, size) == 0)
			return true;
	}
	return false;
}

static int apply_record(struct tar_reader *reader, const char *record, size_t size, struct err *err)
{
	const char *equals = memchr(record, '=', size);
	const size_t key_size = equals ? (size_t)(equals - record) : 0;

	if (!equals)
		return err_set(err, ERR_INVALID, "pax record without '='");
	if (key_size == 4 && memcmp(record, "path", 4) == 0)
		return set_long_path(reader, equals + 1, size - key_size - 1, err);
	if (!is_harmless_key(record, key_size))
		return err_set(err, ERR_INVALID, "pax record of %zu bytes with a key that is not allowed", size);
	return 0;
}

/* "LENGTH KEY=VALUE\n": LENGTH counts the whole record. */
static int apply_records(struct tar_reader *reader, const char *data, size_t size, struct err *err)
{
	size_t at = 0;

	while (at < size) {
		size_t length = 0;
		size_t digits = 0;

		for (; at + digits < size && digits < 6 && data[at + digits] >= '0' && data[at + digits] <= '9';
		     digits++)
			length = length * 10 + (size_t)(data[at + digits] - '0');
		if (digits == 0 || length < digits + 2 || length > size - at || data[at + digits] != ' ' ||
		    data[at + length - 1] != '\n')
			return err_set(err, ERR_INVALID, "pax header is malformed at byte %zu", at);
		if (apply_record(reader, data + at + digits + 1, length - digits - 2, err) < 0)
			return -1;
		at += length;
	}
	return 0;
}

static int read_extension(struct tar_reader *reader, char type, uint64_t size, struct err *err)
{
	char data[EXTENSION_MAX];
	const size_t padded = (size_t)((size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK);

	if (size > EXTENSION_MAX)
		return err_set(err, ERR_LIMIT, "extension header of %llu bytes, at most %u are read",
			       (unsigned long long)size, EXTENSION_MAX);
	if (take(reader, data, padded, err) < 0)
		return -1;
	if (type == TAR_TYPE_PAX)
		return apply_records(reader, data, (size_t)size, err);
	return set_long_path(reader, data, strnlen(data, (size_t)size), err);
}

/* ---- entries ---- */

static int take_path(struct tar_reader *reader, const struct tar_header *header, char ret[static TAR_PATH_MAX + 2],
		     struct err *err)
{
	const size_t prefix_size =
	    header->magic[5] == 0 ? strnlen(header->prefix, sizeof(header->prefix)) : 0; /* GNU: times are there */
	const size_t name_size = strnlen(header->name, sizeof(header->name));
	size_t size = 0;

	if (reader->has_long_path) {
		memcpy(ret, reader->long_path, sizeof(reader->long_path));
		reader->has_long_path = false;
		return 0;
	}
	if (prefix_size) {
		memcpy(ret, header->prefix, prefix_size);
		ret[prefix_size] = '/';
		size = prefix_size + 1;
	}
	memcpy(ret + size, header->name, name_size); /* 155 + 1 + 100 bytes at most */
	size += name_size;
	if (header->type == TAR_TYPE_DIR && size > 1 && ret[size - 1] == '/')
		size--;
	ret[size] = 0;
	return tar_path_check(ret, size, err);
}

static int make_entry(struct tar_reader *reader, const struct tar_header *header, uint64_t size, struct tar_entry *ret,
		      struct err *err)
{
	char path[TAR_PATH_MAX + 2];
	struct tar_entry entry = {.size = size, .is_dir = header->type == TAR_TYPE_DIR};

	if (take_path(reader, header, path, err) < 0)
		return -1;
	if (header->type != TAR_TYPE_FILE && header->type != TAR_TYPE_FILE_OLD && !entry.is_dir) {
		(void)refuse_type(header->type, err);
		return err_prefix(err, "'%s'", path);
	}
	if (entry.is_dir && size != 0)
		return err_set(err, ERR_INVALID, "'%s': a directory with content", path);
	if (size > TAR_FILE_MAX)
		return err_set(err, ERR_LIMIT, "'%s': %llu bytes, at most %llu are allowed", path,
			       (unsigned long long)size, (unsigned long long)TAR_FILE_MAX);
	if (tar_names_add(&reader->names, path, entry.is_dir, err) < 0)
		return err_prefix(err, "'%s'", path);
	memcpy(entry.path, path, sizeof(entry.path));
	reader->left = size;
	reader->padding = (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
	*ret = entry;
	return 0;
}

static bool is_zero(const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

/* After the first zero block: a second one, then nothing but zeros. */
static int take_end(struct tar_reader *reader, struct err *err)
{
	uint8_t block[TAR_BLOCK];
	size_t size;

	if (reader->has_long_path)
		return err_set(err, ERR_INVALID, "long name without an entry");
	if (take(reader, block, sizeof(block), err) < 0)
		return -1;
	for (size = sizeof(block); size > 0;) {
		if (!is_zero(block, size))
			return err_set(err, ERR_INVALID, "data after the end");
		if (take_some(reader, block, sizeof(block), &size, err) < 0)
			return -1;
	}
	reader->is_ended = true;
	return 0;
}

static int next(struct tar_reader *reader, struct tar_entry *ret, struct err *err)
{
	struct tar_header header;
	uint64_t size;

	if (take(reader, NULL, reader->left + reader->padding, err) < 0)
		return -1;
	reader->left = 0;
	reader->padding = 0;
	for (;;) {
		if (take(reader, &header, sizeof(header), err) < 0)
			return -1;
		if (is_zero(&header, sizeof(header)))
			return take_end(reader, err);
		if (check_header(&header, &size, err) < 0)
			return -1;
		if (header.type != TAR_TYPE_PAX && header.type != TAR_TYPE_GNU_LONG_NAME)
			return make_entry(reader, &header, size, ret, err) < 0 ? -1 : 1;
		if (read_extension(reader, header.type, size, err) < 0)
			return -1;
	}
}

int tar_next(struct tar_reader *reader, struct tar_entry *ret, struct err *err)
{
	int status;

	if (reader->is_ended)
		return 0;
	status = next(reader, ret, err);
	if (status < 0)
		return err_prefix(err, "code tar, before byte %llu", (unsigned long long)reader->offset);
	return status;
}

int tar_read(struct tar_reader *reader, void *data, size_t size, size_t *ret_size, struct err *err)
{
	size_t part;

	if (reader->left == 0 || size == 0) {
		*ret_size = 0;
		return 0;
	}
	if (take_some(reader, data, (size_t)(size < reader->left ? size : reader->left), &part, err) < 0)
		return -1;
	if (part == 0)
		return err_set(err, ERR_INVALID, "code tar is truncated at byte %llu",
			       (unsigned long long)reader->offset);
	reader->left -= part;
	*ret_size = part;
	return 0;
}
