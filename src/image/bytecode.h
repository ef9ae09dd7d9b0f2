/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled Python: for each .py of a plan its __pycache__/NAME.cpython-311.pyc, because importing flask without them
 * costs a second at every start. Deterministic: one process of the packaged interpreter with a fixed environment, files
 * in sorted order, hash-based and unchecked, so neither a time nor a place gets in.
 */
#ifndef MSE_IMAGE_BYTECODE_H
#define MSE_IMAGE_BYTECODE_H

#include "image/plan.h"

/* plan must be sorted, and is no longer afterwards. */
must_check int bytecode_add(struct plan *plan, const struct image_progress *progress, struct err *err);

#endif
