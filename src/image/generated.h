/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of an image that no package has, or that a machine's own settings would colour: accounts, name service,
 * resolver, the bundle of certification authorities. Fixed texts, or made of package files in sorted order.
 */
#ifndef MSE_IMAGE_GENERATED_H
#define MSE_IMAGE_GENERATED_H

#include "image/plan.h"

must_check int generated_add(struct plan *plan, const char *image, struct err *err);

#endif
