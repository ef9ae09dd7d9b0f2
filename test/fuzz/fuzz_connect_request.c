/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request head as mse connect takes it, and as it is written for the app. What was taken names us or the app, and
 * the new head must say to the app's parser what the old one said to ours: one Host, the same framing, no head of
 * somebody else's inside.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/connect_raw.h"

#define ROOM (4u * HTTP_HEADER_BYTES_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static const struct connect_site site = {.app = {.host = "app.localhost", .port = 8443, .has_port = true},
					 .names = {"127.0.0.1:8080", "localhost:8080"},
					 .name_count = 2};

static bool has(const struct http1_head *head, const char *name)
{
	return http_headers_find(head->headers, head->header_count, name) != NULL;
}

/* Parses what was written: whole, nothing behind it. */
static void check_written(const struct buf *text, const struct http1_head *old, const struct connect_request *request)
{
	struct http1_scan scan = {0};
	struct http1_head head;
	int status;
	uint8_t *copy;

	if (text->size > HTTP_HEADER_BYTES_MAX)
		return; /* the app refuses it */
	check(http1_scan(&scan, text->data, text->size, &status) == 1 && scan.seen == text->size);
	copy = malloc(text->size);
	if (!copy)
		return;
	memcpy(copy, text->data, text->size);
	if (http1_request_parse(copy, text->size, &head, &status) == 0) {
		check(strcmp(head.host, "app.localhost:8443") == 0 && strcmp(head.method, old->method) == 0);
		check(head.framing == old->framing && head.body_size == old->body_size);
		check(*head.target == '/' || *head.target == '*');
		check(!has(&head, "proxy-connection") && !has(&head, "te") && !has(&head, "keep-alive"));
		check(has(&head, "upgrade") == request->is_upgrade);
	} else {
		check(status == 414 || status == 431 || strcmp(head.problem, "malformed target") == 0);
	}
	free(copy);
}

static void check_taken(const struct http1_head *head, const struct connect_request *request)
{
	if (request->form == CONNECT_FORM_ORIGIN)
		check(strcasecmp(head->host, "127.0.0.1:8080") == 0 || strcasecmp(head->host, "localhost:8080") == 0);
	else
		check(strcasestr(head->target, "app.localhost") || strcasestr(head->target, "localhost:8080") ||
		      strstr(head->target, "127.0.0.1:8080"));
	for (size_t i = 0; i < head->header_count; i++) {
		if (strcasecmp(head->headers[i].name, "sec-fetch-site") == 0)
			check(strcasecmp(head->headers[i].value, "same-origin") == 0 ||
			      strcasecmp(head->headers[i].value, "none") == 0);
	}
}

static void try_head(uint8_t *data, size_t size)
{
	struct buf text = BUF_INIT(ROOM);
	struct connect_refusal refusal = {0};
	struct connect_request request;
	struct http1_head head;
	struct err err = ERR_INIT;
	int status;

	if (http1_proxy_request_parse(data, size, &head, &status) < 0)
		return;
	if (connect_request_judge(&site, &head, &request, &refusal) < 0) {
		check(refusal.status >= 400 && refusal.status < 500 && refusal.name && refusal.why);
		check(connect_raw_judge(&site, &head, &refusal) < 0); /* stricter, never looser */
		return;
	}
	check_taken(&head, &request);
	check((request.target == NULL) == (request.form == CONNECT_FORM_TUNNEL));
	if (request.target && connect_request_format(&site, &head, &request, &text, &err) == 0)
		check_written(&text, &head, &request);
	buf_done(&text);
}

/* Whatever our parser takes for a request is none that passes a raw port unseen. */
static void check_raw(const uint8_t *data, size_t size)
{
	struct connect_refusal refusal = {0};

	check(connect_sniff(&site, CONNECT_SPEAKS_UNNAMED, data, size, &refusal) == CONNECT_SNIFF_REFUSE);
	check(refusal.name && refusal.why);
	check(connect_sniff(&site, CONNECT_SPEAKS_TLS, data, size, &refusal) == CONNECT_SNIFF_REFUSE);
	check(connect_sniff(&site, CONNECT_SPEAKS_TEXT, data, size, &refusal) == CONNECT_SNIFF_REFUSE);
	check(connect_sniff(&site, CONNECT_SPEAKS_HTTP, data, size, &refusal) == CONNECT_SNIFF_HTTP);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http1_scan scan = {0};
	struct http1_head head;
	int status;
	uint8_t *copy;

	if (http1_scan(&scan, data, size, &status) <= 0)
		return 0;
	copy = malloc(scan.seen);
	if (!copy)
		return 0;
	memcpy(copy, data, scan.seen);
	try_head(copy, scan.seen);
	memcpy(copy, data, scan.seen);
	if (http1_request_parse(copy, scan.seen, &head, &status) == 0)
		check_raw(data, scan.seen);
	free(copy);
	return 0;
}
