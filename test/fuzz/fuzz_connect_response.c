/* SPDX-License-Identifier: Apache-2.0 */
/* An app's answer as mse connect passes it on: the client's parser must find the same status and framing in it. */
#include <stdlib.h>
#include <string.h>

#include "cli/connect_rules.h"

#define ROOM (4u * HTTP_HEADER_BYTES_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static const struct connect_site site = {
    .app = {.host = "app.localhost", .port = 8443, .has_port = true}, .names = {"127.0.0.1:8080"}, .name_count = 1};

static void check_written(struct buf *text, const struct http1_head *old)
{
	struct http1_scan scan = {0};
	struct http1_head head;
	const char *location;
	int status;

	if (text->size > HTTP_HEADER_BYTES_MAX || http1_scan(&scan, text->data, text->size, &status) < 0)
		return; /* a line more than is allowed */
	check(scan.seen == text->size);
	check(http1_response_parse(text->data, text->size, "GET", &head) == 0);
	check(head.status == old->status && head.framing == old->framing && head.body_size == old->body_size);
	check(!http_headers_find(head.headers, head.header_count, "alt-svc"));
	check(!http_headers_find(head.headers, head.header_count, "mse-error"));
	location = http_headers_find(head.headers, head.header_count, "location");
	check(!location ||
	      (strncmp(location, "https://app.localhost/", 22) != 0 && strncmp(location, "//app.localhost/", 16) != 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct connect_request request = {.keep_alive = true, .is_upgrade = true};
	struct buf text = BUF_INIT(ROOM);
	struct http1_scan scan = {0};
	struct http1_head head;
	struct err err = ERR_INIT;
	int status;
	uint8_t *copy;

	if (http1_scan(&scan, data, size, &status) <= 0)
		return 0;
	copy = malloc(scan.seen);
	if (!copy)
		return 0;
	memcpy(copy, data, scan.seen);
	if (http1_response_parse(copy, scan.seen, "GET", &head) == 0 &&
	    connect_response_format(&site, &head, &request, &text, &err) == 0)
		check_written(&text, &head);
	buf_done(&text);
	free(copy);
	return 0;
}
