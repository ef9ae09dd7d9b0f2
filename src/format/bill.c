/* SPDX-License-Identifier: Apache-2.0 */
#include "format/bill.h"

#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "format/bill_reader.h"
#include "format/hex.h"

#define CAPACITY_FIRST 64

static bool is_name_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' ||
	       byte == '-';
}

int bill_image_name_check(const char *image, struct err *err)
{
	const size_t size = strnlen(image, BILL_IMAGE_MAX + 1);
	size_t colons = 0;

	if (size > BILL_IMAGE_MAX)
		return err_set(err, ERR_LIMIT, "image name '%.64s…' has more than %d bytes", image, BILL_IMAGE_MAX);
	for (size_t i = 0; i < size; i++) {
		const bool is_colon = image[i] == ':' && i > 0 && image[i + 1];

		if (!is_colon && !is_name_byte(image[i]))
			return err_set(err, ERR_INVALID, "image name '%s' is not of the form NAME:TAG", image);
		colons += is_colon;
	}
	if (colons != 1)
		return err_set(err, ERR_INVALID, "image name '%s' is not of the form NAME:TAG", image);
	return 0;
}

/* Printable ASCII that needs no escape in JSON. */
static int check_path(const char *path, struct err *err)
{
	const size_t size = strnlen(path, BILL_PATH_MAX + 1);

	if (size > BILL_PATH_MAX)
		return err_set(err, ERR_LIMIT, "path '%.80s…' has more than %d bytes", path, BILL_PATH_MAX);
	for (size_t i = 0; i < size; i++) {
		if (path[i] < 0x20 || path[i] > 0x7e || path[i] == '"' || path[i] == '\\')
			return err_set(err, ERR_INVALID, "path has byte 0x%02x at %zu, which is not allowed",
				       (uint8_t)path[i], i);
	}
	for (const char *part = path;; part++) {
		const size_t length = strcspn(part, "/");

		if (length == 0 || (length == 1 && part[0] == '.') || (length == 2 && memcmp(part, "..", 2) == 0))
			return err_set(err, ERR_INVALID, "path '%s' has an empty, '.' or '..' part", path);
		part += length;
		if (!*part)
			return 0;
	}
}

int bill_new(const char *image, const uint8_t loader[static 32], struct bill **ret, struct err *err)
{
	struct bill *bill;

	if (bill_image_name_check(image, err) < 0)
		return -1;
	bill = calloc(1, sizeof(*bill));
	if (!bill)
		return err_no_memory(err);
	memcpy(bill->image, image, strlen(image));
	memcpy(bill->loader, loader, sizeof(bill->loader));
	*ret = bill;
	return 0;
}

void bill_free(struct bill *bill)
{
	if (!bill)
		return;
	for (size_t i = 0; i < bill->count; i++)
		free(bill->files[i].path);
	free(bill->files);
	free(bill);
}

static int make_room(struct bill *bill, struct err *err)
{
	const size_t capacity = bill->capacity ? 2 * bill->capacity : CAPACITY_FIRST;
	struct bill_file *files;

	if (bill->count < bill->capacity)
		return 0;
	files = reallocarray(bill->files, capacity, sizeof(*files));
	if (!files)
		return err_no_memory(err);
	bill->files = files;
	bill->capacity = capacity;
	return 0;
}

int bill_add(struct bill *bill, const char *path, const uint8_t sha256[static 32], uint64_t size, struct err *err)
{
	struct bill_file *file;

	if (check_path(path, err) < 0)
		return -1;
	if (bill->count >= BILL_FILES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d files", BILL_FILES_MAX);
	if (size > BILL_FILE_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "'%s' has %llu bytes, more than can be billed", path,
			       (unsigned long long)size);
	if (make_room(bill, err) < 0)
		return -1;
	file = &bill->files[bill->count];
	file->path = strdup(path);
	if (!file->path)
		return err_no_memory(err);
	memcpy(file->sha256, sha256, sizeof(file->sha256));
	file->size = size;
	bill->count++;
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct bill_file *)a)->path, ((const struct bill_file *)b)->path);
}

int bill_sort(struct bill *bill, struct err *err)
{
	if (bill->count)
		qsort(bill->files, bill->count, sizeof(*bill->files), by_path);
	for (size_t i = 1; i < bill->count; i++) {
		if (strcmp(bill->files[i - 1].path, bill->files[i].path) == 0)
			return err_set(err, ERR_CONFLICT, "'%s' is there twice", bill->files[i].path);
	}
	return 0;
}

const struct bill_file *bill_find(const struct bill *bill, const char *path)
{
	size_t low = 0;
	size_t high = bill->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = strcmp(path, bill->files[middle].path);

		if (order == 0)
			return &bill->files[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static int format_file(const struct bill_file *file, struct buf *ret, struct err *err)
{
	char hex[HEX_TEXT_SIZE(32)];

	hex_encode(file->sha256, sizeof(file->sha256), hex);
	return buf_addf(ret, err, "{\"path\":\"%s\",\"sha256\":\"%s\",\"size\":%llu}", file->path, hex,
			(unsigned long long)file->size);
}

int bill_format(const struct bill *bill, struct buf *ret, struct err *err)
{
	char hex[HEX_TEXT_SIZE(32)];

	hex_encode(bill->loader, sizeof(bill->loader), hex);
	if (buf_addf(ret, err, "{\"version\":1,\"image\":\"%s\",\"loader\":{\"sha256\":\"%s\"},\"files\":[",
		     bill->image, hex) < 0)
		return -1;
	for (size_t i = 0; i < bill->count; i++) {
		if ((i && buf_add_byte(ret, ',', err) < 0) || format_file(&bill->files[i], ret, err) < 0)
			return -1;
	}
	return buf_add_text(ret, "]}", err);
}

/* ---- parsing: the canonical text and no other ---- */

static int parse_file(struct bill_reader *reader, struct bill *bill, struct err *err)
{
	char path[BILL_PATH_MAX + 1];
	uint8_t sha256[32];
	uint64_t size;

	if (bill_reader_expect(reader, "{\"path\":\"", err) < 0 ||
	    bill_reader_text(reader, path, sizeof(path), err) < 0 ||
	    bill_reader_expect(reader, ",\"sha256\":\"", err) < 0 || bill_reader_hex(reader, sha256, 32, err) < 0 ||
	    bill_reader_expect(reader, ",\"size\":", err) < 0 ||
	    bill_reader_number(reader, BILL_FILE_SIZE_MAX, &size, err) < 0 || bill_reader_expect(reader, "}", err) < 0)
		return -1;
	if (bill->count && strcmp(bill->files[bill->count - 1].path, path) >= 0)
		return err_set(err, ERR_INVALID, "'%s' is not after '%s'", path, bill->files[bill->count - 1].path);
	return bill_add(bill, path, sha256, size, err);
}

static int parse_files(struct bill_reader *reader, struct bill *bill, struct err *err)
{
	if (bill_reader_next_is(reader, ']'))
		return bill_reader_expect(reader, "]}", err);
	for (;;) {
		if (parse_file(reader, bill, err) < 0)
			return -1;
		if (!bill_reader_next_is(reader, ','))
			return bill_reader_expect(reader, "]}", err);
		if (bill_reader_expect(reader, ",", err) < 0)
			return -1;
	}
}

static int parse(struct bill_reader *reader, struct bill **ret, struct err *err)
{
	scoped(bill_freep) struct bill *bill = NULL;
	char image[BILL_IMAGE_MAX + 1];
	uint8_t loader[32];

	if (bill_reader_expect(reader, "{\"version\":1,\"image\":\"", err) < 0 ||
	    bill_reader_text(reader, image, sizeof(image), err) < 0 ||
	    bill_reader_expect(reader, ",\"loader\":{\"sha256\":\"", err) < 0 ||
	    bill_reader_hex(reader, loader, sizeof(loader), err) < 0 ||
	    bill_reader_expect(reader, "},\"files\":[", err) < 0 || bill_new(image, loader, &bill, err) < 0 ||
	    parse_files(reader, bill, err) < 0 || bill_reader_end(reader, err) < 0)
		return -1;
	*ret = TAKE_PTR(bill);
	return 0;
}

int bill_parse(const void *data, size_t size, struct bill **ret, struct err *err)
{
	struct bill_reader reader = {.data = data, .size = size};

	if (size > BILL_TEXT_MAX)
		return err_set(err, ERR_LIMIT, "bill of %zu bytes, at most %u are read", size, BILL_TEXT_MAX);
	if (parse(&reader, ret, err) < 0)
		return err_prefix(err, "bill, byte %zu", reader.at);
	return 0;
}
