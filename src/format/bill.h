/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bill of an image: path, SHA-256 and size of every file that its enclave may open (docs/formats/bill.md).
 * One canonical JSON text; its SHA-256 is the bill's digest. The parser accepts the canonical text only, byte for
 * byte, so two bills with one meaning have one digest.
 *
 * Paths are relative to the image's root, in ascending byte order, printable ASCII without '"' and '\', no empty, "."
 * or ".." parts. Regular files only: a link of the installed system is billed as the file it leads to.
 */
#ifndef MSE_FORMAT_BILL_H
#define MSE_FORMAT_BILL_H

#include <stdint.h>

#include "base/buf.h"

#define BILL_FILES_MAX 65536
#define BILL_TEXT_MAX (16u << 20)
#define BILL_PATH_MAX 255
#define BILL_IMAGE_MAX 64 /* "NAME:TAG" */
#define BILL_FILE_SIZE_MAX (UINT64_C(1) << 40)

struct bill_file {
	char *path;
	uint8_t sha256[32];
	uint64_t size;
};

struct bill {
	char image[BILL_IMAGE_MAX + 1];
	uint8_t loader[32]; /* SHA-256 of the loader ELF: sim_loader or a libpal.so */
	struct bill_file *files;
	size_t count;
	size_t capacity;
};

must_check int bill_new(const char *image, const uint8_t loader[static 32], struct bill **ret, struct err *err);
void bill_free(struct bill *bill);
DEFINE_SCOPED_PTR(struct bill, bill_free);

/* Copies path. In any order: bill_sort afterwards. */
must_check int bill_add(struct bill *bill, const char *path, const uint8_t sha256[static 32], uint64_t size,
			struct err *err);
/* Orders the files; ERR_CONFLICT names a path that is there twice. */
must_check int bill_sort(struct bill *bill, struct err *err);

/* NULL if the sorted bill has no such path. Owned by bill. */
const struct bill_file *bill_find(const struct bill *bill, const char *path);

/* The canonical text of a sorted bill, appended to ret (give it BILL_TEXT_MAX). No newline at the end. */
must_check int bill_format(const struct bill *bill, struct buf *ret, struct err *err);
must_check int bill_parse(const void *data, size_t size, struct bill **ret, struct err *err);

/* "NAME:TAG": lower-case letters, digits, '.', '_' and '-' on both sides. */
must_check int bill_image_name_check(const char *image, struct err *err);

#endif
