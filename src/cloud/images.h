/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The images below DATA_DIR/images, read when msed starts: bill, digest, root. Immutable afterwards; any thread.
 *
 * images/NAME:TAG is what new deployments get. A folder whose name begins with a dot and that holds a bill is kept: a
 * former version of an image, for the apps that were deployed with it (msed image refresh).
 */
#ifndef MSE_CLOUD_IMAGES_H
#define MSE_CLOUD_IMAGES_H

#include "base/buf.h"
#include "format/bill.h"

#define IMAGES_MAX 64
#define IMAGES_KEPT_MAX 1024
#define IMAGE_SIGNATURE_NAME "bill.sig"

struct image {
	char name[BILL_IMAGE_MAX + 1];
	char *dir;  /* absolute path */
	char *root; /* "root" in it */
	struct bill *bill;
	char digest[65];      /* of the bill's text, hex */
	struct buf bill_text; /* as stored */
	struct buf signature; /* text of bill.sig as stored; empty: none */
};

struct images {
	struct image items[IMAGES_MAX];
	size_t count;
	struct image *kept; /* immutable after images_load, so pointers into it stay */
	size_t kept_count;
	size_t kept_room;
};

must_check int images_load(const char *data_dir, struct images **ret, struct err *err);
void images_free(struct images *images);
DEFINE_SCOPED_PTR(struct images, images_free);

/*
 * The image that the owner's `docker` names: NAME:TAG, with or without a registry in front. A4's text when there is
 * none.
 */
must_check int images_find(const struct images *images, const char *docker, const struct image **ret, struct err *err);

/* The version with that digest, current or kept: what an app was deployed with. ERR_NOT_FOUND when it is gone. */
must_check int images_find_digest(const struct images *images, const char *digest, const struct image **ret,
				  struct err *err);

/* Which version an app was deployed with: its digest in APP_DIR/image. */
#define IMAGE_OF_APP_NAME "image"
#define IMAGE_DIGEST_SIZE 65
/* 1 and the digest, 0 if there is no such file. */
must_check int image_of_app_load(const char *app_dir, char ret[static IMAGE_DIGEST_SIZE], struct err *err);
must_check int image_of_app_save(const char *app_dir, const char *digest, struct err *err);

#endif
