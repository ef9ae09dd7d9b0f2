/* SPDX-License-Identifier: Apache-2.0 */
/* Who is asking: `Authorization: Bearer` with a JWT of ours or an API token. Sets request->user. */
#ifndef MSE_CLOUD_AUTH_H
#define MSE_CLOUD_AUTH_H

#include "cloud/api.h"

#define AUTH_API_TOKEN_PREFIX "mse_"
#define AUTH_API_TOKEN_BYTES 32

/* ERR_UNAUTHENTICATED: none, wrong, expired, or of a user that was disabled. */
must_check int auth_user(struct request *request, struct err *err);

/* A new API token: its text (to be shown once), stored as a hash. expires_in 0: never. */
must_check int auth_make_api_token(struct store *store, const char *user_id, const char *name, int64_t now,
				   int64_t expires_in, struct buf *ret_text, struct err *err);

#endif
