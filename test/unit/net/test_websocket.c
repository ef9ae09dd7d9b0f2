/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/websocket.h"

#define SECOND 1000000000LL
#define LOG_SIZE 4096

/* Bytes of a client, handed out in pieces of at most step. */
struct wire {
	uint8_t data[400000];
	size_t size;
	size_t at;
	size_t step;
};

static struct wire wire;

static size_t read_wire(void *arg, uint8_t *ret, size_t size)
{
	size_t part = wire.size - wire.at;

	(void)arg;
	part = part < size ? part : size;
	part = part < wire.step ? part : wire.step;
	memcpy(ret, wire.data + wire.at, part);
	wire.at += part;
	return part;
}

static void clear(void)
{
	wire.size = wire.at = 0;
	wire.step = SIZE_MAX;
}

static void add(const void *data, size_t size)
{
	assert_true(wire.size + size <= sizeof(wire.data));
	if (size > 0)
		memcpy(wire.data + wire.size, data, size);
	wire.size += size;
}

static void add_byte(unsigned byte)
{
	const uint8_t value = (uint8_t)byte;

	add(&value, 1);
}

/* first: FIN, reserved bits and opcode. */
static void add_frame(unsigned first, const void *data, size_t size)
{
	static const uint8_t mask[4] = {0x11, 0x82, 0xf3, 0x04};
	const uint8_t *bytes = data;

	add_byte(first);
	if (size <= 125) {
		add_byte(0x80 | (unsigned)size);
	} else if (size <= UINT16_MAX) {
		add_byte(0x80 | 126);
		add_byte((unsigned)(size >> 8));
		add_byte((unsigned)size);
	} else {
		add_byte(0x80 | 127);
		for (unsigned i = 0; i < 8; i++)
			add_byte((unsigned)((uint64_t)size >> (56 - 8 * i)));
	}
	add(mask, sizeof(mask));
	for (size_t i = 0; i < size; i++)
		add_byte(bytes[i] ^ mask[i % 4]);
}

static void add_text(unsigned first, const char *text)
{
	add_frame(first, text, strlen(text));
}

static const char *const names[] = {
    [WEBSOCKET_NOTHING] = "nothing", [WEBSOCKET_TEXT] = "text", [WEBSOCKET_BYTES] = "bytes",
    [WEBSOCKET_PING] = "ping",       [WEBSOCKET_PONG] = "pong", [WEBSOCKET_CLOSE] = "close",
    [WEBSOCKET_FAILED] = "failed",
};

/* Every event until nothing is left, as "kind:code:size:data|". */
static const char *events(struct websocket *websocket, int64_t now_ns)
{
	static char log[LOG_SIZE];
	struct websocket_message message;
	size_t size = 0;
	enum websocket_event event;

	log[0] = 0;
	do {
		event = websocket_next(websocket, now_ns, &message);
		if (event == WEBSOCKET_NOTHING && wire.at < wire.size)
			continue;
		if (event != WEBSOCKET_NOTHING)
			size += (size_t)snprintf(log + size, LOG_SIZE - size, "%s:%u:%zu:%.40s|", names[event],
						 message.code, message.size,
						 event == WEBSOCKET_FAILED ? "" : (const char *)message.data);
		/* Data of control frames is not a C string; tests use short ones. */
	} while ((event != WEBSOCKET_NOTHING || wire.at < wire.size) && event != WEBSOCKET_FAILED &&
		 size < LOG_SIZE - 100);
	return log;
}

static struct websocket *begin(struct websocket_limits limits)
{
	struct websocket *websocket;
	struct err err = ERR_INIT;

	assert_ok(websocket_new(&limits, read_wire, NULL, &websocket, &err), &err);
	return websocket;
}

/* The same bytes at once and byte by byte. */
static void check(const char *wanted, struct websocket_limits limits)
{
	for (size_t step = 1; step <= 8192; step *= 8192) {
		scoped(websocket_freep) struct websocket *websocket = begin(limits);

		wire.at = 0;
		wire.step = step;
		assert_string_equal(events(websocket, SECOND), wanted);
	}
}

#define NO_LIMITS ((struct websocket_limits){0})

static void test_messages(void **state)
{
	(void)state;
	clear();
	add_text(0x81, "Hello");
	add_text(0x82, "bytes\xff");
	add_text(0x81, "");
	add_text(0x01, "Hel");
	add_text(0x00, "");
	add_text(0x80, "lo");
	check("text:0:5:Hello|bytes:0:6:bytes\xff|text:0:0:|text:0:5:Hello|", NO_LIMITS);
}

static void test_controls_between_fragments(void **state)
{
	(void)state;
	clear();
	add_text(0x01, "one ");
	add_frame(0x89, "p", 2);
	add_frame(0x8a, "q", 2);
	add_text(0x80, "two");
	add_frame(0x88,
		  "\x03\xe8"
		  "bye",
		  6);
	check("ping:0:2:p|pong:0:2:q|text:0:7:one two|close:1000:4:bye|", NO_LIMITS);
}

static void test_sizes(void **state)
{
	static const size_t sizes[] = {125, 126, 65535, 65536, 65537};
	static uint8_t data[65537];

	(void)state;
	memset(data, 'x', sizeof(data));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char wanted[128];

		clear();
		add_frame(0x82, data, sizes[i]);
		(void)snprintf(wanted, sizeof(wanted), "bytes:0:%zu:%.40s|", sizes[i], (const char *)data);
		check(wanted, NO_LIMITS);
	}
}

struct refusal {
	const char *bytes;
	size_t size;
	const char *wanted;
};

#define MASK "\x01\x02\x03\x04"
#define REFUSAL(bytes, wanted) \
	{ \
		bytes, sizeof(bytes) - 1, wanted \
	}
#define PROTOCOL_ERROR "failed:1002:"

static const struct refusal refusals[] = {
    REFUSAL("\x81\x01"
	    "a",
	    PROTOCOL_ERROR),                                        /* no mask */
    REFUSAL("\x89\x00", PROTOCOL_ERROR),                            /* no mask */
    REFUSAL("\xc1\x80" MASK, PROTOCOL_ERROR),                       /* reserved bits */
    REFUSAL("\xa1\x80" MASK, PROTOCOL_ERROR),                       /* */
    REFUSAL("\x91\x80" MASK, PROTOCOL_ERROR),                       /* */
    REFUSAL("\x83\x80" MASK, PROTOCOL_ERROR),                       /* unknown opcodes */
    REFUSAL("\x87\x80" MASK, PROTOCOL_ERROR),                       /* */
    REFUSAL("\x8b\x80" MASK, PROTOCOL_ERROR),                       /* */
    REFUSAL("\x8f\x80" MASK, PROTOCOL_ERROR),                       /* */
    REFUSAL("\x80\x80" MASK, PROTOCOL_ERROR),                       /* continues nothing */
    REFUSAL("\x01\x80" MASK "\x81\x80" MASK, PROTOCOL_ERROR),       /* a new message within one */
    REFUSAL("\x09\x80" MASK, PROTOCOL_ERROR),                       /* a control frame in fragments */
    REFUSAL("\x89\xfe\x00\x7e" MASK, PROTOCOL_ERROR),               /* a long control frame */
    REFUSAL("\x81\xfe\x00\x7d" MASK, PROTOCOL_ERROR),               /* sizes not in their shortest form */
    REFUSAL("\x81\xff\0\0\0\0\0\0\xff\xff" MASK, PROTOCOL_ERROR),   /* */
    REFUSAL("\x81\xff\x80\0\0\0\0\0\0\0" MASK "a", PROTOCOL_ERROR), /* 63 bits are the most */
    REFUSAL("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff" MASK "a", "failed:1009:"),
    REFUSAL("\x81\x81\0\0\0\0\xff", "failed:1007:"),
    REFUSAL("\x81\x81\0\0\0\0\xc3", "failed:1007:"),
    REFUSAL("\x01\x81\0\0\0\0\xed\x00\x81\0\0\0\0\xa0", "failed:1007:"), /* before the message's end */
    REFUSAL("\x88\x81\0\0\0\0\x03", PROTOCOL_ERROR),
    REFUSAL("\x88\x82\0\0\0\0\x03\xe7", PROTOCOL_ERROR), /* 999 */
    REFUSAL("\x88\x82\0\0\0\0\x03\xed", PROTOCOL_ERROR), /* 1005 */
    REFUSAL("\x88\x82\0\0\0\0\x03\xee", PROTOCOL_ERROR), /* 1006 */
    REFUSAL("\x88\x82\0\0\0\0\x0b\xb7", PROTOCOL_ERROR), /* 2999 */
    REFUSAL("\x88\x82\0\0\0\0\x13\x88", PROTOCOL_ERROR), /* 5000 */
    REFUSAL("\x88\x84\0\0\0\0\x03\xe8\xc3\x28", "failed:1007:"),
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		scoped(websocket_freep) struct websocket *websocket = begin(NO_LIMITS);
		struct websocket_message message;
		const char *got;

		clear();
		add(refusals[i].bytes, refusals[i].size);
		got = events(websocket, SECOND);
		if (strncmp(got, refusals[i].wanted, strlen(refusals[i].wanted)) != 0)
			fail_msg("row %zu: '%s'", i, got);
		/* There is no way back. */
		clear();
		add_text(0x81, "more");
		assert_int_equal(websocket_next(websocket, SECOND, &message), WEBSOCKET_FAILED);
		assert_true(message.size > 0);
	}
}

static void test_close_codes(void **state)
{
	static const unsigned valid[] = {1000, 1001, 1002, 1003, 1007, 1008, 1011, 1012, 1014, 3000, 4999};
	static const unsigned invalid[] = {0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535};

	(void)state;
	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
		assert_true(websocket_code_is_valid(valid[i]));
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		assert_false(websocket_code_is_valid(invalid[i]));
	clear();
	add_frame(0x88, "", 0);
	check("close:1005:0:|", NO_LIMITS);
}

static void test_message_size(void **state)
{
	const struct websocket_limits limits = {.message_max = 10};

	(void)state;
	clear();
	add_text(0x81, "0123456789");
	add_text(0x01, "01234");
	add_text(0x80, "56789");
	check("text:0:10:0123456789|text:0:10:0123456789|", limits);
	clear();
	add_text(0x81, "0123456789x");
	check("failed:1009:24:|", limits);
	clear();
	add_text(0x01, "01234");
	add_text(0x80, "56789x");
	check("failed:1009:24:|", limits);
}

static void test_fragments(void **state)
{
	const struct websocket_limits limits = {.fragments_max = 3};

	(void)state;
	for (int times = 0; times < 2; times++) {
		clear();
		add_text(0x01, "a");
		add_text(0x00, "b");
		if (times == 1)
			add_text(0x00, "x");
		add_text(0x80, "c");
		check(times == 0 ? "text:0:3:abc|" : "failed:1008:18:|", limits);
	}
}

static void test_controls_per_second(void **state)
{
	const struct websocket_limits limits = {.controls_per_second = 3};
	scoped(websocket_freep) struct websocket *websocket = begin(limits);

	(void)state;
	for (int second = 1; second <= 2; second++) {
		clear();
		add_text(0x89, "a");
		add_text(0x01, "");
		add_text(0x80, "b");
		add_text(0x8a, "c");
		assert_string_equal(events(websocket, second * SECOND), "ping:0:1:a|text:0:1:b|pong:0:1:c|");
	}
	clear();
	add_text(0x89, "d");
	assert_string_equal(events(websocket, 2 * SECOND), "failed:1008:23:|");
}

/* An announced length costs nothing before its bytes are there. */
static void test_cut_anywhere(void **state)
{
	scoped(websocket_freep) struct websocket *websocket = begin(NO_LIMITS);
	struct websocket_message message;

	(void)state;
	clear();
	add("\x82\xff\0\0\0\0\0\xff\xff\xff" MASK, 14);
	assert_int_equal(websocket_next(websocket, SECOND, &message), WEBSOCKET_NOTHING);
	assert_int_equal(websocket_next(websocket, SECOND, &message), WEBSOCKET_NOTHING);
}

static void test_heads(void **state)
{
	uint8_t head[WEBSOCKET_HEAD_SIZE_MAX];

	(void)state;
	assert_int_equal(websocket_head(WEBSOCKET_TEXT, 125, head), 2);
	assert_memory_equal(head, "\x81\x7d", 2);
	assert_int_equal(websocket_head(WEBSOCKET_BYTES, 126, head), 4);
	assert_memory_equal(head, "\x82\x7e\x00\x7e", 4);
	assert_int_equal(websocket_head(WEBSOCKET_BYTES, 65535, head), 4);
	assert_memory_equal(head, "\x82\x7e\xff\xff", 4);
	assert_int_equal(websocket_head(WEBSOCKET_BYTES, 65536, head), 10);
	assert_memory_equal(head, "\x82\x7f\0\0\0\0\0\x01\0\0", 10);
	assert_int_equal(websocket_head(WEBSOCKET_PONG, 0, head), 2);
	assert_memory_equal(head, "\x8a\x00", 2);
}

static void test_close_frames(void **state)
{
	uint8_t frame[WEBSOCKET_CONTROL_SIZE_MAX + 2];
	char reason[WEBSOCKET_REASON_MAX];

	(void)state;
	memset(reason, 'r', sizeof(reason));
	assert_int_equal(websocket_close_frame(1000, "bye", 3, frame), 7);
	assert_memory_equal(frame,
			    "\x88\x05\x03\xe8"
			    "bye",
			    7);
	assert_int_equal(websocket_close_frame(WEBSOCKET_NO_STATUS, NULL, 0, frame), 2);
	assert_memory_equal(frame, "\x88\x00", 2);
	assert_int_equal(websocket_close_frame(1001, reason, sizeof(reason), frame), sizeof(frame));
	assert_memory_equal(frame, "\x88\x7d\x03\xe9rrr", 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_messages),     cmocka_unit_test(test_controls_between_fragments),
	    cmocka_unit_test(test_sizes),        cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_close_codes),  cmocka_unit_test(test_message_size),
	    cmocka_unit_test(test_fragments),    cmocka_unit_test(test_controls_per_second),
	    cmocka_unit_test(test_cut_anywhere), cmocka_unit_test(test_heads),
	    cmocka_unit_test(test_close_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
