/* SPDX-License-Identifier: Apache-2.0 */
/* The device grant (RFC 8628): POST /oauth/device/code for the machine, /activate for its user's browser. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cloud/html.h"
#include "cloud/routes.h"
#include "cloud/signin.h"
#include "crypto/random.h"

#define DEVICE_CODE_BYTES 32
#define ATTEMPTS 8 /* user codes that may collide before we give up */
#define URI_MAX 512

/* 8 of 20 consonants: 34 bits, told apart when read aloud, and no words. */
static void make_user_code(char ret[static GRANT_USER_CODE_SIZE])
{
	static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ";
	size_t at = 0;

	while (at < GRANT_USER_CODE_SIZE - 1) {
		uint8_t byte;

		if (at == 4) {
			ret[at++] = '-';
			continue;
		}
		random_bytes(&byte, 1);
		if (byte < 240) /* 12 times 20: no letter is likelier */
			ret[at++] = letters[byte % 20];
	}
	ret[at] = 0;
}

static int store_grant(struct request *request, struct device_grant *grant, struct buf *ret_code, struct err *err)
{
	uint8_t random[16];

	for (int i = 0; i < ATTEMPTS; i++) {
		buf_clear(ret_code);
		make_user_code(grant->user_code);
		random_bytes(random, sizeof(random));
		uuid_format(random, grant->family);
		if (api_random_text(DEVICE_CODE_BYTES, ret_code, err) < 0)
			return -1;
		api_hash_text(buf_text(ret_code), grant->hash);
		if (store_device_add(request->cloud->store, grant, err) == 0)
			return 0;
		if (err->code != ERR_CONFLICT)
			return -1;
	}
	return -1;
}

int route_device_code(struct request *request, struct err *err)
{
	scoped(api_form_done) struct buf form = BUF_INIT(0);
	scoped(buf_done) struct buf code = BUF_INIT(128);
	scoped(json_decrefp) json_t *value = NULL;
	struct device_grant grant = {.expires_at = request->now + SIGNIN_DEVICE_SECONDS};
	char uri[URI_MAX], complete[URI_MAX + 64];

	if (api_read_form(request, &form, err) < 0 ||
	    signin_copy(buf_text(&form), "client_id", grant.client_id, sizeof(grant.client_id), err) < 0 ||
	    signin_copy(buf_text(&form), "scope", grant.scope, sizeof(grant.scope), err) < 0)
		return api_is_clients_fault(err) ? signin_oauth_error(request, "invalid_request", err->text, err) : -1;
	if (!signin_client_find(grant.client_id))
		return signin_oauth_error(request, "invalid_client", "the client is unknown", err);
	if (store_grant(request, &grant, &code, err) < 0)
		return -1;
	(void)snprintf(uri, sizeof(uri), "%sactivate", request->cloud->issuer);
	(void)snprintf(complete, sizeof(complete), "%s?user_code=%s", uri, grant.user_code);
	if (api_json(json_pack("{s:s, s:s, s:s, s:s, s:i, s:i}", "device_code", buf_text(&code), "user_code",
			       grant.user_code, "verification_uri", uri, "verification_uri_complete", complete,
			       "expires_in", SIGNIN_DEVICE_SECONDS, "interval", SIGNIN_DEVICE_INTERVAL),
		     &value, err) < 0)
		return -1;
	return api_reply_json(request, 200, value, err);
}

static int reply_form(struct request *request, int status, const char *user_code, const char *why, struct err *err)
{
	scoped(buf_done) struct buf page = BUF_INIT(HTML_PAGE_MAX);
	scoped(buf_done) struct buf csrf = BUF_INIT(SIGNIN_CSRF_SIZE);
	scoped(buf_done) struct buf cookie = BUF_INIT(256);

	if (signin_make_csrf(&csrf, &cookie, err) < 0 || html_begin(&page, "Allow a device", err) < 0 ||
	    (why && html_paragraph(&page, "error", why, err) < 0) ||
	    html_paragraph(&page, "text", "Allow only a device that shows you this very code now.", err) < 0 ||
	    buf_add_text(&page, "<form method=\"post\" action=\"/activate\">\n", err) < 0 ||
	    html_hidden(&page, "csrf", buf_text(&csrf), err) < 0 ||
	    html_field(&page, "Code on the device", "text", "user_code", user_code, err) < 0 ||
	    html_field(&page, "E-mail address", "email", "email", "", err) < 0 ||
	    html_field(&page, "Password", "password", "password", "", err) < 0 ||
	    buf_add_text(&page,
			 "<button type=\"submit\" name=\"answer\" value=\"yes\">Allow</button> "
			 "<button type=\"submit\" name=\"answer\" value=\"no\">Refuse</button></form>\n",
			 err) < 0 ||
	    html_end(&page, err) < 0)
		return -1;
	return api_reply_page(request, status, &page, buf_text(&cookie), err);
}

int route_activate(struct request *request, struct err *err)
{
	scoped(buf_done) struct buf code = BUF_INIT(0);

	if (api_query(request, "user_code", 64, &code, err) < 0)
		return -1;
	return reply_form(request, 200, buf_text(&code), NULL, err);
}

/* "abcd efgh" and "ABCDEFGH" are ABCD-EFGH too. */
static void normalize(const char *typed, char ret[static GRANT_USER_CODE_SIZE])
{
	size_t at = 0;

	for (; *typed && at < GRANT_USER_CODE_SIZE - 1; typed++) {
		const char upper = *typed >= 'a' && *typed <= 'z' ? (char)(*typed - 'a' + 'A') : *typed;

		if (upper < 'A' || upper > 'Z')
			continue;
		if (at == 4)
			ret[at++] = '-';
		ret[at++] = upper;
	}
	ret[at] = 0;
}

static int answer(struct request *request, const char *form, const struct user *user, const char *typed,
		  struct err *err)
{
	struct device_grant grant;
	char word[8], code[GRANT_USER_CODE_SIZE];
	int found;

	normalize(typed, code);
	if (signin_copy(form, "answer", word, sizeof(word), err) < 0)
		return -1;
	found = store_device_find_waiting(request->cloud->store, code, request->now, &grant, err);
	if (found < 0)
		return -1;
	if (found == 0) {
		if (signin_count_failure(request, err) < 0)
			return -1;
		return reply_form(request, 404, typed, "There is no such code, or it has expired.", err);
	}
	if (store_device_answer(request->cloud->store, code, user->id, strcmp(word, "yes") == 0 ? "yes" : "no", err) <
	    0)
		return -1;
	log_event(LOG_INFO, "device_answered", "request_id", request->id, "email", user->email, "answer", word, NULL);
	return signin_page(request, 200, "Done", "You can close this page and go back to your device.", err);
}

int route_activate_post(struct request *request, struct err *err)
{
	scoped(api_form_done) struct buf form = BUF_INIT(0);
	scoped(buf_done) struct buf typed = BUF_INIT(0);
	const char *why = NULL;
	struct user user;
	int status;

	if (api_read_form(request, &form, err) < 0 || signin_check_csrf(request, buf_text(&form), err) < 0 ||
	    signin_field(buf_text(&form), "user_code", 64, &typed, err) < 0)
		return -1;
	status = signin_check_password(request, buf_text(&form), &user, &why, err);
	if (status < 0)
		return -1;
	if (status == 0)
		return reply_form(request, 401, buf_text(&typed), why, err);
	return answer(request, buf_text(&form), &user, buf_text(&typed), err);
}
