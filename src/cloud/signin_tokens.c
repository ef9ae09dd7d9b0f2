/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cloud/jwt.h"
#include "cloud/signin.h"
#include "crypto/random.h"

static int sign_access(struct request *request, const struct user *user, const char *client_id, const char *scope,
		       struct buf *ret, struct err *err)
{
	const char *issuer = request->cloud->issuer;
	scoped(json_decrefp) json_t *claims = NULL;
	char id[UUID_TEXT_SIZE];
	uint8_t random[16];

	random_bytes(random, sizeof(random));
	uuid_format(random, id);
	if (api_json(json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s}", "iss", issuer, "sub", user->id, "aud",
			       issuer, "iat", (json_int_t)request->now, "exp",
			       (json_int_t)(request->now + SIGNIN_ACCESS_SECONDS), "azp", client_id, "scope", scope,
			       "jti", id),
		     &claims, err) < 0)
		return -1;
	return jwt_sign(request->cloud->token_key, "at+jwt", claims, ret, err);
}

static int sign_id(struct request *request, const struct user *user, const char *client_id, const char *nonce,
		   struct buf *ret, struct err *err)
{
	scoped(json_decrefp) json_t *claims = NULL;

	if (api_json(json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:b, s:s, s:s}", "iss", request->cloud->issuer, "sub",
			       user->id, "aud", client_id, "iat", (json_int_t)request->now, "exp",
			       (json_int_t)(request->now + SIGNIN_ACCESS_SECONDS), "email", user->email,
			       "email_verified", user->email_verified, "given_name", user->given_name, "family_name",
			       user->family_name),
		     &claims, err) < 0)
		return -1;
	if (*nonce && json_object_set_new(claims, "nonce", json_string(nonce)) < 0)
		return err_no_memory(err);
	return jwt_sign(request->cloud->token_key, "JWT", claims, ret, err);
}

int signin_reply_tokens(struct request *request, const struct user *user, const char *client_id, const char *scope,
			const char *nonce, const char *refresh, struct err *err)
{
	scoped(buf_done) struct buf access = BUF_INIT(JWT_SIZE_MAX);
	scoped(buf_done) struct buf id = BUF_INIT(JWT_SIZE_MAX);
	scoped(json_decrefp) json_t *value = NULL;

	if (sign_access(request, user, client_id, scope, &access, err) < 0 ||
	    api_json(json_pack("{s:s, s:s, s:i, s:s}", "access_token", buf_text(&access), "token_type", "Bearer",
			       "expires_in", SIGNIN_ACCESS_SECONDS, "scope", scope),
		     &value, err) < 0)
		return -1;
	if (refresh && json_object_set_new(value, "refresh_token", json_string(refresh)) < 0)
		return err_no_memory(err);
	if (signin_has_scope(scope, "openid")) {
		if (sign_id(request, user, client_id, nonce, &id, err) < 0)
			return -1;
		if (json_object_set_new(value, "id_token", json_string(buf_text(&id))) < 0)
			return err_no_memory(err);
	}
	return api_reply_json(request, 200, value, err);
}
