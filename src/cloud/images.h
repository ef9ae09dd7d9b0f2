/* SPDX-License-Identifier: Apache-2.0 */
/* The images below DATA_DIR/images, read when msed starts: bill, digest, root. Immutable afterwards; any thread. */
#ifndef MSE_CLOUD_IMAGES_H
#define MSE_CLOUD_IMAGES_H

#include "base/buf.h"
#include "format/bill.h"

#define IMAGES_MAX 64
#define IMAGE_SIGNATURE_NAME "bill.sig"

struct image {
	char name[BILL_IMAGE_MAX + 1];
	char *root; /* absolute path */
	struct bill *bill;
	char digest[65];      /* of the bill's text, hex */
	struct buf bill_text; /* as stored */
	struct buf signature; /* text of bill.sig as stored; empty: none */
};

struct images {
	struct image items[IMAGES_MAX];
	size_t count;
};

must_check int images_load(const char *data_dir, struct images **ret, struct err *err);
void images_free(struct images *images);
DEFINE_SCOPED_PTR(struct images, images_free);

/*
 * The image that the owner's `docker` names: NAME:TAG, with or without a registry in front. A4's text when there is
 * none.
 */
must_check int images_find(const struct images *images, const char *docker, const struct image **ret, struct err *err);

#endif
