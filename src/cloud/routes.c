/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/routes.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cloud/auth.h"
#include "cloud/upload.h"
#include "crypto/random.h"
#include "format/hex.h"
#include "format/uri.h"

#define FORM_MAX 16384
#define PCCS "/sgx/certification/v4"

const struct route routes[] = {
    {"GET", "/healthz", ROUTE_OPEN, 0, route_healthz},
    {"GET", "/cloud", ROUTE_OPEN, 0, route_cloud},
    {"GET", "/images", ROUTE_USER, 0, route_images},
    {"GET", "/images/{name}/bill", ROUTE_OPEN, 0, route_image_bill},
    {"GET", "/images/{name}/bill.sig", ROUTE_OPEN, 0, route_image_signature},
    {"GET", "/users/me", ROUTE_USER, 0, route_users_me},
    {"GET", "/projects", ROUTE_USER, 0, route_projects},
    {"GET", "/projects/{id}", ROUTE_USER, 0, route_project},
    {"GET", "/hardwares", ROUTE_USER, 0, route_hardwares},
    {"GET", "/hardwares/{name}", ROUTE_USER, 0, route_hardware},
    {"GET", "/apps", ROUTE_USER, 0, route_apps},
    {"POST", "/apps", ROUTE_USER, UPLOAD_BODY_MAX, route_app_create},
    {"GET", "/apps/default", ROUTE_USER, 0, route_apps_default},
    {"GET", "/apps/{id}", ROUTE_USER, 0, route_app},
    {"DELETE", "/apps/{id}", ROUTE_USER, FORM_MAX, route_app_stop},
    {"POST", "/apps/{id}/stop", ROUTE_USER, FORM_MAX, route_app_stop},
    {"POST", "/apps/{id}/take-over", ROUTE_USER, FORM_MAX, route_app_take_over},
    {"GET", "/apps/{id}/logs", ROUTE_USER, 0, route_app_logs},
    {"GET", "/apps/{id}/metrics", ROUTE_USER, 0, route_app_metrics},
    {"GET", "/apps/{id}/manifest", ROUTE_USER, 0, route_app_manifest},
    {"GET", "/apps/{id}/events", ROUTE_USER, 0, route_app_events},
    {"GET", "/authorize", ROUTE_OPEN, 0, route_authorize},
    {"POST", "/authorize", ROUTE_OPEN, FORM_MAX, route_authorize_post},
    {"POST", "/oauth/token", ROUTE_OPEN, FORM_MAX, route_oauth_token},
    {"POST", "/oauth/device/code", ROUTE_OPEN, FORM_MAX, route_device_code},
    {"GET", "/activate", ROUTE_OPEN, 0, route_activate},
    {"POST", "/activate", ROUTE_OPEN, FORM_MAX, route_activate_post},
    {"GET", "/logout", ROUTE_OPEN, 0, route_logout},
    {"POST", "/logout", ROUTE_OPEN, FORM_MAX, route_logout},
    {"GET", "/userinfo", ROUTE_USER, 0, route_userinfo},
    {"GET", "/.well-known/openid-configuration", ROUTE_OPEN, 0, route_openid_configuration},
    {"GET", "/.well-known/jwks.json", ROUTE_OPEN, 0, route_jwks},
    {"GET", PCCS "/pckcrl", ROUTE_OPEN, 0, route_pckcrl},
    {"GET", PCCS "/tcb", ROUTE_OPEN, 0, route_tcb},
    {"GET", PCCS "/qe/identity", ROUTE_OPEN, 0, route_qe_identity},
    {"GET", PCCS "/rootcacrl", ROUTE_OPEN, 0, route_rootcacrl},
};

const size_t route_count = COUNT_OF(routes);

static bool take_param(const char *segment, size_t size, char ret[static API_PARAM_SIZE])
{
	scoped(buf_done) struct buf text = BUF_INIT(API_PARAM_SIZE - 1);
	struct err ignored = ERR_INIT;

	if (size == 0 || uri_decode(segment, size, false, &text, &ignored) < 0)
		return false;
	(void)snprintf(ret, API_PARAM_SIZE, "%s", buf_text(&text));
	return true;
}

/* Segment by segment; "{…}" takes any one segment that is not empty. */
static bool matches(const char *pattern, const char *path, char ret_params[static API_PARAMS_MAX][API_PARAM_SIZE])
{
	size_t params = 0;

	for (;;) {
		const size_t wanted = strcspn(pattern, "/"), seen = strcspn(path, "/");

		if (pattern[0] == '{') {
			if (params == API_PARAMS_MAX || !take_param(path, seen, ret_params[params]))
				return false;
			params++;
		} else if (wanted != seen || strncmp(pattern, path, seen) != 0) {
			return false;
		}
		if (!pattern[wanted] || !path[seen])
			return pattern[wanted] == path[seen];
		pattern += wanted + 1;
		path += seen + 1;
	}
}

int route_find(const char *method, const char *path, const struct route **ret_route,
	       char ret_params[static API_PARAMS_MAX][API_PARAM_SIZE], bool *ret_other_method)
{
	/* HEAD is GET without the body, which the engine leaves out. */
	const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;

	*ret_other_method = false;
	for (size_t i = 0; i < route_count; i++) {
		if (!matches(routes[i].pattern, path, ret_params))
			continue;
		if (strcmp(routes[i].method, wanted) == 0) {
			*ret_route = &routes[i];
			return 1;
		}
		*ret_other_method = true;
	}
	return 0;
}

int routes_print(struct buf *ret, struct err *err)
{
	for (size_t i = 0; i < route_count; i++)
		if (buf_addf(ret, err, "%s %s %s\n", routes[i].method, routes[i].pattern,
			     routes[i].auth == ROUTE_OPEN ? "open" : "user") < 0)
			return -1;
	return 0;
}

static int dispatch(struct request *request, struct err *err)
{
	bool other_method;

	if (!route_find(http_method(request->exchange), http_path(request->exchange), &request->route, request->params,
			&other_method)) {
		request->status = other_method ? 405 : 404;
		if (other_method)
			return err_set(err, ERR_NOT_FOUND, "this path does not take %s",
				       http_method(request->exchange));
		return err_set(err, ERR_NOT_FOUND, "there is no such path");
	}
	if (request->route->auth == ROUTE_USER && auth_user(request, err) < 0)
		return -1;
	http_set_body_max(request->exchange, request->route->body_max);
	return request->route->handler(request, err);
}

static void make_id(char ret[static API_REQUEST_ID_SIZE])
{
	uint8_t bytes[(API_REQUEST_ID_SIZE - 1) / 2];

	random_bytes(bytes, sizeof(bytes));
	hex_encode(bytes, sizeof(bytes), ret);
}

/* The path alone: a query may hold a code. */
static void log_request(const struct request *request, int64_t started_ns, const char *method, const char *path)
{
	char status[16], ms[32];

	(void)snprintf(status, sizeof(status), "%d", request->status);
	(void)snprintf(ms, sizeof(ms), "%lld", (long long)(clock_monotonic_ns() - started_ns) / 1000000);
	log_event(LOG_INFO, "request", "request_id", request->id, "method", method, "path", path, "status", status,
		  "ms", ms, "user", request->user.email[0] ? request->user.email : "-", NULL);
}

enum http_result routes_handle(struct http_exchange *exchange, void *arg)
{
	struct cloud *cloud = arg;
	struct request request = {.cloud = cloud, .exchange = exchange, .now = cloud_now(cloud)};
	const int64_t started_ns = clock_monotonic_ns();
	struct err err = ERR_INIT;
	int status;

	make_id(request.id);
	status = dispatch(&request, &err);
	if (status == API_DEFERRED)
		return HTTP_DEFERRED;
	if (status < 0 && !http_reply_is_started(exchange))
		api_reply_err(&request, &err);
	log_request(&request, started_ns, http_method(exchange), http_path(exchange));
	return HTTP_HANDLED;
}
