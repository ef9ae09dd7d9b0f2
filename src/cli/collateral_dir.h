/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collateral in a folder: one file for each item, by the names of format/collateral_items.h ("vlek.der" in place of
 * "vcek.der" for a VLEK). Other files are left alone. An item without a file is absent, which the verdict names where
 * it counts; a folder without any item is an error.
 */
#ifndef MSE_CLI_COLLATERAL_DIR_H
#define MSE_CLI_COLLATERAL_DIR_H

#include "format/collateral_items.h"

#define COLLATERAL_VLEK_FILE "vlek.der"

/* ret: from collateral_items_init. Both "vcek.der" and "vlek.der" is ERR_INVALID: only one can have signed. */
must_check int collateral_dir_read(const char *dir, struct collateral_items *ret, struct err *err);

#endif
