/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/signin.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cloud/html.h"
#include "crypto/password.h"
#include "crypto/secret.h"
#include "format/uri.h"
#include "store/store_account.h"
#include "store/store_user.h"

#define CSRF_COOKIE "__Host-mse-csrf"
#define CSRF_BYTES 32
#define HASHES_AT_ONCE 4 /* 64 MiB each */

static const struct signin_client clients[] = {
    {"mse-cli", true},
    {"mse-cli-original", false},
};

const struct signin_client *signin_client_find(const char *id)
{
	for (size_t i = 0; i < COUNT_OF(clients); i++)
		if (strcmp(clients[i].id, id) == 0)
			return &clients[i];
	return NULL;
}

int signin_field(const char *form, const char *name, size_t size_max, struct buf *ret, struct err *err)
{
	ret->max = size_max;
	buf_clear(ret);
	if (uri_query_find(form, name, ret, err) < 0)
		return err_prefix(err, "'%s'", name);
	return 0;
}

int signin_copy(const char *form, const char *name, char *ret, size_t size, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(0);

	if (signin_field(form, name, size - 1, &text, err) < 0)
		return -1;
	(void)snprintf(ret, size, "%s", buf_text(&text));
	return 0;
}

static void address_of(const struct request *request, char *ret, size_t size)
{
	(void)snprintf(ret, size, "address %s", http_peer(request->exchange)->source);
}

int signin_is_throttled(struct request *request, bool *ret, struct err *err)
{
	char address[160];
	int64_t failures;

	address_of(request, address, sizeof(address));
	if (store_failures_count(request->cloud->store, address, request->now, &failures, err) < 0)
		return -1;
	*ret = failures >= SIGNIN_FAILURES_BY_ADDRESS_MAX;
	return 0;
}

int signin_count_failure(struct request *request, struct err *err)
{
	char address[160];

	address_of(request, address, sizeof(address));
	return store_failures_add(request->cloud->store, address, request->now, SIGNIN_FAILURES_WINDOW_SECONDS, err);
}

static pthread_mutex_t hashing_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hashing_free = PTHREAD_COND_INITIALIZER;
static int hashing_count;

/* Argon2id takes much memory on purpose: strangers must not be able to ask for all of it. */
static bool verify_in_turn(const char *hash, const struct secret *password)
{
	bool right;

	(void)pthread_mutex_lock(&hashing_lock);
	while (hashing_count >= HASHES_AT_ONCE)
		(void)pthread_cond_wait(&hashing_free, &hashing_lock);
	hashing_count++;
	(void)pthread_mutex_unlock(&hashing_lock);
	right = password_verify(hash, password->data, password->size);
	(void)pthread_mutex_lock(&hashing_lock);
	hashing_count--;
	(void)pthread_cond_signal(&hashing_free);
	(void)pthread_mutex_unlock(&hashing_lock);
	return right;
}

static int read_password(const char *form, struct secret *ret, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(0);
	int status;

	if (signin_field(form, "password", USER_PASSWORD_MAX, &text, err) < 0)
		return -1;
	status = secret_init(ret, buf_text(&text), text.size, err);
	if (text.data)
		secret_wipe(text.data, text.size);
	return status;
}

/* Mail addresses are counted whether or not they exist, so the answer does not tell which do. */
static int refuse(struct request *request, const char *subject, const char *email, const char **ret_why,
		  struct err *err)
{
	if (store_failures_add(request->cloud->store, subject, request->now, SIGNIN_FAILURES_WINDOW_SECONDS, err) < 0 ||
	    signin_count_failure(request, err) < 0)
		return -1;
	log_event(LOG_WARNING, "sign_in_refused", "request_id", request->id, "email", email, NULL);
	*ret_why = "E-mail address or password is wrong.";
	return 0;
}

static int check(struct request *request, const char *email, const struct secret *password, struct user *ret_user,
		 const char **ret_why, struct err *err)
{
	char hash[STORE_PASSWORD_HASH_SIZE];
	char subject[USER_EMAIL_SIZE + 16];
	int64_t failures;
	bool throttled;
	int found;

	(void)snprintf(subject, sizeof(subject), "email %s", email);
	if (signin_is_throttled(request, &throttled, err) < 0 ||
	    store_failures_count(request->cloud->store, subject, request->now, &failures, err) < 0)
		return -1;
	if (throttled || failures >= SIGNIN_FAILURES_BY_EMAIL_MAX) {
		*ret_why = "Too many attempts: try again in a quarter of an hour.";
		return 0;
	}
	found = store_user_find_by_email(request->cloud->store, email, ret_user, hash, err);
	if (found < 0)
		return -1;
	if (!verify_in_turn(found ? hash : NULL, password) || ret_user->disabled_at)
		return refuse(request, subject, email, ret_why, err);
	return store_failures_clear(request->cloud->store, subject, err) < 0 ? -1 : 1;
}

int signin_check_password(struct request *request, const char *form, struct user *ret_user, const char **ret_why,
			  struct err *err)
{
	scoped(secret_done) struct secret password = SECRET_INIT;
	scoped(buf_done) struct buf typed = BUF_INIT(0);
	struct err malformed = ERR_INIT;
	char email[USER_EMAIL_SIZE];

	if (signin_field(form, "email", USER_EMAIL_SIZE - 1, &typed, err) < 0 ||
	    read_password(form, &password, err) < 0)
		return -1;
	memset(ret_user, 0, sizeof(*ret_user));
	if (user_normalize_email(buf_text(&typed), email, &malformed) < 0)
		(void)snprintf(email, sizeof(email), "%s", "-");
	return check(request, email, &password, ret_user, ret_why, err);
}

int signin_make_csrf(struct buf *ret_text, struct buf *ret_cookie, struct err *err)
{
	if (api_random_text(CSRF_BYTES, ret_text, err) < 0)
		return -1;
	return buf_addf(ret_cookie, err, CSRF_COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict",
			buf_text(ret_text));
}

static bool origin_is_ours(const struct request *request)
{
	const char *origin = http_header(request->exchange, "Origin");
	const size_t size = strlen(request->cloud->issuer) - 1; /* without the slash at its end */

	return !origin || (strlen(origin) == size && strncmp(origin, request->cloud->issuer, size) == 0);
}

/* The value of our cookie, or NULL. Not terminated: *ret_size says where it ends. */
static const char *find_cookie(const struct request *request, size_t *ret_size)
{
	const char *at = http_header(request->exchange, "Cookie");
	static const char name[] = CSRF_COOKIE "=";

	while (at && *at) {
		at += strspn(at, " ;");
		if (strncmp(at, name, sizeof(name) - 1) == 0) {
			at += sizeof(name) - 1;
			*ret_size = strcspn(at, "; ");
			return at;
		}
		at = strchr(at, ';');
	}
	return NULL;
}

int signin_check_csrf(const struct request *request, const char *form, struct err *err)
{
	scoped(buf_done) struct buf field = BUF_INIT(0);
	size_t size = 0;
	const char *cookie = find_cookie(request, &size);

	if (signin_field(form, "csrf", 2 * SIGNIN_CSRF_SIZE, &field, err) < 0)
		return -1;
	if (!cookie || field.size == 0 || size != field.size || !secret_equal(cookie, buf_text(&field), size) ||
	    !origin_is_ours(request))
		return err_set(err, ERR_DENIED, "this form did not come from our own page: load it again");
	return 0;
}

int signin_page(struct request *request, int status, const char *title, const char *text, struct err *err)
{
	scoped(buf_done) struct buf page = BUF_INIT(HTML_PAGE_MAX);

	if (html_begin(&page, title, err) < 0 || html_paragraph(&page, "text", text, err) < 0 ||
	    html_end(&page, err) < 0)
		return -1;
	return api_reply_html(request, status, &page, err);
}

int signin_oauth_error(struct request *request, const char *error, const char *description, struct err *err)
{
	scoped(json_decrefp) json_t *value = NULL;

	if (api_json(json_pack("{s:s, s:s}", "error", error, "error_description", description), &value, err) < 0)
		return -1;
	return api_reply_json(request, 400, value, err);
}

bool signin_has_scope(const char *scope, const char *word)
{
	const size_t size = strlen(word);

	for (const char *at = scope; *at;) {
		const size_t length = strcspn(at, " ");

		if (length == size && strncmp(at, word, size) == 0)
			return true;
		at += length + (at[length] == ' ');
	}
	return false;
}
