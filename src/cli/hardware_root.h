/* SPDX-License-Identifier: Apache-2.0 */
/* A root that the user gave as one of hardware (--trust-root): can it be read, before anything is judged by it? */
#ifndef MSE_CLI_HARDWARE_ROOT_H
#define MSE_CLI_HARDWARE_ROOT_H

#include "base/err.h"
#include "mse/attest.h"

must_check int hardware_root_check(const struct attest_roots *roots, struct err *err);

#endif
