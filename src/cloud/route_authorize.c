/* SPDX-License-Identifier: Apache-2.0 */
/* GET and POST /authorize: the authorization code with PKCE (RFC 6749 4.1, RFC 7636), one form, no script. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cloud/html.h"
#include "cloud/routes.h"
#include "cloud/signin.h"
#include "crypto/random.h"
#include "format/uri.h"

#define CODE_BYTES 32
#define CHALLENGE_LENGTH 43 /* base64url of 32 bytes */
#define STATE_SIZE 1025
#define LOCATION_MAX 8192

struct authorization {
	struct auth_code code;
	char state[STATE_SIZE];
};

static bool is_loopback(const struct uri *uri)
{
	return !uri->is_https &&
	       (host_is_loopback_name(uri->authority.host) || strcmp(uri->authority.host, "127.0.0.1") == 0 ||
		strcmp(uri->authority.host, "::1") == 0);
}

static int check_redirect(const char *text, struct err *err)
{
	struct uri uri;
	bool loopback;

	if (uri_parse(text, &uri, err) < 0)
		return err_prefix(err, "'redirect_uri'");
	loopback = is_loopback(&uri);
	uri_done(&uri);
	return loopback ? 0 : err_set(err, ERR_INVALID, "'redirect_uri' must lead to the loopback, got '%s'", text);
}

static int read_request(const char *form, struct authorization *ret, struct err *err)
{
	char type[16], method[16];
	struct auth_code *code = &ret->code;

	memset(ret, 0, sizeof(*ret));
	if (signin_copy(form, "response_type", type, sizeof(type), err) < 0 ||
	    signin_copy(form, "code_challenge_method", method, sizeof(method), err) < 0 ||
	    signin_copy(form, "client_id", code->client_id, sizeof(code->client_id), err) < 0 ||
	    signin_copy(form, "redirect_uri", code->redirect_uri, sizeof(code->redirect_uri), err) < 0 ||
	    signin_copy(form, "code_challenge", code->code_challenge, sizeof(code->code_challenge), err) < 0 ||
	    signin_copy(form, "scope", code->scope, sizeof(code->scope), err) < 0 ||
	    signin_copy(form, "nonce", code->nonce, sizeof(code->nonce), err) < 0 ||
	    signin_copy(form, "state", ret->state, sizeof(ret->state), err) < 0)
		return -1;
	if (!signin_client_find(code->client_id))
		return err_set(err, ERR_INVALID, "'client_id' is unknown: '%s'", code->client_id);
	if (strcmp(type, "code") != 0)
		return err_set(err, ERR_INVALID, "'response_type' must be code");
	if (strcmp(method, "S256") != 0 || strlen(code->code_challenge) != CHALLENGE_LENGTH)
		return err_set(err, ERR_INVALID, "PKCE with S256 is needed");
	return check_redirect(code->redirect_uri, err);
}

static int add_hidden(struct buf *page, const struct authorization *authorization, const char *csrf, struct err *err)
{
	const struct auth_code *code = &authorization->code;
	const struct {
		const char *name, *value;
	} fields[] = {{"response_type", "code"},
		      {"code_challenge_method", "S256"},
		      {"client_id", code->client_id},
		      {"redirect_uri", code->redirect_uri},
		      {"code_challenge", code->code_challenge},
		      {"scope", code->scope},
		      {"nonce", code->nonce},
		      {"state", authorization->state},
		      {"csrf", csrf}};

	for (size_t i = 0; i < COUNT_OF(fields); i++)
		if (html_hidden(page, fields[i].name, fields[i].value, err) < 0)
			return -1;
	return 0;
}

static int reply_form(struct request *request, const struct authorization *authorization, int status, const char *why,
		      struct err *err)
{
	scoped(buf_done) struct buf page = BUF_INIT(HTML_PAGE_MAX);
	scoped(buf_done) struct buf csrf = BUF_INIT(SIGNIN_CSRF_SIZE);
	scoped(buf_done) struct buf cookie = BUF_INIT(256);

	if (signin_make_csrf(&csrf, &cookie, err) < 0 || html_begin(&page, "Sign in", err) < 0 ||
	    (why && html_paragraph(&page, "error", why, err) < 0) ||
	    buf_add_text(&page, "<form method=\"post\" action=\"/authorize\">\n", err) < 0 ||
	    add_hidden(&page, authorization, buf_text(&csrf), err) < 0 ||
	    html_field(&page, "E-mail address", "email", "email", "", err) < 0 ||
	    html_field(&page, "Password", "password", "password", "", err) < 0 ||
	    buf_add_text(&page, "<button type=\"submit\">Sign in</button></form>\n", err) < 0 ||
	    html_end(&page, err) < 0)
		return -1;
	return api_reply_page(request, status, &page, buf_text(&cookie), err);
}

int route_authorize(struct request *request, struct err *err)
{
	const char *query = http_query(request->exchange);
	struct authorization authorization;

	if (read_request(query ? query : "", &authorization, err) < 0)
		return api_is_clients_fault(err) ? signin_page(request, 400, "Sign in", err->text, err) : -1;
	return reply_form(request, &authorization, 200, NULL, err);
}

/* redirect_uri?code=…&state=… */
static int make_location(const struct authorization *authorization, const char *code, struct buf *ret, struct err *err)
{
	const char *uri = authorization->code.redirect_uri;

	if (buf_addf(ret, err, "%s%ccode=%s", uri, strchr(uri, '?') ? '&' : '?', code) < 0)
		return -1;
	if (!authorization->state[0])
		return 0;
	if (buf_add_text(ret, "&state=", err) < 0)
		return -1;
	return uri_encode(authorization->state, strlen(authorization->state), ret, err);
}

static int grant(struct request *request, struct authorization *authorization, const struct user *user, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(128);
	scoped(buf_done) struct buf location = BUF_INIT(LOCATION_MAX);
	struct auth_code *code = &authorization->code;
	uint8_t random[16];

	random_bytes(random, sizeof(random));
	uuid_format(random, code->family);
	(void)snprintf(code->user_id, sizeof(code->user_id), "%s", user->id);
	code->expires_at = request->now + SIGNIN_CODE_SECONDS;
	if (api_random_text(CODE_BYTES, &text, err) < 0)
		return -1;
	api_hash_text(buf_text(&text), code->hash);
	if (make_location(authorization, buf_text(&text), &location, err) < 0 ||
	    store_code_add(request->cloud->store, code, err) < 0)
		return -1;
	log_event(LOG_INFO, "signed_in", "request_id", request->id, "email", user->email, "client", code->client_id,
		  NULL);
	return api_reply_redirect(request, buf_text(&location), NULL, err);
}

int route_authorize_post(struct request *request, struct err *err)
{
	scoped(api_form_done) struct buf form = BUF_INIT(0);
	struct authorization authorization;
	const char *why = NULL;
	struct user user;
	int status;

	if (api_read_form(request, &form, err) < 0)
		return -1;
	if (read_request(buf_text(&form), &authorization, err) < 0)
		return api_is_clients_fault(err) ? signin_page(request, 400, "Sign in", err->text, err) : -1;
	if (signin_check_csrf(request, buf_text(&form), err) < 0)
		return -1;
	status = signin_check_password(request, buf_text(&form), &user, &why, err);
	if (status < 0)
		return -1;
	return status ? grant(request, &authorization, &user, err) : reply_form(request, &authorization, 401, why, err);
}
