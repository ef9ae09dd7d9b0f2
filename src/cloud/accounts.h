/* SPDX-License-Identifier: Apache-2.0 */
/* Making accounts: what `msed init` and `msed user add` share. Passwords come from a terminal, stdin, or are made. */
#ifndef MSE_CLOUD_ACCOUNTS_H
#define MSE_CLOUD_ACCOUNTS_H

#include <stdbool.h>

#include "crypto/secret.h"
#include "store/store.h"

/*
 * from_stdin: one line of standard input. Else, on a terminal, asked for twice. Else a random one is made:
 * *ret_made, to be shown once.
 */
must_check int account_password(bool from_stdin, const char *email, struct secret *ret, bool *ret_made,
				struct err *err);

/* User, default project, and a slot of the free hardware (P3), in one transaction. */
must_check int account_create(struct store *store, const char *email, const struct secret *password, bool is_admin,
			      int64_t now, struct err *err);

#endif
