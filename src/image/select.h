/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files of the packages go into an image: what Python can import and what it reads, not what serves development,
 * documentation, terminals or other programs. Long bills make an enclave's start slow.
 */
#ifndef MSE_IMAGE_SELECT_H
#define MSE_IMAGE_SELECT_H

#include <stdbool.h>

/* path is absolute, as dpkg lists it. */
bool select_wants(const char *path);

#endif
