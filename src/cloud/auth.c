/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/auth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cloud/jwt.h"
#include "crypto/random.h"
#include "format/json.h"
#include "store/store_token.h"
#include "store/store_user.h"

static int load_user(struct request *request, const char *user_id, struct err *err)
{
	const int found = store_user_find(request->cloud->store, user_id, &request->user, err);

	if (found < 0)
		return -1;
	if (found == 0 || request->user.disabled_at) {
		memset(&request->user, 0, sizeof(request->user));
		return err_set(err, ERR_UNAUTHENTICATED, "this account does not exist any more");
	}
	return 0;
}

static int by_api_token(struct request *request, const char *token, struct err *err)
{
	char hash[STORE_HASH_SIZE], user_id[UUID_TEXT_SIZE];
	int found;

	api_hash_text(token, hash);
	found = store_api_token_find(request->cloud->store, hash, request->now, user_id, err);
	if (found < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_UNAUTHENTICATED, "the API token is unknown, expired or revoked: login again");
	return load_user(request, user_id, err);
}

static int by_jwt(struct request *request, const char *token, struct err *err)
{
	scoped(json_decrefp) json_t *claims = NULL;
	const char *user_id;

	if (jwt_verify(request->cloud->token_key, "at+jwt", token, &claims, err) < 0 ||
	    jwt_check_claims(claims, request->cloud->issuer, request->cloud->issuer, request->now, err) < 0)
		return -1;
	if (json_get_text(claims, "sub", UUID_TEXT_SIZE - 1, &user_id, err) < 0)
		return err_set(err, ERR_UNAUTHENTICATED, "the access token lacks a claim");
	return load_user(request, user_id, err);
}

int auth_user(struct request *request, struct err *err)
{
	const char *header = http_header(request->exchange, "Authorization");

	if (!header || strncasecmp(header, "Bearer ", 7) != 0)
		return err_set(err, ERR_UNAUTHENTICATED, "sign in first: there is no bearer token");
	header += 7 + strspn(header + 7, " ");
	if (strncmp(header, AUTH_API_TOKEN_PREFIX, strlen(AUTH_API_TOKEN_PREFIX)) == 0)
		return by_api_token(request, header, err);
	return by_jwt(request, header, err);
}

int auth_make_api_token(struct store *store, const char *user_id, const char *name, int64_t now, int64_t expires_in,
			struct buf *ret_text, struct err *err)
{
	struct api_token token = {.created_at = now, .expires_at = expires_in ? now + expires_in : 0};
	uint8_t random[16];

	random_bytes(random, sizeof(random));
	uuid_format(random, token.id);
	(void)snprintf(token.user_id, sizeof(token.user_id), "%s", user_id);
	(void)snprintf(token.name, sizeof(token.name), "%s", name);
	if (buf_add_text(ret_text, AUTH_API_TOKEN_PREFIX, err) < 0 ||
	    api_random_text(AUTH_API_TOKEN_BYTES, ret_text, err) < 0)
		return -1;
	api_hash_text(buf_text(ret_text), token.hash);
	return store_api_token_add(store, &token, err);
}
