/* SPDX-License-Identifier: Apache-2.0 */
/* What leads to tokens: authorization codes (RFC 6749 4.1 with PKCE) and device grants (RFC 8628). */
#ifndef MSE_STORE_STORE_GRANT_H
#define MSE_STORE_STORE_GRANT_H

#include "domain/uuid.h"
#include "store/store.h"

#define GRANT_CLIENT_SIZE 129
#define GRANT_SCOPE_SIZE 513
#define GRANT_URI_SIZE 513
#define GRANT_NONCE_SIZE 257
#define GRANT_CHALLENGE_SIZE 129
#define GRANT_USER_CODE_SIZE 10 /* "ABCD-EFGH" */

struct auth_code {
	char hash[STORE_HASH_SIZE];
	char user_id[UUID_TEXT_SIZE];
	char client_id[GRANT_CLIENT_SIZE];
	char redirect_uri[GRANT_URI_SIZE];
	char code_challenge[GRANT_CHALLENGE_SIZE];
	char scope[GRANT_SCOPE_SIZE];
	char nonce[GRANT_NONCE_SIZE];
	char family[UUID_TEXT_SIZE]; /* of the refresh tokens that come of it */
	int64_t expires_at;
	int64_t used_at; /* 0: not */
};

must_check int store_code_add(struct store *store, const struct auth_code *code, struct err *err);

/*
 * Takes a code: marks it used and returns it as it was. A code that was used before is returned too, with used_at
 * set: its family is then to be revoked (RFC 6749 4.1.2). 1 found, 0 absent.
 */
must_check int store_code_take(struct store *store, const char *hash, int64_t now, struct auth_code *ret,
			       struct err *err);

struct device_grant {
	char hash[STORE_HASH_SIZE]; /* of the device code */
	char user_code[GRANT_USER_CODE_SIZE];
	char client_id[GRANT_CLIENT_SIZE];
	char scope[GRANT_SCOPE_SIZE];
	char user_id[UUID_TEXT_SIZE]; /* "" until answered */
	char answer[8];               /* "" | "yes" | "no" */
	char family[UUID_TEXT_SIZE];  /* of the refresh tokens that come of it */
	int64_t expires_at;
	int64_t polled_at;
};

/* ERR_CONFLICT: the user code is in use, make another. */
must_check int store_device_add(struct store *store, const struct device_grant *grant, struct err *err);
must_check int store_device_find(struct store *store, const char *hash, struct device_grant *ret, struct err *err);
/* 1 found, waiting for an answer and not expired; 0 not */
must_check int store_device_find_waiting(struct store *store, const char *user_code, int64_t now,
					 struct device_grant *ret, struct err *err);
must_check int store_device_answer(struct store *store, const char *user_code, const char *user_id, const char *answer,
				   struct err *err);
must_check int store_device_polled(struct store *store, const char *hash, int64_t now, struct err *err);
/* 1 removed by this call (tokens may be given), 0 somebody else was first */
must_check int store_device_take(struct store *store, const char *hash, struct err *err);

#endif
