/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `msed image refresh`: the images as the packages and programs of today make them, in the place of those that are
 * there. Apps go on; what they were deployed with is kept for them, until a later refresh finds that none needs it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "cloud/cloud.h"
#include "cloud/command.h"
#include "cloud/files.h"
#include "cloud/image_build.h"
#include "cloud/image_copy.h"
#include "cloud/images.h"
#include "cloud/lock.h"
#include "store/store_app.h"

#define STAGING_PREFIX ".staging-"
#define KEPT_DIGEST_CHARS 16

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

/* ---- putting the new ones into place ---- */

static int hidden_path(const char *data_dir, const struct image *image, char **ret, struct err *err)
{
	return file_path(data_dir, ret, err, FILE_IMAGES "/.%s-%.*s", image->name, KEPT_DIGEST_CHARS, image->digest);
}

/*
 * Three renames, each of a whole image: killed between any two, both versions are there, and images/NAME:TAG is one
 * of them.
 */
static int exchange(const char *data_dir, const struct image *old, const struct image *new, struct err *err)
{
	scoped(freep) char *new_path = NULL;
	scoped(freep) char *old_path = NULL;
	struct err ignored = ERR_INIT;

	if (hidden_path(data_dir, new, &new_path, err) < 0 || hidden_path(data_dir, old, &old_path, err) < 0)
		return -1;
	/* Refreshed to and fro: the very same is kept already. */
	if (fs_exists(new_path) && fs_remove_tree(new_path, err) < 0)
		return -1;
	if (rename(new->dir, new_path) < 0 || renameat2(AT_FDCWD, new_path, AT_FDCWD, old->dir, RENAME_EXCHANGE) < 0)
		return err_set_errno(err, "cannot put '%s' in the place of '%s'", new->dir, old->dir);
	if (rename(new_path, old_path) < 0)
		IGNORE_RESULT(err_set_errno(&ignored, "its digest is told by its bill, not by its name"));
	return 0;
}

static int put(struct cloud *cloud, const struct images *olds, const struct image *new, struct err *err)
{
	scoped(freep) char *path = NULL;
	const struct image *old = NULL;
	struct err absent = ERR_INIT;

	if (images_find(olds, new->name, &old, &absent) == 0 && strcmp(old->digest, new->digest) == 0) {
		(void)printf("  image %s: unchanged, bill %s\n", new->name, new->digest);
		return 0;
	}
	if (old ? exchange(cloud->data_dir, old, new, err) < 0
		: (file_path(cloud->data_dir, &path, err, FILE_IMAGES "/%s", new->name) < 0 ||
		   (rename(new->dir, path) < 0 && err_set_errno(err, "cannot rename '%s'", new->dir) < 0)))
		return -1;
	(void)printf("  image %s: new, bill %s%s\n", new->name, new->digest,
		     old && old->signature.size ? "; the publisher's signature was for the former one" : "");
	return 0;
}

static int put_all(struct cloud *cloud, const char *staging, struct err *err)
{
	scoped(images_freep) struct images *olds = NULL;
	scoped(images_freep) struct images *news = NULL;
	scoped(freep) char *dir = NULL;

	if (images_load(cloud->data_dir, &olds, err) < 0 || images_load(staging, &news, err) < 0 ||
	    each_active(cloud, note_image, olds, err) < 0)
		return -1;
	for (size_t i = 0; i < news->count; i++)
		if (put(cloud, olds, &news->items[i], err) < 0)
			return -1;
	return file_path(cloud->data_dir, &dir, err, FILE_IMAGES) < 0 ? -1 : fs_sync_dir(dir, err);
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

static int remove_staging(const char *name, void *arg, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (strncmp(name, STAGING_PREFIX, strlen(STAGING_PREFIX)) != 0)
		return 0;
	return fs_join(arg, name, &path, err) < 0 ? -1 : fs_remove_tree(path, err);
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
	    fs_each_entry(images, remove_staging, images, err) < 0 ||
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
