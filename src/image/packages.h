/* SPDX-License-Identifier: Apache-2.0 */
/* Installed Debian packages, as dpkg-query tells. */
#ifndef MSE_IMAGE_PACKAGES_H
#define MSE_IMAGE_PACKAGES_H

#include "base/buf.h"

#define PACKAGES_MAX 64
#define PACKAGES_LIST_MAX (16u << 20) /* bytes of dpkg-query's answer */

/* ERR_NOT_FOUND names those of packages (ended by NULL) that are not installed. */
must_check int packages_check(const char *const *packages, struct err *err);

/* Calls visit for each path the packages own: absolute, in dpkg's order; directories too. */
must_check int packages_each_path(const char *const *packages,
				  int (*visit)(const char *path, void *arg, struct err *err), void *arg,
				  struct err *err);

#endif
