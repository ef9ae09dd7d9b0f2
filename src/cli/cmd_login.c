/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud login, logout (C1, C2). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/api.h"
#include "cli/cmd.h"
#include "cli/sign_in.h"
#include "format/json.h"

#define EMAIL_MAX 320

static int show_user(struct cmd_call *call, const struct api *api, const json_t *user, struct err *err)
{
	const char *email = NULL;
	bool verified = true;
	bool configured = true;

	if (json_get_text(user, "email", EMAIL_MAX, &email, err) < 0 ||
	    json_find_bool(user, "email_verified", &verified, err) < 0 ||
	    json_find_bool(user, "configured", &configured, err) < 0)
		return err_prefix(err, "the cloud's answer");
	if (cmd_has(call, "json"))
		out_json(call->out, json_pack("{s:s,s:s,s:b,s:b}", "email", email, "url", api->url, "email_verified",
					      verified, "configured", configured));
	else
		out_print(call->out, "You are signed in as %s to %s\n", email, api->url);
	if (!verified)
		out_warning(call->out, "Your e-mail address is not confirmed yet: you can deploy once it is");
	if (!configured)
		out_warning(call->out, "Your profile is not complete: please complete it in the console");
	return 0;
}

/* Who the token belongs to; keeps the address in login.toml as the original did. */
static int ask_user(struct api *api, json_t **ret_user, struct err *err)
{
	scoped(json_decrefp) json_t *user = NULL;
	const char *email = NULL;

	if (api_get(api, &user, err, "/users/me") < 0 || json_get_text(user, "email", EMAIL_MAX, &email, err) < 0)
		return -1;
	if (!api->login.email || strcmp(api->login.email, email) != 0) {
		free(api->login.email);
		api->login.email = strdup(email);
		if (!api->login.email)
			return err_no_memory(err);
		if (login_save(api->settings, &api->login, err) < 0)
			return -1;
	}
	*ret_user = TAKE_PTR(user);
	return 0;
}

static int read_token(char **ret_token, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(LOGIN_TOKEN_MAX);
	size_t size;

	if (buf_read_fd(&text, STDIN_FILENO, err) < 0)
		return err_prefix(err, "token");
	size = strcspn(buf_text(&text), " \t\r\n");
	if (size == 0)
		return err_set(err, ERR_INVALID, "there is no token on the standard input");
	*ret_token = strndup(buf_text(&text), size);
	explicit_bzero(text.data, text.size);
	return *ret_token ? 0 : err_no_memory(err);
}

static int sign_in_by_token(struct api *api, struct err *err)
{
	login_done(&api->login);
	api->login.url = strdup(api->url);
	if (!api->login.url)
		return err_no_memory(err);
	if (read_token(&api->login.api_token, err) < 0)
		return -1;
	api->is_signed_in = true;
	return 0;
}

/* A sign-in that is no longer accepted is forgotten, so that the new one takes its place. */
static int already_signed_in(struct cmd_call *call, struct api *api, struct err *err)
{
	scoped(json_decrefp) json_t *user = NULL;
	struct err refused = ERR_INIT;

	if (!api->is_signed_in)
		return 0;
	if (ask_user(api, &user, &refused) == 0) {
		out_info(call->out, "You are already signed in. To sign in as another user, 'mse cloud logout' first");
		return show_user(call, api, user, err) < 0 ? -1 : 1;
	}
	if (refused.code != ERR_UNAUTHENTICATED) {
		*err = refused;
		return -1;
	}
	login_done(&api->login);
	api->is_signed_in = false;
	return login_remove(call->settings, err);
}

static int sign_in(struct cmd_call *call, struct api *api, struct err *err)
{
	scoped(json_decrefp) json_t *user = NULL;
	int found;

	if (cmd_has(call, "token-stdin")) {
		found = sign_in_by_token(api, err);
	} else {
		found = already_signed_in(call, api, err);
		if (found)
			return found < 0 ? -1 : 0;
		found = cmd_has(call, "device") ? sign_in_by_device(api, call->out, err)
						: sign_in_by_browser(api, call->out, err);
	}
	if (found < 0 || ask_user(api, &user, err) < 0)
		return -1;
	out_success(call->out, "Successfully logged in");
	return show_user(call, api, user, err);
}

static int whoami(struct cmd_call *call, struct api *api, struct err *err)
{
	scoped(json_decrefp) json_t *user = NULL;

	if (api_need_login(api, err) < 0 || ask_user(api, &user, err) < 0)
		return -1;
	return show_user(call, api, user, err);
}

int cmd_login(struct cmd_call *call, struct err *err)
{
	struct api api;
	int status;

	if (cmd_has(call, "device") + cmd_has(call, "token-stdin") + cmd_has(call, "whoami") > 1)
		return err_set(err, ERR_INVALID, "only one of --whoami, --device and --token-stdin is possible");
	if (api_open(call->settings, &api, err) < 0)
		return -1;
	status = cmd_has(call, "whoami") ? whoami(call, &api, err) : sign_in(call, &api, err);
	api_close(&api);
	return status;
}

/* The file goes in any case: a cloud that is away must not keep anybody signed in here. */
int cmd_logout(struct cmd_call *call, struct err *err)
{
	struct err refused = ERR_INIT;
	struct api api;

	if (api_open(call->settings, &api, err) < 0)
		return -1;
	if (api.is_signed_in && api.login.refresh_token) {
		json_t *body = json_pack("{s:s}", "refresh_token", api.login.refresh_token);

		if (api_call(&api, &(struct api_request){.method = "POST", .path = "/logout?federated", .body = body},
			     NULL, &refused) < 0)
			out_warning(call->out, "the cloud was not told: %s", refused.text);
		json_decref(body);
	}
	api_close(&api);
	if (login_remove(call->settings, err) < 0)
		return -1;
	out_success(call->out, "You are now logged out");
	return 0;
}
