/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authorization code with PKCE (RFC 7636, S256) in the browser: we listen on the loopback, the browser comes back
 * there with the code. The state makes sure that it is the answer to our own question.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/number.h"
#include "base/spawn.h"
#include "cli/interrupt.h"
#include "cli/sign_in.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "format/base64.h"
#include "format/json.h"
#include "format/uri.h"

#define PORT_WANTED 5355
#define PORT_TRIES 20
#define BACKLOG 8
#define WAIT_SECONDS 300
#define REQUEST_MAX 16384
#define REQUEST_TIMEOUT_MS 5000
#define POLL_MS 200
#define VERIFIER_SIZE 32
#define STATE_SIZE 16
#define TEXT_MAX 256
#define CODE_MAX 2048
#define SCOPE "openid profile email offline_access"
#define CALLBACK "/callback"
#define PAGE \
	"<!doctype html><meta charset=utf-8><title>MSE</title><p>You are signed in. You can close this window and " \
	"go back to your terminal."
#define PAGE_FAILED "<!doctype html><meta charset=utf-8><title>MSE</title><p>The sign-in did not succeed."

struct flow {
	int listener;
	uint16_t port;
	struct buf verifier, challenge, state;
	struct buf code;
};

static int listen_on(uint16_t port)
{
	scoped(fd_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int yes = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0)
		return -1;
	return TAKE_FD(fd);
}

static int begin(struct flow *flow, struct err *err)
{
	uint8_t verifier[VERIFIER_SIZE], state[STATE_SIZE], hash[SHA256_SIZE];

	for (uint16_t i = 0; i < PORT_TRIES && flow->listener < 0; i++) {
		flow->port = (uint16_t)(PORT_WANTED + i);
		flow->listener = listen_on(flow->port);
	}
	if (flow->listener < 0)
		return err_set_errno(err, "cannot listen on 127.0.0.1:%d", PORT_WANTED);
	random_bytes(verifier, sizeof(verifier));
	random_bytes(state, sizeof(state));
	if (base64url_encode(verifier, sizeof(verifier), &flow->verifier, err) < 0 ||
	    base64url_encode(state, sizeof(state), &flow->state, err) < 0)
		return -1;
	sha256(flow->verifier.data, flow->verifier.size, hash);
	return base64url_encode(hash, sizeof(hash), &flow->challenge, err);
}

static int add_parameter(struct buf *url, const char *name, const char *value, struct err *err)
{
	if (buf_addf(url, err, "&%s=", name) < 0)
		return -1;
	return uri_encode(value, strlen(value), url, err);
}

static int authorize_url(const struct api *api, const struct flow *flow, const char *redirect, struct buf *ret,
			 struct err *err)
{
	scoped(freep) char *base = NULL;
	const char *audience = api->settings->auth_audience;

	if (api_auth_url(api, &base, err) < 0 || buf_addf(ret, err, "%s/authorize?response_type=code", base) < 0 ||
	    add_parameter(ret, "client_id", api_client_id(api), err) < 0 ||
	    add_parameter(ret, "redirect_uri", redirect, err) < 0 || add_parameter(ret, "scope", SCOPE, err) < 0 ||
	    (audience && add_parameter(ret, "audience", audience, err) < 0) ||
	    add_parameter(ret, "state", buf_text(&flow->state), err) < 0 ||
	    add_parameter(ret, "code_challenge", buf_text(&flow->challenge), err) < 0)
		return -1;
	return add_parameter(ret, "code_challenge_method", "S256", err);
}

/* A browser is a convenience: without one the printed URL does. */
static void open_browser(const char *url)
{
	const char *argv[] = {"xdg-open", url, NULL};
	struct spawn_options options = SPAWN_OPTIONS_INIT;
	struct err ignored = ERR_INIT;
	pid_t pid;

	if (!getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY"))
		return;
	options.argv = argv;
	options.new_session = true;
	IGNORE_RESULT(spawn_start(&options, &pid, &ignored));
}

/* 1: *ret_fd is a connection; 0: none yet. */
static int wait_connection(const struct flow *flow, int *ret_fd, struct err *err)
{
	struct pollfd waiting = {.fd = flow->listener, .events = POLLIN};

	if (interrupt_check(err) < 0)
		return -1;
	if (poll(&waiting, 1, POLL_MS) <= 0)
		return 0;
	*ret_fd = accept4(flow->listener, NULL, NULL, SOCK_CLOEXEC);
	return *ret_fd >= 0;
}

/* The request's target, or "" for what is no GET. */
static void read_target(int fd, char ret_target[static REQUEST_MAX + 1])
{
	const int64_t until = clock_monotonic_ns() + REQUEST_TIMEOUT_MS * (int64_t)1000000;
	char text[REQUEST_MAX + 1] = "";
	size_t size = 0;

	while (size < REQUEST_MAX && !strstr(text, "\r\n") && clock_monotonic_ns() < until) {
		struct pollfd waiting = {.fd = fd, .events = POLLIN};
		ssize_t got;

		if (poll(&waiting, 1, POLL_MS) <= 0)
			continue;
		got = read(fd, text + size, REQUEST_MAX - size);
		if (got <= 0)
			break;
		size += (size_t)got;
		text[size] = '\0';
	}
	ret_target[0] = '\0';
	if (strncmp(text, "GET ", 4) == 0 && strstr(text, "\r\n"))
		(void)snprintf(ret_target, REQUEST_MAX, "%.*s", (int)strcspn(text + 4, " \r\n"), text + 4);
}

static void answer(int fd, const char *status, const char *header, const char *page)
{
	(void)dprintf(fd,
		      "HTTP/1.1 %s\r\n%sContent-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\n"
		      "Cache-Control: no-store\r\nConnection: close\r\n\r\n%s",
		      status, header, strlen(page), page);
}

static void answer_success(const struct api *api, int fd)
{
	char location[TEXT_MAX * 2];

	if (!api->settings->console_url) {
		answer(fd, "200 OK", "", PAGE);
		return;
	}
	(void)snprintf(location, sizeof(location), "Location: %.400s/?origin=cli\r\n", api->settings->console_url);
	answer(fd, "302 Found", location, PAGE);
}

/* 1: the code is in flow; 0: another request. */
static int take_answer(struct flow *flow, const char *target, struct err *err)
{
	scoped(buf_done) struct buf state = BUF_INIT(TEXT_MAX);
	scoped(buf_done) struct buf reason = BUF_INIT(CODE_MAX);
	const size_t path_size = strcspn(target, "?");
	const char *query = target + path_size + (target[path_size] == '?');
	int found;

	if (path_size != strlen(CALLBACK) || strncmp(target, CALLBACK, path_size) != 0)
		return 0;
	found = uri_query_find(query, "state", &state, err);
	if (found < 0)
		return -1;
	if (!found || state.size != flow->state.size || !secret_equal(state.data, flow->state.data, state.size))
		return err_set(err, ERR_UNTRUSTED,
			       "the browser came back with another state: this was not our sign-in");
	if (uri_query_find(query, "error", &reason, err) > 0)
		return err_set(err, ERR_DENIED, "the sign-in was refused: %s", buf_text(&reason));
	found = uri_query_find(query, "code", &flow->code, err);
	if (found == 0)
		return err_set(err, ERR_INVALID, "the browser came back without a code");
	return found;
}

static int serve_one(const struct api *api, struct flow *flow, struct err *err)
{
	scoped(fd_closep) int fd = -1;
	char target[REQUEST_MAX + 1];
	int found = wait_connection(flow, &fd, err);

	if (found <= 0)
		return found;
	read_target(fd, target);
	found = take_answer(flow, target, err);
	if (found > 0)
		answer_success(api, fd);
	else
		answer(fd, found < 0 ? "400 Bad Request" : "404 Not Found", "", PAGE_FAILED);
	return found;
}

static int wait_code(const struct api *api, struct flow *flow, struct err *err)
{
	const int64_t until = clock_monotonic_ns() + WAIT_SECONDS * NS_PER_SECOND;

	while (clock_monotonic_ns() < until) {
		const int found = serve_one(api, flow, err);

		if (found)
			return found < 0 ? -1 : 0;
	}
	return err_set(err, ERR_TIMEOUT, "nobody signed in within %d minutes", WAIT_SECONDS / 60);
}

static int exchange(struct api *api, const struct flow *flow, const char *redirect, struct err *err)
{
	scoped(json_decrefp) json_t *tokens = NULL;
	int status = 0;

	if (api_post_form(api, "/oauth/token", &status, &tokens, err, "grant_type", "authorization_code", "client_id",
			  api_client_id(api), "code", buf_text(&flow->code), "redirect_uri", redirect, "code_verifier",
			  buf_text(&flow->verifier), NULL) < 0)
		return -1;
	if (status != 200)
		return err_set(err, ERR_DENIED, "the sign-in did not accept the code (status %d)", status);
	return api_take_tokens(api, tokens, err);
}

static int run(struct api *api, struct out *out, struct flow *flow, struct err *err)
{
	scoped(buf_done) struct buf url = BUF_INIT(REQUEST_MAX);
	char redirect[TEXT_MAX];

	if (begin(flow, err) < 0)
		return -1;
	(void)snprintf(redirect, sizeof(redirect), "http://127.0.0.1:%u" CALLBACK, flow->port);
	if (authorize_url(api, flow, redirect, &url, err) < 0)
		return -1;
	out_info_link(out, "Please sign in with your browser. If it does not open by itself, go to:\n\n",
		      buf_text(&url), buf_text(&url), "\n");
	open_browser(buf_text(&url));
	if (wait_code(api, flow, err) < 0)
		return -1;
	return exchange(api, flow, redirect, err);
}

int sign_in_by_browser(struct api *api, struct out *out, struct err *err)
{
	struct flow flow = {.listener = -1,
			    .verifier = BUF_INIT(TEXT_MAX),
			    .challenge = BUF_INIT(TEXT_MAX),
			    .state = BUF_INIT(TEXT_MAX),
			    .code = BUF_INIT(CODE_MAX)};
	const int status = run(api, out, &flow, err);

	fd_close(flow.listener);
	buf_done(&flow.verifier);
	buf_done(&flow.challenge);
	buf_done(&flow.state);
	buf_done(&flow.code);
	return status;
}
