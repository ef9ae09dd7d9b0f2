/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of a client. The first byte sets the limits. In one piece and byte by byte the same events must come, no
 * message may pass its limit, text must be UTF-8, and a failure must be the last word.
 */
#include <stdlib.h>
#include <string.h>

#include "format/utf8.h"
#include "net/websocket.h"

#define EVENTS_MAX 64
#define NOW 1000000000LL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct source {
	const uint8_t *data;
	size_t size;
	size_t step;
};

struct record {
	enum websocket_event event;
	size_t size;
	unsigned code;
	uint32_t sum;
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

static size_t read_source(void *arg, uint8_t *ret, size_t size)
{
	struct source *source = arg;
	size_t part = size < source->size ? size : source->size;

	part = part < source->step ? part : source->step;
	if (part > 0)
		memcpy(ret, source->data, part);
	source->data += part;
	source->size -= part;
	return part;
}

static uint32_t sum_of(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = sum * 31 + data[i];
	return sum;
}

static void check_event(enum websocket_event event, const struct websocket_message *message, size_t message_max)
{
	check(message->data != NULL);
	if (event == WEBSOCKET_TEXT)
		check(utf8_is_valid(message->data, message->size));
	if (event == WEBSOCKET_TEXT || event == WEBSOCKET_BYTES)
		check(message->size <= message_max);
	if (event == WEBSOCKET_PING || event == WEBSOCKET_PONG)
		check(message->size <= WEBSOCKET_CONTROL_SIZE_MAX);
	if (event == WEBSOCKET_CLOSE)
		check(message->code == WEBSOCKET_NO_STATUS || websocket_code_is_valid(message->code));
	if (event == WEBSOCKET_FAILED)
		check(message->size > 0 && websocket_code_is_valid(message->code));
}

/* One source's events, at most EVENTS_MAX. */
static size_t collect(struct source source, const struct websocket_limits *limits, struct record *ret)
{
	struct websocket *websocket;
	struct err err = ERR_INIT;
	size_t count = 0;

	if (websocket_new(limits, read_source, &source, &websocket, &err) < 0)
		return 0;
	while (count < EVENTS_MAX) {
		struct websocket_message message;
		const size_t before = source.size;
		const enum websocket_event event = websocket_next(websocket, NOW, &message);

		if (event == WEBSOCKET_NOTHING && before == 0)
			break;
		if (event == WEBSOCKET_NOTHING)
			continue;
		check_event(event, &message, limits->message_max);
		ret[count++] = (struct record){event, message.size, message.code, sum_of(message.data, message.size)};
		if (event == WEBSOCKET_FAILED)
			break;
	}
	websocket_free(websocket);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct record whole[EVENTS_MAX];
	struct record pieces[EVENTS_MAX];
	struct websocket_limits limits = {.message_max = 200, .fragments_max = 8, .controls_per_second = 16};
	size_t count;

	if (size < 1)
		return 0;
	limits.message_max = 1u + data[0] * 4u;
	count = collect((struct source){data + 1, size - 1, SIZE_MAX}, &limits, whole);
	check(count == collect((struct source){data + 1, size - 1, 1}, &limits, pieces));
	for (size_t i = 0; i < count; i++)
		check(whole[i].event == pieces[i].event && whole[i].size == pieces[i].size &&
		      whole[i].code == pieces[i].code && whole[i].sum == pieces[i].sum);
	return 0;
}
