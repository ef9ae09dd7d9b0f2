/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts a new version of an image into the place of the one that is there, while apps run from it: what is mounted in a
 * sandbox is never removed, only renamed. The former version stays below images/, under a name with a dot; its bill
 * tells which it is.
 */
#ifndef MSE_CLOUD_IMAGE_PLACE_H
#define MSE_CLOUD_IMAGE_PLACE_H

#include "cloud/images.h"

/*
 * new: elsewhere on the same file system; olds: what images_load said of images_dir before. A version that is there
 * already, current or kept, is used as it is (apps may run from it), with new's signature if it has one. Killed at any
 * moment: images/NAME:TAG is whole, the old or the new one, and both are there.
 */
must_check int image_place_put(const char *images_dir, const struct images *olds, const struct image *new,
			       struct err *err);

#endif
