/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared libraries that the program and the extension modules of an image need, with those that these need, and so
 * on. All are put below usr/lib/x86_64-linux-gnu, where the dynamic loader looks without a cache.
 */
#ifndef MSE_IMAGE_CLOSURE_H
#define MSE_IMAGE_CLOSURE_H

#include "image/plan.h"

#define CLOSURE_LIBRARIES_MAX 512

/* Adds to plan every library that program or an item of plan with ".so" in its name needs, and the dynamic loader. */
must_check int closure_add(struct plan *plan, const char *program, struct err *err);

#endif
