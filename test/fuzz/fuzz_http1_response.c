/* SPDX-License-Identifier: Apache-2.0 */
/* A response as http_client reads it. The first byte chooses the request's method. */
#include <stdlib.h>
#include <string.h>

#include "net/http1_body.h"
#include "net/http1_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void decode(const struct http1_head *head, const uint8_t *data, size_t size)
{
	struct http1_body body;
	struct err err = ERR_INIT;
	size_t at = 0;

	http1_body_init(&body, head->framing, head->body_size);
	while (!body.done && at < size) {
		const uint8_t *piece;
		size_t piece_size;
		size_t used;

		if (http1_body_take(&body, data + at, size - at, 100, &used, &piece, &piece_size, &err) < 0)
			return;
		check(used > 0 && used <= size - at);
		at += used;
	}
	check((http1_body_ended(&body, &err) == 0) == (body.done || head->framing == HTTP1_UNTIL_CLOSE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const methods[] = {"GET", "HEAD", "POST"};
	struct http1_scan scan = {0};
	struct http1_head head;
	int status;
	uint8_t *copy;

	if (size < 1 || http1_scan(&scan, data + 1, size - 1, &status) <= 0)
		return 0;
	copy = malloc(scan.seen);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, scan.seen);
	if (http1_response_parse(copy, scan.seen, methods[data[0] % COUNT_OF(methods)], &head) == 0) {
		check(head.status >= 100 && head.status <= 599);
		for (size_t i = 0; i < head.header_count; i++)
			check(http_header_is_valid(head.headers[i].name, head.headers[i].value));
		decode(&head, data + 1 + scan.seen, size - 1 - scan.seen);
	} else {
		check(head.problem != NULL);
	}
	free(copy);
	return 0;
}
