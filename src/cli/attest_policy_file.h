/* SPDX-License-Identifier: Apache-2.0 */
/* A file that says what is acceptable: JSON, or TOML of the same shape if its name ends in .toml. */
#ifndef MSE_CLI_ATTEST_POLICY_FILE_H
#define MSE_CLI_ATTEST_POLICY_FILE_H

#include "base/err.h"
#include "mse/attest.h"

/* The caller frees with attest_policy_free. Messages name the member. */
must_check int attest_policy_file_load(const char *path, struct attest_policy **ret, struct err *err);

#endif
