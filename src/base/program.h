/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the programs of one installation, or of one build folder, find each other. Installed: mse and msed in
 * PREFIX/bin, what they start in PREFIX/libexec/mse (or PREFIX/lib/mse). Any thread.
 */
#ifndef MSE_BASE_PROGRAM_H
#define MSE_BASE_PROGRAM_H

#include "base/err.h"

/* The path of this program without links; still its folder's after an upgrade replaced it. The caller frees. */
must_check int program_own_path(char **ret_path, struct err *err);

/*
 * The program called name: beside this one, in libexec/mse or lib/mse of the same prefix, or where a build folder has
 * it. ERR_NOT_FOUND says where it was looked for. The caller frees *ret_path.
 */
must_check int program_find(const char *name, char **ret_path, struct err *err);

#endif
