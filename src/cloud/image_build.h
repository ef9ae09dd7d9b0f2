/* SPDX-License-Identifier: Apache-2.0 */
/* Making the built-in images from the packages of this machine. Tells its progress on a terminal. */
#ifndef MSE_CLOUD_IMAGE_BUILD_H
#define MSE_CLOUD_IMAGE_BUILD_H

#include "base/err.h"

/*
 * Every built-in image whose packages are installed, or only that one, below DATA_DIR/images; at least one, else
 * ERR_NOT_FOUND. enclave_program: mse-enclave as the configuration names it; NULL: as it is found.
 */
must_check int image_build_all(const char *data_dir, const char *only, const char *enclave_program, struct err *err);

#endif
