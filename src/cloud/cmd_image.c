/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `msed image refresh`: the images as the packages and programs of today make them, in the place of those that are
 * there. Apps go on; what they were deployed with is kept for them, until a later refresh finds that none needs it.
 */
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/fs.h"
#include "cloud/cloud.h"
#include "cloud/command.h"
#include "cloud/files.h"
#include "cloud/image_build.h"
#include "cloud/image_copy.h"
#include "cloud/image_place.h"
#include "cloud/images.h"
#include "cloud/lock.h"
#include "store/store_app.h"

#define STAGING_PREFIX ".staging-"

enum { DATA_DIR, IMAGE, IMAGES_FROM };

static const struct command_option options[] = {
    [DATA_DIR] = {"--data-dir", "DIR", "the directory that msed init made", true, false},
    [IMAGE] = {"--image", "NAME:TAG", "make or take only this image", false, false},
    [IMAGES_FROM] = {"--images-from", "DIR", "copy the images of another data directory, after checking each file",
		     false, false},
};

/* Calls visit for every active app with its folder. */
static int each_active(struct cloud *cloud,
		       int (*visit)(const struct app *app, const char *dir, void *arg, struct err *), void *arg,
		       struct err *err)
{
	scoped(freep) char(*ids)[UUID_TEXT_SIZE] = NULL;
	size_t count = 0;

	if (store_app_work(cloud->store, 0, &ids, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		scoped(freep) char *dir = NULL;
		struct app app;
		const int found = store_app_find(cloud->store, ids[i], &app, err);

		if (found < 0)
			return -1;
		if (found == 0 || app_state_is_final(app.state))
			continue;
		if (file_path(cloud->data_dir, &dir, err, FILE_APPS "/%s", app.id) < 0 ||
		    visit(&app, dir, arg, err) < 0)
			return -1;
	}
	return 0;
}

/* An app of a data directory of before this command was deployed with what is still there. */
static int note_image(const struct app *app, const char *dir, void *arg, struct err *err)
{
	const struct image *image = NULL;
	char digest[IMAGE_DIGEST_SIZE];
	const int found = image_of_app_load(dir, digest, err);

	if (found != 0)
		return found < 0 ? -1 : 0;
	return images_find(arg, app->docker, &image, err) < 0 ? -1 : image_of_app_save(dir, image->digest, err);
}

static int put(const char *images_dir, const struct images *olds, const struct image *new, struct err *err)
{
	const struct image *old = NULL;
	struct err absent = ERR_INIT;
	const bool is_same = images_find(olds, new->name, &old, &absent) == 0 && strcmp(old->digest, new->digest) == 0;

	if (image_place_put(images_dir, olds, new, err) < 0)
		return -1;
	(void)printf("  image %s: %s, bill %s%s\n", new->name, is_same ? "unchanged" : "new", new->digest,
		     !is_same && old && old->signature.size ? "; the publisher's signature was for the former one"
							    : "");
	return 0;
}

static int put_all(struct cloud *cloud, const char *staging, struct err *err)
{
	scoped(images_freep) struct images *olds = NULL;
	scoped(images_freep) struct images *news = NULL;
	scoped(freep) char *dir = NULL;

	if (images_load(cloud->data_dir, &olds, err) < 0 || images_load(staging, &news, err) < 0 ||
	    each_active(cloud, note_image, olds, err) < 0 || file_path(cloud->data_dir, &dir, err, FILE_IMAGES) < 0)
		return -1;
	if (olds->kept_count + news->count > IMAGES_KEPT_MAX)
		return err_set(err, ERR_LIMIT, "%zu former images are kept for apps, at most %d: owners must move on",
			       olds->kept_count, IMAGES_KEPT_MAX);
	if (fs_sync_all(dir, err) < 0)
		return -1;
	for (size_t i = 0; i < news->count; i++)
		if (put(dir, olds, &news->items[i], err) < 0)
			return -1;
	return fs_sync_dir(dir, err);
}

/* ---- removing what nobody needs ---- */

struct needs {
	const char *digest;
	bool is_needed;
};

static int look_for(const struct app *app, const char *dir, void *arg, struct err *err)
{
	struct needs *needs = arg;
	char digest[IMAGE_DIGEST_SIZE];
	const int found = image_of_app_load(dir, digest, err);

	(void)app;
	if (found == 1 && strcmp(digest, needs->digest) == 0)
		needs->is_needed = true;
	return found < 0 ? -1 : 0;
}

static int remove_unneeded(struct cloud *cloud, struct err *err)
{
	scoped(images_freep) struct images *images = NULL;

	if (images_load(cloud->data_dir, &images, err) < 0)
		return -1;
	for (size_t i = 0; i < images->kept_count; i++) {
		struct needs needs = {.digest = images->kept[i].digest};

		if (each_active(cloud, look_for, &needs, err) < 0 ||
		    (!needs.is_needed && fs_remove_tree(images->kept[i].dir, err) < 0))
			return -1;
		(void)printf("  a former %s: %s\n", images->kept[i].name,
			     needs.is_needed ? "kept for the apps that were deployed with it" : "removed");
	}
	return 0;
}

/* What a refresh that was killed left: without a bill it is no image. */
static int remove_left(const char *name, void *arg, struct err *err)
{
	scoped(freep) char *path = NULL;
	scoped(freep) char *bill = NULL;

	if (name[0] != '.')
		return 0;
	if (fs_join(arg, name, &path, err) < 0 || fs_join(path, "bill.json", &bill, err) < 0)
		return -1;
	return fs_exists(bill) ? 0 : fs_remove_tree(path, err);
}

/* A data directory with nothing but images/ in it. */
static int make(const struct cloud *cloud, const struct command_line *line, const char *staging, struct err *err)
{
	scoped(freep) char *images = NULL;

	if (file_path(staging, &images, err, FILE_IMAGES) < 0 || fs_make_dirs(images, 0700, err) < 0)
		return -1;
	if (line->values[IMAGES_FROM])
		return image_copy_all(line->values[IMAGES_FROM], line->values[IMAGE], staging, err);
	return image_build_all(staging, line->values[IMAGE], cloud->config.enclave_program, err);
}

static int refresh(struct cloud *cloud, const struct command_line *line, struct err *err)
{
	scoped(freep) char *images = NULL;
	scoped(freep) char *staging = NULL;
	struct err ignored = ERR_INIT;
	int status;

	if (file_path(cloud->data_dir, &images, err, FILE_IMAGES) < 0 ||
	    fs_each_entry(images, remove_left, images, err) < 0 ||
	    fs_make_temp_dir(images, STAGING_PREFIX, &staging, err) < 0)
		return -1;
	status = make(cloud, line, staging, err) < 0 || put_all(cloud, staging, err) < 0 ? -1 : 0;
	IGNORE_RESULT(fs_remove_tree(staging, &ignored));
	return status < 0 ? -1 : remove_unneeded(cloud, err);
}

static int run(const struct command_line *line, struct err *err)
{
	scoped(cloud_closep) struct cloud *cloud = NULL;
	scoped(fd_closep) int lock = -1;

	if (cloud_open(line->values[DATA_DIR], &cloud, err) < 0)
		return -1;
	if (data_dir_lock(cloud->data_dir, 0, &lock, err) < 0)
		return err_prefix(err, "stop msed for this (apps go on without it)");
	return refresh(cloud, line, err);
}

const struct command command_image_refresh = {
    .words = "image refresh",
    .summary = "make the images anew, after an upgrade of packages or programs (msed must not serve; apps go on)",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = run,
};
