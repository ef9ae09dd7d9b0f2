/* SPDX-License-Identifier: Apache-2.0 */
/* Bills recomputed from what is installed here (trust rule b), kept in CONF/bills by all that they depend on. */
#ifndef MSE_CLI_BILL_CACHE_H
#define MSE_CLI_BILL_CACHE_H

#include "cli/out.h"
#include "cli/settings.h"
#include "format/bill.h"

/* program: the mse-enclave of the image; NULL: the installed one. Says so when it takes a while. */
must_check int bill_recompute(const struct settings *settings, struct out *out, const char *image, const char *program,
			      struct bill **ret_bill, uint8_t ret_digest[static 32], struct err *err);

#endif
