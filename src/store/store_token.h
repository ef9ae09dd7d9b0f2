/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refresh tokens, in families: each use replaces the token by another of its family; a token that comes back after it
 * was used shows a theft, and the whole family is revoked (RFC 9700 4.14). API tokens, which people make for machines.
 */
#ifndef MSE_STORE_STORE_TOKEN_H
#define MSE_STORE_STORE_TOKEN_H

#include "store/store_grant.h"

struct refresh_token {
	char hash[STORE_HASH_SIZE];
	char family[UUID_TEXT_SIZE];
	char user_id[UUID_TEXT_SIZE];
	char client_id[GRANT_CLIENT_SIZE];
	char scope[GRANT_SCOPE_SIZE];
	int64_t created_at;
	int64_t expires_at;
	int64_t used_at;    /* 0: not */
	int64_t revoked_at; /* 0: not */
};

must_check int store_refresh_add(struct store *store, const struct refresh_token *token, struct err *err);
/* 1 found, 0 absent */
must_check int store_refresh_find(struct store *store, const char *hash, struct refresh_token *ret, struct err *err);

/*
 * Marks old as used and adds next, in one transaction. 1 done; 0: old was used in the meantime, nothing was added.
 */
must_check int store_refresh_rotate(struct store *store, const char *old_hash, const struct refresh_token *next,
				    int64_t now, struct err *err);

must_check int store_refresh_revoke_family(struct store *store, const char *family, int64_t now, struct err *err);

#define API_TOKEN_NAME_SIZE 129

struct api_token {
	char id[UUID_TEXT_SIZE];
	char hash[STORE_HASH_SIZE];
	char user_id[UUID_TEXT_SIZE];
	char name[API_TOKEN_NAME_SIZE];
	int64_t created_at;
	int64_t expires_at; /* 0: never */
};

must_check int store_api_token_add(struct store *store, const struct api_token *token, struct err *err);
/* 1 found, neither expired nor revoked; notes the use, at most once a minute. 0 not. */
must_check int store_api_token_find(struct store *store, const char *hash, int64_t now,
				    char ret_user_id[static UUID_TEXT_SIZE], struct err *err);

#endif
