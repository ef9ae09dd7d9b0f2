/* SPDX-License-Identifier: Apache-2.0 */
/* The counting of failed sign-ins, and the end of what has expired. */
#ifndef MSE_STORE_STORE_ACCOUNT_H
#define MSE_STORE_STORE_ACCOUNT_H

#include "store/store.h"

/* Failures of subject (an e-mail address or an address of the network) in the window that now lies in. */
must_check int store_failures_count(struct store *store, const char *subject, int64_t now, int64_t *ret,
				    struct err *err);
must_check int store_failures_add(struct store *store, const char *subject, int64_t now, int64_t window_seconds,
				  struct err *err);
must_check int store_failures_clear(struct store *store, const char *subject, struct err *err);

/* Removes expired codes, grants, refresh tokens and windows. */
must_check int store_account_sweep(struct store *store, int64_t now, struct err *err);

#endif
