/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "format/tar.h"
#include "format/tar_format.h"

/* Bytes of the UTF-8 sequence at data, 0 if it is none: no overlong form, no surrogate, at most U+10FFFF. */
static size_t utf8_length(const uint8_t *data, size_t size)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const size_t length = data[0] < 0x80             ? 1
			      : (data[0] & 0xe0) == 0xc0 ? 2
			      : (data[0] & 0xf0) == 0xe0 ? 3
			      : (data[0] & 0xf8) == 0xf0 ? 4
							 : 0;
	uint32_t point;

	if (length <= 1)
		return length;
	if (length > size)
		return 0;
	point = data[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((data[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (data[i] & 0x3f);
	}
	return point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff) ? 0 : length;
}

static int check_text(const char *path, size_t size, struct err *err)
{
	for (size_t i = 0; i < size;) {
		const size_t length = utf8_length((const uint8_t *)path + i, size - i);

		if (length == 0)
			return err_set(err, ERR_INVALID, "path is not UTF-8 at byte %zu", i);
		/* '\' would be a separator elsewhere; control bytes deceive whoever reads a list */
		if ((uint8_t)path[i] < 0x20 || path[i] == 0x7f || path[i] == '\\')
			return err_set(err, ERR_INVALID, "path has byte 0x%02x at %zu, which is not allowed",
				       (uint8_t)path[i], i);
		i += length;
	}
	return 0;
}

static int check_part(const char *part, size_t size, struct err *err)
{
	if (size == 0)
		return err_set(err, ERR_INVALID, "path has an empty part");
	if ((size == 1 && part[0] == '.') || (size == 2 && part[0] == '.' && part[1] == '.'))
		return err_set(err, ERR_INVALID, "path has a part '%.*s'", (int)size, part);
	return 0;
}

static int check_parts(const char *path, size_t size, struct err *err)
{
	size_t start = 0;
	size_t depth = 0;

	for (size_t i = 0; i <= size; i++) {
		if (i < size && path[i] != '/')
			continue;
		if (check_part(path + start, i - start, err) < 0)
			return -1;
		if (++depth > TAR_DEPTH_MAX)
			return err_set(err, ERR_LIMIT, "path has more than %d parts", TAR_DEPTH_MAX);
		start = i + 1;
	}
	return 0;
}

int tar_path_check(const char *path, size_t size, struct err *err)
{
	if (size == 0)
		return err_set(err, ERR_INVALID, "path is empty");
	if (size > TAR_PATH_MAX)
		return err_set(err, ERR_LIMIT, "path of %zu bytes, at most %d are allowed", size, TAR_PATH_MAX);
	if (check_text(path, size, err) < 0)
		return -1;
	/* From here on the path can be shown to people. */
	if (path[0] == '/')
		return err_set(err, ERR_INVALID, "'%.*s': path is absolute", (int)size, path);
	if (check_parts(path, size, err) < 0)
		return err_prefix(err, "'%.*s'", (int)size, path);
	return 0;
}

uint32_t tar_header_checksum(const struct tar_header *header)
{
	const uint8_t *bytes = (const uint8_t *)header;
	const size_t from = offsetof(struct tar_header, checksum);
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(*header); i++)
		sum += i >= from && i < from + sizeof(header->checksum) ? ' ' : bytes[i];
	return sum;
}
