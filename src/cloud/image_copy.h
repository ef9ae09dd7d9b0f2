/* SPDX-License-Identifier: Apache-2.0 */
/* Taking over images that another msed has made: every file is hashed against its bill before it counts. */
#ifndef MSE_CLOUD_IMAGE_COPY_H
#define MSE_CLOUD_IMAGE_COPY_H

#include "base/err.h"

/*
 * from: another data directory, or its images/. Files are copied (shared where the file system can), never linked: a
 * change in one cloud must not reach another. only: the one image to take, NULL for all. ERR_UNTRUSTED names a file
 * that differs from its bill.
 */
must_check int image_copy_all(const char *from, const char *only, const char *data_dir, struct err *err);

#endif
