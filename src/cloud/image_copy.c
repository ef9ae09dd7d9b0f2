/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/image_copy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/spawn.h"
#include "cloud/files.h"
#include "cloud/images.h"
#include "crypto/hash.h"

#define OUTPUT_MAX 65536

static int check_file(const char *root, const struct bill_file *file, struct err *err)
{
	scoped(freep) char *path = NULL;
	uint8_t hash[SHA256_SIZE];
	uint64_t size;

	if (fs_join(root, file->path, &path, err) < 0 || sha256_file(path, hash, &size, err) < 0)
		return -1;
	if (size != file->size || memcmp(hash, file->sha256, sizeof(hash)) != 0)
		return err_set(err, ERR_UNTRUSTED, "'%s' differs from its bill", path);
	return 0;
}

/* Links and empty directories of the root are not in the bill, so the tree is copied as it is. */
static int copy_tree(const char *from, const char *to, struct err *err)
{
	const char *const argv[] = {"cp", "-a", "--reflink=auto", "--", from, to, NULL};
	scoped(buf_done) struct buf output = BUF_INIT(OUTPUT_MAX);
	int status;

	if (spawn_capture(argv, true, &output, &status, err) < 0)
		return -1;
	if (status != 0)
		return err_set(err, ERR_IO, "cannot copy '%s': %.300s", from, buf_text(&output));
	return 0;
}

static int copy_image(const struct image *image, const char *data_dir, struct err *err)
{
	scoped(freep) char *dir = NULL;
	scoped(freep) char *root = NULL;
	scoped(freep) char *bill_path = NULL;
	scoped(freep) char *signature_path = NULL;

	for (size_t i = 0; i < image->bill->count; i++)
		if (check_file(image->root, &image->bill->files[i], err) < 0)
			return err_prefix(err, "image %s", image->name);
	if (file_path(data_dir, &dir, err, FILE_IMAGES "/%s", image->name) < 0 || fs_make_dirs(dir, 0700, err) < 0 ||
	    fs_join(dir, "root", &root, err) < 0 || fs_join(dir, "bill.json", &bill_path, err) < 0 ||
	    copy_tree(image->root, root, err) < 0)
		return -1;
	if (fs_write_new(bill_path, image->bill_text.data, image->bill_text.size, 0644, err) < 0)
		return -1;
	if (!image->signature.size)
		return 0;
	if (fs_join(dir, IMAGE_SIGNATURE_NAME, &signature_path, err) < 0)
		return -1;
	return fs_write_new(signature_path, image->signature.data, image->signature.size, 0644, err);
}

/* images_load wants the data directory: the parent when images/ itself was named. */
static int parent_of(const char *from, char **ret, struct err *err)
{
	scoped(freep) char *real = realpath(from, NULL);
	char *slash;

	if (!real)
		return err_set_errno(err, "cannot resolve '%s'", from);
	slash = strrchr(real, '/');
	if (slash && strcmp(slash + 1, FILE_IMAGES) == 0)
		*slash = 0;
	*ret = TAKE_PTR(real);
	return 0;
}

int image_copy_all(const char *from, const char *only, const char *data_dir, struct err *err)
{
	scoped(images_freep) struct images *images = NULL;
	scoped(freep) char *parent = NULL;
	size_t copied = 0;

	if (parent_of(from, &parent, err) < 0 || images_load(parent, &images, err) < 0)
		return -1;
	for (size_t i = 0; i < images->count; i++) {
		if (only && strcmp(only, images->items[i].name) != 0)
			continue;
		if (copy_image(&images->items[i], data_dir, err) < 0)
			return -1;
		(void)printf("  image %s (from %s)\n", images->items[i].name, from);
		copied++;
	}
	return copied ? 0 : err_set(err, ERR_NOT_FOUND, "there is no %s in '%s'", only ? only : "image", from);
}
