/* SPDX-License-Identifier: Apache-2.0 */
/* Device authorization grant (RFC 8628): for machines without a browser. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/interrupt.h"
#include "cli/sign_in.h"
#include "format/json.h"

#define CODE_MAX 2048
#define INTERVAL_DEFAULT 5
#define INTERVAL_MAX 60
#define SLOW_DOWN_SECONDS 5 /* RFC 8628 3.5 */
#define LIFE_MAX 3600
#define SCOPE "openid profile email offline_access"
#define GRANT "urn:ietf:params:oauth:grant-type:device_code"

struct grant {
	const char *device_code;
	int64_t interval;
	int64_t seconds;
};

static int show(struct out *out, const json_t *answer, struct grant *ret, struct err *err)
{
	const char *user_code = NULL;
	const char *uri = NULL;
	const char *complete = NULL;
	char code[128];

	ret->interval = INTERVAL_DEFAULT;
	if (json_get_text(answer, "device_code", CODE_MAX, &ret->device_code, err) < 0 ||
	    json_get_text(answer, "user_code", 64, &user_code, err) < 0 ||
	    json_get_text(answer, "verification_uri", CODE_MAX, &uri, err) < 0 ||
	    json_find_text(answer, "verification_uri_complete", CODE_MAX, &complete, err) < 0 ||
	    json_get_int(answer, "expires_in", 1, LIFE_MAX, &ret->seconds, err) < 0 ||
	    json_find_int(answer, "interval", 0, INTERVAL_MAX, &ret->interval, err) < 0)
		return err_prefix(err, "the sign-in's answer");
	(void)snprintf(code, sizeof(code), " and enter the code %s", user_code);
	out_info_link(out, "Go to ", complete ? complete : uri, uri, code);
	return 0;
}

/* 1 signed in, 0 ask again. */
static int ask(struct api *api, struct grant *grant, struct err *err)
{
	scoped(json_decrefp) json_t *answer = NULL;
	const char *error = NULL;
	int status = 0;

	if (api_post_form(api, "/oauth/token", &status, &answer, err, "grant_type", GRANT, "client_id",
			  api_client_id(api), "device_code", grant->device_code, NULL) < 0)
		return -1;
	if (status == 200)
		return api_take_tokens(api, answer, err) < 0 ? -1 : 1;
	if (json_get_text(answer, "error", CODE_MAX, &error, err) < 0)
		return -1;
	if (strcmp(error, "authorization_pending") == 0)
		return 0;
	if (strcmp(error, "slow_down") == 0) {
		grant->interval += SLOW_DOWN_SECONDS;
		return 0;
	}
	return err_set(err, ERR_DENIED, "the sign-in was refused: %s", error);
}

int sign_in_by_device(struct api *api, struct out *out, struct err *err)
{
	scoped(json_decrefp) json_t *answer = NULL;
	struct grant grant = {0};
	int64_t until;
	int status = 0;

	if (api_post_form(api, "/oauth/device/code", &status, &answer, err, "client_id", api_client_id(api), "scope",
			  SCOPE, "audience", api->settings->auth_audience ? api->settings->auth_audience : api->url,
			  NULL) < 0)
		return -1;
	if (status != 200)
		return err_set(err, ERR_UNSUPPORTED, "the sign-in offers no codes for other devices (status %d)",
			       status);
	if (show(out, answer, &grant, err) < 0)
		return -1;
	until = clock_monotonic_ns() + grant.seconds * NS_PER_SECOND;
	while (clock_monotonic_ns() < until) {
		int found;

		if (interrupt_sleep_ms((int)grant.interval * 1000, err) < 0)
			return -1;
		found = ask(api, &grant, err);
		if (found)
			return found < 0 ? -1 : 0;
	}
	return err_set(err, ERR_TIMEOUT, "nobody entered the code within %lld minutes", (long long)grant.seconds / 60);
}
