/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/api.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "format/json.h"
#include "format/uri.h"

#define CLIENT_ID "mse-cli"
#define REFRESH_EARLY_SECONDS 1000 /* A3 */
#define TOKEN_SECONDS_MAX (366 * 86400)
#define MESSAGE_MAX 2000
#define FORM_MAX (64u << 10)
#define HEADERS_MAX 4

static int find_url(const struct settings *settings, char **ret_url, struct err *err)
{
	scoped(freep) char *by_default = NULL;
	int found;

	if (settings->base_url)
		return trust_normalize_url(settings->base_url, ret_url, err) < 0 ? err_prefix(err, "MSE_BASE_URL") : 0;
	found = trust_default_url(settings, &by_default, err);
	if (found == 0)
		return err_set(err, ERR_NOT_FOUND, "no cloud is known: use 'mse cloud trust add URL' or MSE_BASE_URL");
	*ret_url = TAKE_PTR(by_default);
	return found < 0 ? -1 : 0;
}

/* A sign-in to another cloud is none here: its token must not be sent to this one. */
static int find_login(const struct settings *settings, struct api *api, struct err *err)
{
	const int found = login_load(settings, &api->login, err);

	if (found <= 0)
		return found;
	if (api->login.url && strcmp(api->login.url, api->url) == 0)
		api->is_signed_in = true;
	else
		login_done(&api->login);
	return 0;
}

int api_open(const struct settings *settings, struct api *ret_api, struct err *err)
{
	struct api api = {.settings = settings};
	struct curl_client_options options = {.user_agent = "mse-cli/" MSE_VERSION};
	int found = -1;

	if (find_url(settings, &api.url, err) == 0)
		found = trust_find_by_url(settings, api.url, &api.trust, err);
	api.is_trusted = found > 0;
	if (api.is_trusted) {
		options.ca_pem = api.trust.ca;
		options.ca_pem_size = strlen(api.trust.ca);
	}
	if (found < 0 || find_login(settings, &api, err) < 0 || curl_client_new(&options, &api.client, err) < 0) {
		api_close(&api);
		return -1;
	}
	*ret_api = api;
	return 0;
}

void api_close(struct api *api)
{
	free(api->url);
	trust_done(&api->trust);
	login_done(&api->login);
	curl_client_free(api->client);
	*api = (struct api){0};
}

static int say_login(const struct api *api, struct err *err)
{
	return err_set(err, ERR_UNAUTHENTICATED, "you are not signed in to %s: use 'mse cloud login'", api->url);
}

int api_need_login(const struct api *api, struct err *err)
{
	return api->is_signed_in ? 0 : say_login(api, err);
}

static enum err_code code_of(int status)
{
	switch (status) {
	case 401:
		return ERR_UNAUTHENTICATED;
	case 402:
	case 403:
		return ERR_DENIED;
	case 404:
	case 410:
		return ERR_NOT_FOUND;
	case 409:
		return ERR_CONFLICT;
	case 413:
	case 429:
		return ERR_LIMIT;
	case 502:
	case 503:
	case 504:
		return ERR_UNAVAILABLE;
	}
	return status >= 500 ? ERR_INTERNAL : ERR_INVALID;
}

/* The cloud's own sentence; its request id where the fault is the cloud's. */
static int say_status(const struct curl_response *response, struct err *err)
{
	scoped(json_decrefp) json_t *answer = NULL;
	struct err ignored = ERR_INIT;
	const char *message = NULL;
	const char *id = NULL;

	if (json_parse_strict(response->body.data, response->body.size, API_DEPTH_MAX, &answer, &ignored) == 0) {
		IGNORE_RESULT(json_find_text(answer, "message", MESSAGE_MAX, &message, &ignored));
		IGNORE_RESULT(json_find_text(answer, "request_id", MESSAGE_MAX, &id, &ignored));
	}
	if (response->status == 401)
		return err_set(err, ERR_UNAUTHENTICATED, "%s: sign in again with 'mse cloud login'",
			       message ? message : "your sign-in is not accepted (any more)");
	if (!message)
		return err_set(err, code_of(response->status), "the cloud answered with HTTP status %d",
			       response->status);
	if (id && response->status >= 500)
		return err_set(err, code_of(response->status), "%s (request %s)", message, id);
	return err_set(err, code_of(response->status), "%s", message);
}

static int say_unreachable(const struct api *api, struct err *err)
{
	if (err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT)
		return err_prefix(err, "the cloud at %s cannot be reached", api->url);
	if (err->code == ERR_UNTRUSTED)
		return err_prefix(err, "the cloud at %s shows a certificate that is not trusted", api->url);
	return -1;
}

int api_auth_url(const struct api *api, char **ret_url, struct err *err)
{
	const char *base = api->trust.auth ? api->trust.auth : api->url;
	size_t length = strlen(base);
	int size;

	/* issuers are written with a slash at the end */
	while (length && base[length - 1] == '/')
		length--;
	if (api->settings->auth_domain)
		size = asprintf(ret_url, "https://%s", api->settings->auth_domain);
	else
		size = asprintf(ret_url, "%.*s", (int)length, base);
	return size < 0 ? err_no_memory(err) : 0;
}

const char *api_client_id(const struct api *api)
{
	return api->settings->auth_client_id ? api->settings->auth_client_id : CLIENT_ID;
}

static int add_pair(struct buf *form, const char *name, const char *value, struct err *err)
{
	if ((form->size && buf_add_byte(form, '&', err) < 0) || buf_addf(form, err, "%s=", name) < 0)
		return -1;
	return uri_encode(value, strlen(value), form, err);
}

static int post_form(struct api *api, const char *path, const struct buf *form, int *ret_status, json_t **ret_answer,
		     struct err *err)
{
	struct curl_response response = CURL_RESPONSE_INIT;
	const struct http_header header = {"Content-Type", "application/x-www-form-urlencoded"};
	struct curl_request request = {
	    .method = "POST", .headers = &header, .header_count = 1, .body = form->data, .body_size = form->size};
	scoped(freep) char *base = NULL;
	scoped(freep) char *url = NULL;
	int status;

	if (api_auth_url(api, &base, err) < 0)
		return -1;
	if (asprintf(&url, "%s%s", base, path) < 0)
		return err_no_memory(err);
	request.url = url;
	status = curl_client_request(api->client, &request, &response, err);
	if (status < 0)
		(void)say_unreachable(api, err);
	else
		status = json_parse_strict(response.body.data, response.body.size, API_DEPTH_MAX, ret_answer, err);
	*ret_status = response.status;
	if (status < 0 && response.status)
		(void)err_prefix(err, "the sign-in answered with status %d", response.status);
	curl_response_done(&response);
	return status;
}

int api_post_form(struct api *api, const char *path, int *ret_status, json_t **ret_answer, struct err *err, ...)
{
	scoped(buf_done) struct buf form = BUF_INIT(FORM_MAX);
	const char *name;
	va_list args;
	int status = 0;

	va_start(args, err);
	while (status == 0 && (name = va_arg(args, const char *)))
		status = add_pair(&form, name, va_arg(args, const char *), err);
	va_end(args);
	if (status == 0)
		status = post_form(api, path, &form, ret_status, ret_answer, err);
	if (form.data)
		explicit_bzero(form.data, form.size);
	return status;
}

static int replace(char **field, const char *value, struct err *err)
{
	char *copy = strdup(value);

	if (!copy)
		return err_no_memory(err);
	free(*field);
	*field = copy;
	return 0;
}

int api_take_tokens(struct api *api, const json_t *answer, struct err *err)
{
	const char *access = NULL;
	const char *refresh = NULL;
	int64_t seconds = 0;

	if (json_get_text(answer, "access_token", LOGIN_TOKEN_MAX, &access, err) < 0 ||
	    json_find_text(answer, "refresh_token", LOGIN_TOKEN_MAX, &refresh, err) < 0 ||
	    json_get_int(answer, "expires_in", 1, TOKEN_SECONDS_MAX, &seconds, err) < 0)
		return err_prefix(err, "the sign-in's answer");
	if (replace(&api->login.access_token, access, err) < 0 || replace(&api->login.url, api->url, err) < 0 ||
	    (refresh && replace(&api->login.refresh_token, refresh, err) < 0))
		return -1;
	api->login.access_expires = clock_now_seconds() + seconds;
	api->login.access_refresh =
	    api->login.access_expires - (seconds / 2 < REFRESH_EARLY_SECONDS ? seconds / 2 : REFRESH_EARLY_SECONDS);
	api->is_signed_in = true;
	return login_save(api->settings, &api->login, err);
}

static bool is_fresh(const struct login *login)
{
	return login->access_token && clock_now_seconds() < login->access_refresh;
}

static int refresh_locked(struct api *api, struct err *err)
{
	scoped(json_decrefp) json_t *answer = NULL;
	struct login now = {0};
	int status = 0;

	/* another command may have exchanged the token while we waited for the lock */
	if (login_load(api->settings, &now, err) < 0)
		return -1;
	login_done(&api->login);
	api->login = now;
	if (is_fresh(&api->login))
		return 0;
	if (!api->login.refresh_token)
		return say_login(api, err);
	if (api_post_form(api, "/oauth/token", &status, &answer, err, "grant_type", "refresh_token", "client_id",
			  api_client_id(api), "refresh_token", api->login.refresh_token, NULL) < 0)
		return -1;
	if (status == 200)
		return api_take_tokens(api, answer, err);
	if (api->login.access_expires > clock_now_seconds())
		return 0;
	return err_set(err, ERR_UNAUTHENTICATED, "your sign-in has expired: use 'mse cloud login'");
}

static int fresh_token(struct api *api, const char **ret_token, struct err *err)
{
	scoped(fd_closep) int lock = -1;

	if (api_need_login(api, err) < 0)
		return -1;
	if (api->login.api_token) {
		*ret_token = api->login.api_token;
		return 0;
	}
	if (!is_fresh(&api->login) && (login_lock(api->settings, &lock, err) < 0 || refresh_locked(api, err) < 0))
		return -1;
	*ret_token = api->login.access_token;
	return *ret_token ? 0 : say_login(api, err);
}

static int send_request(struct api *api, const struct api_request *request, struct curl_response *ret_response,
			struct err *err)
{
	scoped(freep) char *url = NULL;
	scoped(freep) char *bearer = NULL;
	scoped(freep) char *body = NULL;
	struct http_header headers[HEADERS_MAX];
	const char *token;
	struct curl_request curl = {.method = request->method,
				    .headers = headers,
				    .parts = request->parts,
				    .part_count = request->part_count,
				    .timeout_ms = request->timeout_ms,
				    .response_max = API_ANSWER_MAX,
				    .progress = request->progress,
				    .progress_arg = request->progress_arg};

	headers[curl.header_count++] = (struct http_header){"Accept", "application/json, text/plain"};
	if (!request->anonymous) {
		if (fresh_token(api, &token, err) < 0)
			return -1;
		if (asprintf(&bearer, "Bearer %s", token) < 0)
			return err_no_memory(err);
		headers[curl.header_count++] = (struct http_header){"Authorization", bearer};
	}
	if (request->body) {
		body = json_dumps(request->body, JSON_COMPACT);
		if (!body)
			return err_no_memory(err);
		headers[curl.header_count++] = (struct http_header){"Content-Type", "application/json"};
		curl.body = body;
		curl.body_size = strlen(body);
	}
	if (asprintf(&url, "%s%s", api->url, request->path) < 0)
		return err_no_memory(err);
	curl.url = url;
	if (curl_client_request(api->client, &curl, ret_response, err) < 0)
		return say_unreachable(api, err);
	if (ret_response->status < 200 || ret_response->status > 299)
		return say_status(ret_response, err);
	return 0;
}

int api_call(struct api *api, const struct api_request *request, json_t **ret_answer, struct err *err)
{
	struct curl_response response = CURL_RESPONSE_INIT;
	json_t *answer = NULL;
	int status = send_request(api, request, &response, err);

	if (status == 0 && ret_answer && response.body.size > 0) {
		status = json_parse_strict(response.body.data, response.body.size, API_DEPTH_MAX, &answer, err);
		if (status < 0)
			(void)err_prefix(err, "the cloud's answer to %s", request->path);
	}
	curl_response_done(&response);
	if (status == 0 && ret_answer)
		*ret_answer = answer;
	return status;
}

int api_get(struct api *api, json_t **ret_answer, struct err *err, const char *path, ...)
{
	scoped(freep) char *full = NULL;
	json_t *answer = NULL;
	va_list args;
	int size;

	va_start(args, path);
	size = vasprintf(&full, path, args);
	va_end(args);
	if (size < 0)
		return err_no_memory(err);
	if (api_call(api, &(struct api_request){.path = full}, &answer, err) < 0)
		return -1;
	if (!answer)
		return err_set(err, ERR_INTERNAL, "the cloud's answer to %s is empty", full);
	*ret_answer = answer;
	return 0;
}

int api_get_text(struct api *api, const char *path, struct buf *ret, struct err *err)
{
	struct curl_response response = CURL_RESPONSE_INIT;
	int status = send_request(api, &(struct api_request){.path = path}, &response, err);

	if (status == 0)
		status = buf_add(ret, response.body.data, response.body.size, err);
	curl_response_done(&response);
	return status;
}
