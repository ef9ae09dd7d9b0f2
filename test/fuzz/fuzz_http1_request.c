/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request as the server reads it: head, then body. The same bytes in one piece and byte by byte must give the same
 * verdict, and an accepted head must hold what the engine promises to handlers.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/http1_body.h"
#include "net/http1_head.h"

#define PIECE_MAX 7

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static int scan_in_steps(const uint8_t *data, size_t size, size_t step, struct http1_scan *ret, int *ret_status)
{
	*ret = (struct http1_scan){0};
	for (size_t end = 0; end <= size; end += end < size && end + step > size ? size - end : step) {
		const int found = http1_scan(ret, data, end, ret_status);

		if (found != 0)
			return found;
		if (end == size)
			break;
	}
	return 0;
}

static void check_head(const struct http1_head *head)
{
	size_t hosts = 0;

	check(head->header_count <= HTTP_HEADERS_MAX && strlen(head->target) <= HTTP_TARGET_MAX);
	check(*head->target == '/' || *head->target == '*' || *head->target == 'h' || *head->target == 'H');
	check(!(head->framing == HTTP1_CHUNKED &&
		http_headers_find(head->headers, head->header_count, "content-length")));
	for (size_t i = 0; i < head->header_count; i++) {
		check(http_header_is_valid(head->headers[i].name, head->headers[i].value));
		hosts += strcasecmp(head->headers[i].name, "host") == 0;
	}
	check(hosts == 1 || (hosts == 0 && head->minor_version == 0));
}

struct outcome {
	int failed;
	uint64_t taken;
	size_t used;
	uint32_t sum;
};

/* What the decoder makes of data, offered in pieces of at most step bytes. */
static struct outcome decode(const struct http1_head *head, const uint8_t *data, size_t size, size_t step,
			     size_t piece_max)
{
	struct http1_body body;
	struct outcome outcome = {0};
	struct err err = ERR_INIT;

	http1_body_init(&body, head->framing, head->body_size);
	while (!body.done && outcome.used < size) {
		const size_t offered = size - outcome.used < step ? size - outcome.used : step;
		const uint8_t *piece;
		size_t piece_size;
		size_t used;

		if (http1_body_take(&body, data + outcome.used, offered, piece_max, &used, &piece, &piece_size, &err) <
		    0) {
			outcome.failed = 1;
			break;
		}
		check(used > 0 && used <= offered && piece_size <= used && piece_size <= piece_max);
		for (size_t i = 0; i < piece_size; i++)
			outcome.sum = outcome.sum * 31 + piece[i];
		outcome.used += used;
	}
	outcome.taken = body.taken;
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http1_scan whole;
	struct http1_scan stepped;
	struct http1_head head;
	int status = 0;
	int status_stepped = 0;
	const int found = scan_in_steps(data, size, size + 1, &whole, &status);
	uint8_t *copy;

	check(found == scan_in_steps(data, size, 1, &stepped, &status_stepped));
	check(found < 0 ? status == status_stepped && status >= 400 : whole.seen == stepped.seen);
	if (found <= 0)
		return 0;
	copy = malloc(whole.seen);
	if (!copy)
		return 0;
	memcpy(copy, data, whole.seen);
	if (http1_request_parse(copy, whole.seen, &head, &status) == 0) {
		const struct outcome one = decode(&head, data + whole.seen, size - whole.seen, SIZE_MAX, SIZE_MAX);
		const struct outcome two = decode(&head, data + whole.seen, size - whole.seen, 1, PIECE_MAX);

		check_head(&head);
		check(one.failed == two.failed);
		check(one.failed || (one.taken == two.taken && one.used == two.used && one.sum == two.sum));
	} else {
		check(status >= 400 && status <= 505 && head.problem);
	}
	free(copy);
	return 0;
}
