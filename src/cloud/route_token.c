/* SPDX-License-Identifier: Apache-2.0 */
/* POST /oauth/token: authorization_code, refresh_token and the device grant; POST /logout. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cloud/routes.h"
#include "cloud/signin.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "format/base64.h"
#include "format/json.h"
#include "store/store_token.h"
#include "store/store_user.h"

#define REFRESH_BYTES 32
#define REFRESH_TEXT_MAX 64
#define DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"

static int invalid_grant(struct request *request, const char *why, struct err *err)
{
	return signin_oauth_error(request, "invalid_grant", why, err);
}

/* 1 and the user, 0 if gone or disabled */
static int find_user(struct request *request, const char *user_id, struct user *ret, struct err *err)
{
	const int found = store_user_find(request->cloud->store, user_id, ret, err);

	return found == 1 && ret->disabled_at ? 0 : found;
}

static int make_refresh(struct request *request, const char *family, const char *user_id, const char *client_id,
			const char *scope, struct refresh_token *ret, struct buf *ret_text, struct err *err)
{
	memset(ret, 0, sizeof(*ret));
	if (api_random_text(REFRESH_BYTES, ret_text, err) < 0)
		return -1;
	api_hash_text(buf_text(ret_text), ret->hash);
	(void)snprintf(ret->family, sizeof(ret->family), "%s", family);
	(void)snprintf(ret->user_id, sizeof(ret->user_id), "%s", user_id);
	(void)snprintf(ret->client_id, sizeof(ret->client_id), "%s", client_id);
	(void)snprintf(ret->scope, sizeof(ret->scope), "%s", scope);
	ret->created_at = request->now;
	ret->expires_at = request->now + SIGNIN_REFRESH_SECONDS;
	return 0;
}

/* Tokens for a grant that was just taken; a refresh token when offline_access was asked for. */
static int reply_first(struct request *request, const char *user_id, const char *client_id, const char *scope,
		       const char *nonce, const char *family, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(REFRESH_TEXT_MAX);
	const bool offline = signin_has_scope(scope, "offline_access");
	struct refresh_token refresh;
	struct user user;
	const int found = find_user(request, user_id, &user, err);

	if (found <= 0)
		return found < 0 ? -1 : invalid_grant(request, "the account is gone", err);
	if (offline && (make_refresh(request, family, user_id, client_id, scope, &refresh, &text, err) < 0 ||
			store_refresh_add(request->cloud->store, &refresh, err) < 0))
		return -1;
	return signin_reply_tokens(request, &user, client_id, scope, nonce, offline ? buf_text(&text) : NULL, err);
}

/* RFC 7636 4.6 */
static bool verifier_fits(const char *verifier, const char *challenge)
{
	scoped(buf_done) struct buf text = BUF_INIT(64);
	struct err ignored = ERR_INIT;
	uint8_t hash[SHA256_SIZE];

	sha256(verifier, strlen(verifier), hash);
	if (base64url_encode(hash, sizeof(hash), &text, &ignored) < 0)
		return false;
	return strlen(challenge) == text.size && secret_equal(challenge, buf_text(&text), text.size);
}

static int by_code(struct request *request, const char *form, const char *client_id, struct err *err)
{
	char text[SIGNIN_FIELD_MAX], verifier[GRANT_CHALLENGE_SIZE], redirect_uri[GRANT_URI_SIZE];
	char hash[STORE_HASH_SIZE];
	struct auth_code code;
	int found;

	if (signin_copy(form, "code", text, sizeof(text), err) < 0 ||
	    signin_copy(form, "code_verifier", verifier, sizeof(verifier), err) < 0 ||
	    signin_copy(form, "redirect_uri", redirect_uri, sizeof(redirect_uri), err) < 0)
		return -1;
	api_hash_text(text, hash);
	found = store_code_take(request->cloud->store, hash, request->now, &code, err);
	if (found <= 0)
		return found < 0 ? -1 : invalid_grant(request, "the code is unknown or expired", err);
	if (code.used_at) {
		/* RFC 6749 4.1.2: somebody has it twice, so what came of it is not to be trusted. */
		if (store_refresh_revoke_family(request->cloud->store, code.family, request->now, err) < 0)
			return -1;
		return invalid_grant(request, "the code was used before", err);
	}
	if (code.expires_at <= request->now || strcmp(code.client_id, client_id) != 0 ||
	    strcmp(code.redirect_uri, redirect_uri) != 0 || !verifier_fits(verifier, code.code_challenge))
		return invalid_grant(request, "the code has expired, or is not for this client", err);
	return reply_first(request, code.user_id, client_id, code.scope, code.nonce, code.family, err);
}

static int reused(struct request *request, const struct refresh_token *token, struct err *err)
{
	log_event(LOG_WARNING, "refresh_token_reused", "request_id", request->id, "user", token->user_id, "family",
		  token->family, NULL);
	if (store_refresh_revoke_family(request->cloud->store, token->family, request->now, err) < 0)
		return -1;
	return invalid_grant(request, "the refresh token was used before: sign in again", err);
}

static int rotate(struct request *request, const struct refresh_token *token, const struct user *user, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(REFRESH_TEXT_MAX);
	struct refresh_token next;
	int rotated;

	if (make_refresh(request, token->family, token->user_id, token->client_id, token->scope, &next, &text, err) < 0)
		return -1;
	rotated = store_refresh_rotate(request->cloud->store, token->hash, &next, request->now, err);
	if (rotated <= 0)
		return rotated < 0 ? -1 : reused(request, token, err);
	return signin_reply_tokens(request, user, token->client_id, token->scope, "", buf_text(&text), err);
}

static int by_refresh(struct request *request, const char *form, const struct signin_client *client, struct err *err)
{
	char text[SIGNIN_FIELD_MAX], hash[STORE_HASH_SIZE];
	struct refresh_token token;
	struct user user;
	int found;

	if (signin_copy(form, "refresh_token", text, sizeof(text), err) < 0)
		return -1;
	api_hash_text(text, hash);
	found = store_refresh_find(request->cloud->store, hash, &token, err);
	if (found < 0)
		return -1;
	if (found == 0 || token.revoked_at || token.expires_at <= request->now ||
	    strcmp(token.client_id, client->id) != 0)
		return invalid_grant(request, "the refresh token is unknown, expired or revoked: sign in again", err);
	if (token.used_at)
		return reused(request, &token, err);
	found = find_user(request, token.user_id, &user, err);
	if (found <= 0)
		return found < 0 ? -1 : invalid_grant(request, "the account is gone", err);
	if (client->rotates)
		return rotate(request, &token, &user, err);
	return signin_reply_tokens(request, &user, token.client_id, token.scope, "", NULL, err);
}

static int by_device(struct request *request, const char *form, const char *client_id, struct err *err)
{
	char text[SIGNIN_FIELD_MAX], hash[STORE_HASH_SIZE];
	struct device_grant grant;
	int found;

	if (signin_copy(form, "device_code", text, sizeof(text), err) < 0)
		return -1;
	api_hash_text(text, hash);
	found = store_device_find(request->cloud->store, hash, &grant, err);
	if (found < 0)
		return -1;
	if (found == 0 || strcmp(grant.client_id, client_id) != 0)
		return invalid_grant(request, "the device code is unknown", err);
	if (grant.expires_at <= request->now)
		return signin_oauth_error(request, "expired_token", "the device code has expired", err);
	if (strcmp(grant.answer, "no") == 0)
		return signin_oauth_error(request, "access_denied", "the user refused", err);
	if (strcmp(grant.answer, "yes") != 0) {
		const bool too_fast = grant.polled_at == request->now;

		if (store_device_polled(request->cloud->store, hash, request->now, err) < 0)
			return -1;
		return signin_oauth_error(request, too_fast ? "slow_down" : "authorization_pending",
					  "the user has not answered yet", err);
	}
	found = store_device_take(request->cloud->store, hash, err);
	if (found <= 0)
		return found < 0 ? -1 : invalid_grant(request, "the device code was used before", err);
	return reply_first(request, grant.user_id, client_id, grant.scope, "", grant.family, err);
}

int route_oauth_token(struct request *request, struct err *err)
{
	scoped(api_form_done) struct buf form = BUF_INIT(0);
	char grant_type[64], client_id[GRANT_CLIENT_SIZE];
	const struct signin_client *client;

	if (api_read_form(request, &form, err) < 0 ||
	    signin_copy(buf_text(&form), "grant_type", grant_type, sizeof(grant_type), err) < 0 ||
	    signin_copy(buf_text(&form), "client_id", client_id, sizeof(client_id), err) < 0)
		return api_is_clients_fault(err) ? signin_oauth_error(request, "invalid_request", err->text, err) : -1;
	client = signin_client_find(client_id);
	if (!client)
		return signin_oauth_error(request, "invalid_client", "the client is unknown", err);
	if (strcmp(grant_type, "authorization_code") == 0)
		return by_code(request, buf_text(&form), client_id, err);
	if (strcmp(grant_type, "refresh_token") == 0)
		return by_refresh(request, buf_text(&form), client, err);
	if (strcmp(grant_type, DEVICE_GRANT) == 0)
		return by_device(request, buf_text(&form), client_id, err);
	return signin_oauth_error(request, "unsupported_grant_type", "the grant type is not served", err);
}

static int revoke(struct request *request, const char *text, struct err *err)
{
	struct refresh_token token;
	char hash[STORE_HASH_SIZE];
	int found;

	api_hash_text(text, hash);
	found = store_refresh_find(request->cloud->store, hash, &token, err);
	if (found != 1)
		return found;
	return store_refresh_revoke_family(request->cloud->store, token.family, request->now, err);
}

/* Who has the refresh token may end it; without one there is nothing to end here. */
int route_logout(struct request *request, struct err *err)
{
	const char *type = http_header(request->exchange, "Content-Type");
	scoped(json_decrefp) json_t *body = NULL;
	const char *text = NULL;

	if (type && strncmp(type, "application/json", 16) == 0 && http_body_size(request->exchange) != 0 &&
	    request->route->body_max > 0) {
		if (api_read_json(request, &body, err) < 0 ||
		    json_find_text(body, "refresh_token", SIGNIN_FIELD_MAX, &text, err) < 0)
			return -1;
		if (text && revoke(request, text, err) < 0)
			return -1;
	}
	return signin_page(request, 200, "Signed out", "You are signed out.", err);
}
