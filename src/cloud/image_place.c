/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/image_place.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/fs.h"

/* A directory of its own for an image without a place, and the image in it. */
static int hide(const char *images_dir, const struct image *image, char **ret_path, struct err *err)
{
	scoped(freep) char *prefix = NULL;
	scoped(freep) char *path = NULL;

	if (asprintf(&prefix, ".%s-", image->name) < 0) {
		prefix = NULL;
		return err_no_memory(err);
	}
	if (fs_make_temp_dir(images_dir, prefix, &path, err) < 0)
		return -1;
	fault_point("image-hide:before");
	/* Onto the empty directory, which no other can be. */
	if (rename(image->dir, path) < 0)
		return err_set_errno(err, "cannot rename '%s' to '%s'", image->dir, path);
	fault_point("image-hide:after");
	*ret_path = TAKE_PTR(path);
	return 0;
}

static int exchange(const char *hidden, const char *current, struct err *err)
{
	fault_point("image-exchange:before");
	if (renameat2(AT_FDCWD, hidden, AT_FDCWD, current, RENAME_EXCHANGE) < 0)
		return err_set_errno(err, "cannot put '%s' in the place of '%s'", hidden, current);
	fault_point("image-exchange:after");
	return 0;
}

static int take_signature(const struct image *of, const struct image *new, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (new->signature.size == 0)
		return 0;
	if (fs_join(of->dir, IMAGE_SIGNATURE_NAME, &path, err) < 0)
		return -1;
	return fs_write_atomic(path, new->signature.data, new->signature.size, 0644, err);
}

static const struct image *find_kept(const struct images *olds, const struct image *new)
{
	for (size_t i = 0; i < olds->kept_count; i++) {
		if (strcmp(olds->kept[i].name, new->name) == 0 && strcmp(olds->kept[i].digest, new->digest) == 0)
			return &olds->kept[i];
	}
	return NULL;
}

static int put_first(const char *images_dir, const struct image *new, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (fs_join(images_dir, new->name, &path, err) < 0)
		return -1;
	return rename(new->dir, path) < 0 ? err_set_errno(err, "cannot rename '%s' to '%s'", new->dir, path) : 0;
}

int image_place_put(const char *images_dir, const struct images *olds, const struct image *new, struct err *err)
{
	const struct image *kept = find_kept(olds, new);
	scoped(freep) char *hidden = NULL;
	const struct image *old = NULL;
	struct err absent = ERR_INIT;

	if (images_find(olds, new->name, &old, &absent) < 0)
		return put_first(images_dir, new, err);
	if (strcmp(old->digest, new->digest) == 0)
		return take_signature(old, new, err);
	if (kept)
		return take_signature(kept, new, err) < 0 ? -1 : exchange(kept->dir, old->dir, err);
	return hide(images_dir, new, &hidden, err) < 0 ? -1 : exchange(hidden, old->dir, err);
}
