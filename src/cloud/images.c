/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/images.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "cloud/files.h"
#include "crypto/hash.h"
#include "format/bill_signature.h"
#include "format/hex.h"

#define BILL_FILE "bill.json"
#define KEPT_ROOM_FIRST 16

/* A publisher's signature is optional. One for another bill helps nobody: the operator is told. */
static int load_signature(const char *dir, struct image *image, const uint8_t digest[static SHA256_SIZE],
			  struct err *err)
{
	scoped(freep) char *path = NULL;
	struct bill_signature signature;

	image->signature = BUF_INIT(BILL_SIGNATURE_TEXT_MAX);
	if (fs_join(dir, IMAGE_SIGNATURE_NAME, &path, err) < 0)
		return -1;
	if (!fs_exists(path))
		return 0;
	if (fs_read(path, &image->signature, err) < 0)
		return -1;
	if (bill_signature_parse(image->signature.data, image->signature.size, &signature, err) < 0)
		return err_prefix(err, "'%s'", path);
	if (memcmp(signature.bill, digest, sizeof(signature.bill)) != 0)
		return err_set(err, ERR_INVALID, "'%s' signs another bill than the one beside it", path);
	return 0;
}

static int load_image(const char *dir, struct image *image, struct err *err)
{
	scoped(freep) char *bill_path = NULL;
	uint8_t digest[SHA256_SIZE];

	image->dir = strdup(dir);
	if (!image->dir)
		return err_no_memory(err);
	if (fs_join(dir, "root", &image->root, err) < 0 || fs_join(dir, BILL_FILE, &bill_path, err) < 0)
		return -1;
	image->bill_text = BUF_INIT(BILL_TEXT_MAX);
	if (fs_read(bill_path, &image->bill_text, err) < 0 ||
	    bill_parse(image->bill_text.data, image->bill_text.size, &image->bill, err) < 0)
		return err_prefix(err, "image '%s'", dir);
	sha256(image->bill_text.data, image->bill_text.size, digest);
	hex_encode(digest, sizeof(digest), image->digest);
	return load_signature(dir, image, digest, err);
}

struct visit {
	const char *dir;
	struct images *images;
};

static int grow_kept(struct images *images, struct err *err)
{
	const size_t room = images->kept_room ? 2 * images->kept_room : KEPT_ROOM_FIRST;
	struct image *kept;

	if (images->kept_count < images->kept_room)
		return 0;
	if (images->kept_count == IMAGES_KEPT_MAX)
		return err_set(err, ERR_LIMIT, "more than %d former images are kept: msed image refresh refuses that",
			       IMAGES_KEPT_MAX);
	kept = realloc(images->kept, room * sizeof(*kept));
	if (!kept)
		return err_no_memory(err);
	images->kept = kept;
	images->kept_room = room;
	return 0;
}

/* What a refresh was building when it was killed has no bill yet. */
static int visit_hidden(const char *name, const struct visit *visit, struct err *err)
{
	struct images *images = visit->images;
	struct image *image;
	scoped(freep) char *dir = NULL;
	scoped(freep) char *bill_path = NULL;

	if (fs_join(visit->dir, name, &dir, err) < 0 || fs_join(dir, BILL_FILE, &bill_path, err) < 0)
		return -1;
	if (!fs_exists(bill_path))
		return 0;
	if (grow_kept(images, err) < 0)
		return -1;
	image = &images->kept[images->kept_count++];
	*image = (struct image){.name = ""};
	if (load_image(dir, image, err) < 0)
		return -1;
	(void)snprintf(image->name, sizeof(image->name), "%s", image->bill->image);
	return 0;
}

static int visit_image(const char *name, void *arg, struct err *err)
{
	const struct visit *visit = arg;
	struct image *image = &visit->images->items[visit->images->count];
	scoped(freep) char *dir = NULL;

	if (name[0] == '.')
		return visit_hidden(name, visit, err);
	if (!strchr(name, ':'))
		return 0;
	if (visit->images->count == IMAGES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d images", IMAGES_MAX);
	if (strlen(name) >= sizeof(image->name))
		return err_set(err, ERR_INVALID, "the name of image '%s' is too long", name);
	visit->images->count++;
	(void)snprintf(image->name, sizeof(image->name), "%s", name);
	return fs_join(visit->dir, name, &dir, err) < 0 ? -1 : load_image(dir, image, err);
}

int images_load(const char *data_dir, struct images **ret, struct err *err)
{
	scoped(images_freep) struct images *images = calloc(1, sizeof(*images));
	scoped(freep) char *dir = NULL;

	if (!images)
		return err_no_memory(err);
	if (file_path(data_dir, &dir, err, FILE_IMAGES) < 0)
		return -1;
	if (fs_each_entry(dir, visit_image, &(struct visit){.dir = dir, .images = images}, err) < 0)
		return -1;
	*ret = TAKE_PTR(images);
	return 0;
}

static void image_done(struct image *image)
{
	bill_free(image->bill);
	buf_done(&image->bill_text);
	buf_done(&image->signature);
	free(image->dir);
	free(image->root);
}

void images_free(struct images *images)
{
	if (!images)
		return;
	for (size_t i = 0; i < images->count; i++)
		image_done(&images->items[i]);
	for (size_t i = 0; i < images->kept_count; i++)
		image_done(&images->kept[i]);
	free(images->kept);
	free(images);
}

int images_find_digest(const struct images *images, const char *digest, const struct image **ret, struct err *err)
{
	const struct image *found = NULL;

	for (size_t i = 0; i < images->count && !found; i++)
		found = strcmp(images->items[i].digest, digest) == 0 ? &images->items[i] : NULL;
	for (size_t i = 0; i < images->kept_count && !found; i++)
		found = strcmp(images->kept[i].digest, digest) == 0 ? &images->kept[i] : NULL;
	if (!found)
		return err_set(err, ERR_NOT_FOUND, "the image with bill %s is not there any more", digest);
	*ret = found;
	return 0;
}

int image_of_app_load(const char *app_dir, char ret[static IMAGE_DIGEST_SIZE], struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(IMAGE_DIGEST_SIZE - 1);
	scoped(freep) char *path = NULL;
	uint8_t digest[SHA256_SIZE];

	if (fs_join(app_dir, IMAGE_OF_APP_NAME, &path, err) < 0)
		return -1;
	if (!fs_exists(path))
		return 0;
	if (fs_read(path, &text, err) < 0 || hex_decode(buf_text(&text), text.size, digest, sizeof(digest), err) < 0)
		return err_prefix(err, "'%s'", path);
	hex_encode(digest, sizeof(digest), ret);
	return 1;
}

int image_of_app_save(const char *app_dir, const char *digest, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (fs_join(app_dir, IMAGE_OF_APP_NAME, &path, err) < 0)
		return -1;
	return fs_write_atomic(path, digest, strlen(digest), 0600, err);
}

int images_find(const struct images *images, const char *docker, const struct image **ret, struct err *err)
{
	const char *slash = strrchr(docker, '/');
	const char *name = slash ? slash + 1 : docker;

	for (size_t i = 0; i < images->count; i++) {
		if (strcmp(images->items[i].name, name) == 0) {
			*ret = &images->items[i];
			return 0;
		}
	}
	return err_set(err, ERR_UNSUPPORTED, "Docker `%s` is not approved or supported yet.", docker);
}
