/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect_rules.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "format/attest_message.h"

static int refuse(struct connect_refusal *ret, int status, const char *name, const char *why)
{
	*ret = (struct connect_refusal){status, name, why};
	return -1;
}

/* ---- names ---- */

/* "HOST:PORT", "HOST" or either behind "http[s]://": does it name the app? Its ports, and those of a plain URL. */
static bool names_app(const struct connect_site *site, const char *authority)
{
	struct err ignored = ERR_INIT;
	struct hostport named;

	if (hostport_parse(authority, HTTPS_PORT, &named, &ignored) < 0)
		return false;
	return strcmp(named.host, site->app.host) == 0 &&
	       (named.port == site->app.port || named.port == HTTPS_PORT || named.port == HTTP_PORT);
}

/* 80 is what a browser leaves out. */
static bool is_name(const char *name, const char *host)
{
	const size_t size = strlen(host);

	if (strncasecmp(name, host, size) != 0)
		return false;
	return name[size] == '\0' || strcmp(name + size, ":80") == 0;
}

static bool names_us(const struct connect_site *site, const char *host)
{
	for (size_t i = 0; i < site->name_count; i++) {
		if (*host && is_name(site->names[i], host))
			return true;
	}
	return false;
}

/* Cuts the scheme off an origin or URL; NULL if it has none of ours. */
static const char *behind_scheme(const char *url)
{
	if (strncasecmp(url, "http://", 7) == 0)
		return url + 7;
	return strncasecmp(url, "https://", 8) == 0 ? url + 8 : NULL;
}

/* The authority of "http[s]://AUTHORITY[/…]" and what follows it. false: none, or too long. */
static bool split_url(const char *url, char ret_authority[static CONNECT_NAME_SIZE], const char **ret_rest)
{
	const char *authority = behind_scheme(url);
	const size_t size = authority ? strcspn(authority, "/?#") : 0;

	if (size == 0 || size >= CONNECT_NAME_SIZE)
		return false;
	memcpy(ret_authority, authority, size);
	ret_authority[size] = '\0';
	*ret_rest = authority + size;
	return true;
}

enum origin { ORIGIN_OURS, ORIGIN_APP, ORIGIN_OTHER };

static enum origin origin_of(const struct connect_site *site, const char *url, const char **ret_rest)
{
	char authority[CONNECT_NAME_SIZE];

	if (!split_url(url, authority, ret_rest))
		return ORIGIN_OTHER;
	if (names_us(site, authority))
		return ORIGIN_OURS;
	return names_app(site, authority) ? ORIGIN_APP : ORIGIN_OTHER;
}

/* ---- judging ---- */

/* Every field called name must have one of the two values. */
static bool all_are(const struct http1_head *head, const char *name, const char *value, const char *other)
{
	for (size_t i = 0; i < head->header_count; i++) {
		const struct http_header *header = &head->headers[i];

		if (strcasecmp(header->name, name) == 0 && strcasecmp(header->value, value) != 0 &&
		    strcasecmp(header->value, other) != 0)
			return false;
	}
	return true;
}

/* Of our own pages where we are the server; of the app's where we are its proxy, as which its name leads here. */
static bool origins_fit(const struct connect_site *site, const struct http1_head *head, enum origin wanted)
{
	const char *rest;

	for (size_t i = 0; i < head->header_count; i++) {
		if (strcasecmp(head->headers[i].name, "origin") == 0 &&
		    (origin_of(site, head->headers[i].value, &rest) != wanted || *rest))
			return false;
	}
	return true;
}

/* Stricter than "cross-site is refused": another port of localhost is the same site to a browser. */
static int judge_browser(const struct connect_site *site, const struct http1_head *head, enum origin wanted,
			 struct connect_refusal *ret)
{
	if (!all_are(head, "sec-fetch-site", "same-origin", "none"))
		return refuse(ret, 403, "cross-site", "a page of another site asks: only the app's own pages may");
	if (site->name_count > 0 && !origins_fit(site, head, wanted))
		return refuse(ret, 403, "cross-site", "the Origin is another site: only pages of this address may ask");
	return 0;
}

static int judge_host(const struct connect_site *site, const struct http1_head *head, struct connect_request *request,
		      enum origin *ret_wanted, struct connect_refusal *ret)
{
	*ret_wanted = ORIGIN_OURS;
	if (strcmp(head->method, "CONNECT") == 0) {
		request->form = CONNECT_FORM_TUNNEL;
		*ret_wanted = ORIGIN_APP;
		if (names_app(site, head->target) && (!*head->host || names_app(site, head->host)))
			return 0;
		return refuse(ret, 421, "misdirected", "CONNECT names another host than the app's domain");
	}
	if (head->target[0] == '/' || strcmp(head->target, "*") == 0) {
		request->form = CONNECT_FORM_ORIGIN;
		request->target = head->target;
		return site->name_count == 0 || names_us(site, head->host)
			   ? 0
			   : refuse(ret, 421, "misdirected", "the Host is not the address that mse connect has");
	}
	request->form = CONNECT_FORM_ABSOLUTE;
	switch (origin_of(site, head->target, &request->target)) {
	case ORIGIN_OTHER:
		return refuse(ret, 421, "misdirected", "the URL is of another host than the app's domain");
	case ORIGIN_OURS:
		break;
	case ORIGIN_APP:
		*ret_wanted = ORIGIN_APP;
		if (!names_app(site, head->host))
			return refuse(ret, 421, "misdirected", "Host and URL name different hosts");
		return 0;
	}
	return names_us(site, head->host)
		   ? 0
		   : refuse(ret, 421, "misdirected", "the Host is not the address that mse connect has");
}

/* Evidence is asked for by us, for our connection; the runtime counts the questions. */
static bool is_attestation(const char *target)
{
	const size_t size = strlen(ATTEST_PATH);

	return strncmp(target, ATTEST_PATH, size) == 0 && (target[size] == '\0' || target[size] == '?');
}

static bool is_repeatable(const char *method)
{
	static const char *const methods[] = {"GET", "HEAD", "OPTIONS"};

	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		if (strcmp(method, methods[i]) == 0)
			return true;
	}
	return false;
}

/* The only field called name; NULL: none, or more than one. */
static const char *find_single(const struct http1_head *head, const char *name)
{
	const char *found = NULL;

	for (size_t i = 0; i < head->header_count; i++) {
		if (strcasecmp(head->headers[i].name, name) != 0)
			continue;
		if (found)
			return NULL;
		found = head->headers[i].value;
	}
	return found;
}

/*
 * The one protocol that is asked for, or NULL. Of a list the app could choose what we do not expect, and another
 * version of HTTP (h2c) would be spoken past our rules: such a request goes on without its Upgrade.
 */
static const char *asked_upgrade(const struct http1_head *head)
{
	const char *upgrade = find_single(head, "upgrade");

	if (!upgrade || head->minor_version == 0 || head->framing != HTTP1_NO_BODY ||
	    strcmp(head->method, "GET") != 0 || !http1_head_lists(head, "connection", "upgrade"))
		return NULL;
	if (!*upgrade || strpbrk(upgrade, ", \t") || strlen(upgrade) >= CONNECT_UPGRADE_SIZE)
		return NULL;
	return strncasecmp(upgrade, "h2", 2) == 0 || strncasecmp(upgrade, "http", 4) == 0 ? NULL : upgrade;
}

bool connect_upgrade_fits(const struct connect_request *request, const struct http1_head *answer)
{
	const char *upgrade = find_single(answer, "upgrade");

	return request->is_upgrade && upgrade && strcasecmp(upgrade, request->upgrade) == 0;
}

int connect_request_judge(const struct connect_site *site, const struct http1_head *head, struct connect_request *ret,
			  struct connect_refusal *ret_refusal)
{
	const char *upgrade = asked_upgrade(head);
	enum origin wanted;

	*ret = (struct connect_request){
	    .is_upgrade = upgrade != NULL,
	    .is_head = strcmp(head->method, "HEAD") == 0,
	    .is_repeatable = is_repeatable(head->method) && head->framing == HTTP1_NO_BODY,
	    .has_answer_1_0 = head->minor_version == 0,
	    .keep_alive = head->keep_alive && head->minor_version > 0,
	};
	(void)snprintf(ret->upgrade, sizeof(ret->upgrade), "%s", upgrade ? upgrade : "");
	if (judge_host(site, head, ret, &wanted, ret_refusal) < 0 || judge_browser(site, head, wanted, ret_refusal) < 0)
		return -1;
	if (ret->target && is_attestation(ret->target))
		return refuse(ret_refusal, 404, "reserved", "mse connect itself asks for the evidence");
	return 0;
}

/* ---- writing heads ---- */

/* Between two neighbours only (RFC 9110 7.6.1), or ours to say. */
static bool is_dropped(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

/* Named by Connection; the framing and Host are never dropped that way. */
static bool is_listed(const struct http1_head *head, const char *name)
{
	static const char *const kept[] = {"content-length", "transfer-encoding", "host"};

	return !is_dropped(name, kept, COUNT_OF(kept)) && http1_head_lists(head, "connection", name);
}

static int add_field(struct buf *ret, const char *name, const char *value, struct err *err)
{
	return buf_addf(ret, err, "%s: %s\r\n", name, value);
}

static int add_app(const struct connect_site *site, struct buf *ret, struct err *err)
{
	return hostport_format(&site->app, HTTPS_PORT, ret, err);
}

/* Our own origin is the app's to the app. */
static int add_own_url(const struct connect_site *site, const struct http_header *header, struct buf *ret,
		       struct err *err)
{
	const char *rest = "";

	if (origin_of(site, header->value, &rest) != ORIGIN_OURS)
		return add_field(ret, header->name, header->value, err);
	if (buf_addf(ret, err, "%s: https://", header->name) < 0 || add_app(site, ret, err) < 0)
		return -1;
	return buf_addf(ret, err, "%s\r\n", rest);
}

static int add_request_field(const struct connect_site *site, const struct http1_head *head,
			     const struct http_header *header, bool is_upgrade, struct buf *ret, struct err *err)
{
	static const char *const dropped[] = {
	    "host", "connection", "keep-alive", "proxy-connection",   "proxy-authorization",
	    "te",   "trailer",    "upgrade",    "proxy-authenticate", "http2-settings"};

	if (is_upgrade && strcasecmp(header->name, "upgrade") == 0)
		return add_field(ret, header->name, header->value, err);
	if (is_dropped(header->name, dropped, COUNT_OF(dropped)) || is_listed(head, header->name))
		return 0;
	if (strcasecmp(header->name, "origin") == 0 || strcasecmp(header->name, "referer") == 0)
		return add_own_url(site, header, ret, err);
	return add_field(ret, header->name, header->value, err);
}

int connect_request_format(const struct connect_site *site, const struct http1_head *head,
			   const struct connect_request *request, struct buf *ret, struct err *err)
{
	const char *slash = request->target[0] == '/' || request->target[0] == '*' ? "" : "/";

	if (buf_addf(ret, err, "%s %s%s HTTP/1.%d\r\nHost: ", head->method, slash, request->target,
		     request->has_answer_1_0 ? 0 : 1) < 0 ||
	    add_app(site, ret, err) < 0 || buf_add_text(ret, "\r\n", err) < 0)
		return -1;
	for (size_t i = 0; i < head->header_count; i++) {
		if (add_request_field(site, head, &head->headers[i], request->is_upgrade, ret, err) < 0)
			return -1;
	}
	return buf_add_text(ret, request->is_upgrade ? "Connection: Upgrade\r\n\r\n" : "\r\n", err);
}

/* A redirect to the app's own origin, or with its host only, becomes a path: the client stays with us. */
static const char *own_path(const struct connect_site *site, const char *url)
{
	char authority[CONNECT_NAME_SIZE];
	const char *rest = url;

	if (strncmp(url, "//", 2) == 0) {
		const size_t size = strcspn(url + 2, "/?#");

		if (size == 0 || size >= sizeof(authority))
			return url;
		memcpy(authority, url + 2, size);
		authority[size] = '\0';
		return names_app(site, authority) ? url + 2 + size : url;
	}
	return origin_of(site, url, &rest) == ORIGIN_APP ? rest : url;
}

static int add_response_field(const struct connect_site *site, const struct http1_head *head,
			      const struct http_header *header, bool is_upgrade, struct buf *ret, struct err *err)
{
	static const char *const dropped[] = {"connection", "keep-alive", "proxy-connection", "proxy-authenticate",
					      "upgrade",    "alt-svc",    "mse-error",        "trailer",
					      "te",         "alternates"};
	const char *path;

	if (is_upgrade && strcasecmp(header->name, "upgrade") == 0)
		return add_field(ret, header->name, header->value, err);
	if (is_dropped(header->name, dropped, COUNT_OF(dropped)) || is_listed(head, header->name))
		return 0;
	if (strcasecmp(header->name, "location") != 0 && strcasecmp(header->name, "content-location") != 0)
		return add_field(ret, header->name, header->value, err);
	path = own_path(site, header->value);
	/* "https://DOMAIN" and "https://DOMAIN//elsewhere": what is left must not name a host again. */
	if (path != header->value && (path[0] != '/' || path[1] == '/'))
		return buf_addf(ret, err, "%s: /%s%s\r\n", header->name, path[0] == '/' ? "." : "", path);
	return add_field(ret, header->name, path, err);
}

int connect_response_format(const struct connect_site *site, const struct http1_head *head,
			    const struct connect_request *request, struct buf *ret, struct err *err)
{
	const bool is_upgrade = head->status == 101;
	const bool ends =
	    !is_upgrade && head->status >= 200 && (!request->keep_alive || head->framing == HTTP1_UNTIL_CLOSE);

	if (buf_addf(ret, err, "HTTP/1.1 %d %s\r\n", head->status, http_status_text(head->status)) < 0)
		return -1;
	for (size_t i = 0; i < head->header_count; i++) {
		if (add_response_field(site, head, &head->headers[i], is_upgrade, ret, err) < 0)
			return -1;
	}
	if (is_upgrade)
		return buf_add_text(ret, "Connection: Upgrade\r\n\r\n", err);
	return buf_add_text(ret, ends ? "Connection: close\r\n\r\n" : "\r\n", err);
}
