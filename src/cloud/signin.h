/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The built-in OpenID Connect provider, at Auth0's paths: what its routes share. Public clients only, each with PKCE
 * (RFC 7636) or the device grant (RFC 8628). Passwords are asked each time: there is no browser session to ride on.
 */
#ifndef MSE_CLOUD_SIGNIN_H
#define MSE_CLOUD_SIGNIN_H

#include "cloud/api.h"
#include "store/store_grant.h"

#define SIGNIN_ACCESS_SECONDS 7200 /* clients refresh 1000 s before (A3) */
#define SIGNIN_REFRESH_SECONDS (30LL * 86400)
#define SIGNIN_CODE_SECONDS 120
#define SIGNIN_DEVICE_SECONDS 900
#define SIGNIN_DEVICE_INTERVAL 2
#define SIGNIN_FIELD_MAX 2048
#define SIGNIN_CSRF_SIZE 44
#define SIGNIN_FAILURES_BY_EMAIL_MAX 10
#define SIGNIN_FAILURES_BY_ADDRESS_MAX 50
#define SIGNIN_FAILURES_WINDOW_SECONDS 900

struct signin_client {
	const char *id;
	/*
	 * Each use of a refresh token gives another. The original's client keeps the first one for ever, so it is
	 * given an id of its own, whose tokens live SIGNIN_REFRESH_SECONDS and do not turn.
	 */
	bool rotates;
};

/* NULL if unknown. All of them may redirect to the loopback only, on any port (RFC 8252 7.3). */
const struct signin_client *signin_client_find(const char *id);

/* A field of a form or query; "" if absent. ERR_INVALID, ERR_LIMIT above size_max. */
must_check int signin_field(const char *form, const char *name, size_t size_max, struct buf *ret, struct err *err);
/* Into an array of a struct. */
must_check int signin_copy(const char *form, const char *name, char *ret, size_t size, struct err *err);

/*
 * E-mail address and password of a form against the store, with throttling per address of mail and network.
 * 1: *ret_user is signed in; 0: refused, *ret_why is a sentence for the page.
 */
must_check int signin_check_password(struct request *request, const char *form, struct user *ret_user,
				     const char **ret_why, struct err *err);

/* Adds one to the failures of the asking network address. */
must_check int signin_count_failure(struct request *request, struct err *err);
must_check int signin_is_throttled(struct request *request, bool *ret, struct err *err);

/*
 * Cross-site request forgery: the page carries a random text that is also in a __Host- cookie, which no other name,
 * not even one of our apps below the same domain, can set; a POST needs both, and an Origin of ours if it has one.
 */
must_check int signin_make_csrf(struct buf *ret_text, struct buf *ret_cookie, struct err *err);
must_check int signin_check_csrf(const struct request *request, const char *form, struct err *err);

/* A page of one sentence. */
must_check int signin_page(struct request *request, int status, const char *title, const char *text, struct err *err);

/* {"error", "error_description"} (RFC 6749 5.2), status 400. */
must_check int signin_oauth_error(struct request *request, const char *error, const char *description, struct err *err);

/* The answer of /oauth/token for user; family "" starts a new one. refresh: a stored token's text, or NULL. */
must_check int signin_reply_tokens(struct request *request, const struct user *user, const char *client_id,
				   const char *scope, const char *nonce, const char *refresh, struct err *err);

bool signin_has_scope(const char *scope, const char *word);

#endif
