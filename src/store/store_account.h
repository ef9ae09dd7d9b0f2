/* SPDX-License-Identifier: Apache-2.0 */
/* Browser sessions and the counting of failed sign-ins. */
#ifndef MSE_STORE_STORE_ACCOUNT_H
#define MSE_STORE_STORE_ACCOUNT_H

#include "domain/uuid.h"
#include "store/store.h"

must_check int store_session_add(struct store *store, const char *hash, const char *user_id, int64_t now,
				 int64_t expires_at, struct err *err);
/* 1 found and not expired, 0 not */
must_check int store_session_find(struct store *store, const char *hash, int64_t now,
				  char ret_user_id[static UUID_TEXT_SIZE], struct err *err);
must_check int store_session_remove(struct store *store, const char *hash, struct err *err);

/* Failures of subject (an e-mail address or an address of the network) in the window that now lies in. */
must_check int store_failures_count(struct store *store, const char *subject, int64_t now, int64_t *ret,
				    struct err *err);
must_check int store_failures_add(struct store *store, const char *subject, int64_t now, int64_t window_seconds,
				  struct err *err);
must_check int store_failures_clear(struct store *store, const char *subject, struct err *err);

/* Removes expired sessions, codes, grants, refresh tokens and windows. */
must_check int store_account_sweep(struct store *store, int64_t now, struct err *err);

#endif
