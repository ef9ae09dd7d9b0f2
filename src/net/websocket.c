/* SPDX-License-Identifier: Apache-2.0 */
#include "net/websocket.h"

#include <malloc.h>
#include <string.h>
#include <wslay/wslay.h>

#include "base/clock.h"
#include "format/utf8.h"

#define NO_MESSAGE WSLAY_CONTINUATION_FRAME

struct websocket {
	struct websocket_limits limits;
	wslay_frame_context_ptr frames;
	websocket_read read;
	void *arg;
	uint64_t frame_got; /* bytes of the present frame */
	bool in_frame;
	uint8_t opcode; /* of the message under way; NO_MESSAGE */
	bool was_given; /* the message is with the caller: its memory may be used again */
	unsigned fragments;
	struct utf8_check utf8;
	struct buf message;
	uint8_t control[WEBSOCKET_CONTROL_SIZE_MAX];
	size_t control_size;
	int64_t second; /* the present one, and the control frames in it */
	unsigned controls;
	unsigned failure; /* code; 0: none */
	const char *problem;
};

static ssize_t take_bytes(uint8_t *ret, size_t size, int flags, void *arg)
{
	struct websocket *websocket = arg;

	(void)flags;
	return (ssize_t)websocket->read(websocket->arg, ret, size);
}

int websocket_new(const struct websocket_limits *limits, websocket_read read, void *arg,
		  struct websocket **ret_websocket, struct err *err)
{
	const struct wslay_frame_callbacks callbacks = {.recv_callback = take_bytes};
	struct websocket *websocket = calloc(1, sizeof(*websocket));

	if (!websocket || wslay_frame_context_init(&websocket->frames, &callbacks, websocket) != 0) {
		free(websocket);
		return err_no_memory(err);
	}
	websocket->limits = (struct websocket_limits){
	    .message_max = limits->message_max ? limits->message_max : WEBSOCKET_MESSAGE_DEFAULT,
	    .fragments_max = limits->fragments_max ? limits->fragments_max : WEBSOCKET_FRAGMENTS_DEFAULT,
	    .controls_per_second =
		limits->controls_per_second ? limits->controls_per_second : WEBSOCKET_CONTROLS_DEFAULT,
	};
	websocket->message = BUF_INIT(websocket->limits.message_max);
	websocket->read = read;
	websocket->arg = arg;
	*ret_websocket = websocket;
	return 0;
}

/* What a client has sent does not stay in freed memory. */
static void drop_message(struct websocket *websocket)
{
	if (websocket->message.data)
		explicit_bzero(websocket->message.data, websocket->message.capacity);
	buf_done(&websocket->message);
	websocket->message = BUF_INIT(websocket->limits.message_max);
	websocket->was_given = false;
}

void websocket_free(struct websocket *websocket)
{
	if (!websocket)
		return;
	drop_message(websocket);
	explicit_bzero(websocket->frames, malloc_usable_size(websocket->frames));
	wslay_frame_context_free(websocket->frames);
	free(websocket);
}

static enum websocket_event fail(struct websocket *websocket, unsigned code, const char *problem)
{
	websocket->failure = code;
	websocket->problem = problem;
	return WEBSOCKET_FAILED;
}

/* ---- frames ---- */

/* Pings, pongs and empty fragments cost work and bring nothing. */
static bool is_in_rate(struct websocket *websocket, int64_t now_ns)
{
	const int64_t second = now_ns / NS_PER_SECOND;

	if (second != websocket->second)
		websocket->controls = 0;
	websocket->second = second;
	return ++websocket->controls <= websocket->limits.controls_per_second;
}

static enum websocket_event begin_data(struct websocket *websocket, const struct wslay_frame_iocb *frame)
{
	const bool is_continued = frame->opcode == WSLAY_CONTINUATION_FRAME;

	if (is_continued != (websocket->opcode != NO_MESSAGE))
		return fail(websocket, WEBSOCKET_PROTOCOL_ERROR, "fragments out of order");
	if (!is_continued) {
		websocket->opcode = frame->opcode;
		websocket->fragments = 0;
		websocket->utf8 = (struct utf8_check){0};
	}
	if (++websocket->fragments > websocket->limits.fragments_max)
		return fail(websocket, WEBSOCKET_POLICY, "too many fragments");
	if (frame->payload_length > websocket->limits.message_max - websocket->message.size)
		return fail(websocket, WEBSOCKET_TOO_BIG, "the message is too large");
	return WEBSOCKET_NOTHING;
}

static enum websocket_event begin_frame(struct websocket *websocket, const struct wslay_frame_iocb *frame,
					int64_t now_ns)
{
	const bool is_control = wslay_is_ctrl_frame(frame->opcode);
	const bool is_known = frame->opcode <= WSLAY_BINARY_FRAME || (is_control && frame->opcode <= WSLAY_PONG);

	if (!frame->mask)
		return fail(websocket, WEBSOCKET_PROTOCOL_ERROR, "a frame without a mask");
	if (frame->rsv != WSLAY_RSV_NONE || !is_known)
		return fail(websocket, WEBSOCKET_PROTOCOL_ERROR, "a frame of no known kind");
	if ((is_control || (frame->payload_length == 0 && !frame->fin)) && !is_in_rate(websocket, now_ns))
		return fail(websocket, WEBSOCKET_POLICY, "too many control frames");
	websocket->in_frame = true;
	websocket->frame_got = 0;
	websocket->control_size = 0;
	return is_control ? WEBSOCKET_NOTHING : begin_data(websocket, frame);
}

/* As buf_add, but what a client has sent does not stay behind in memory that was outgrown. */
static int add_data(struct websocket *websocket, const struct wslay_frame_iocb *frame, struct err *err)
{
	struct buf *message = &websocket->message;
	struct buf grown = BUF_INIT(message->max);
	const size_t wanted = message->size + frame->data_length;
	uint8_t *room;

	if (wanted < message->capacity)
		return buf_add(message, frame->data, frame->data_length, err);
	if (buf_reserve(&grown, wanted, &room, err) < 0)
		return -1;
	if (buf_add(&grown, message->data, message->size, err) < 0 ||
	    buf_add(&grown, frame->data, frame->data_length, err) < 0) {
		buf_done(&grown);
		return -1;
	}
	if (message->data)
		explicit_bzero(message->data, message->capacity);
	buf_done(message);
	*message = grown;
	return 0;
}

static enum websocket_event take_data(struct websocket *websocket, const struct wslay_frame_iocb *frame)
{
	struct err ignored = ERR_INIT;

	if (websocket->opcode == WSLAY_TEXT_FRAME &&
	    !utf8_check_take(&websocket->utf8, frame->data, frame->data_length))
		return fail(websocket, WEBSOCKET_INVALID_DATA, "text that is not UTF-8");
	if (frame->data_length > 0 && add_data(websocket, frame, &ignored) < 0)
		return fail(websocket, WEBSOCKET_INTERNAL, "no memory");
	return WEBSOCKET_NOTHING;
}

/* wslay has refused more than WEBSOCKET_CONTROL_SIZE_MAX. */
static void take_control(struct websocket *websocket, const struct wslay_frame_iocb *frame)
{
	if (frame->data_length > 0)
		memcpy(websocket->control + websocket->control_size, frame->data, frame->data_length);
	websocket->control_size += frame->data_length;
}

/* ---- what a whole frame means ---- */

static enum websocket_event end_close(struct websocket *websocket, struct websocket_message *ret)
{
	const uint8_t *bytes = websocket->control;
	const size_t size = websocket->control_size;

	if (size == 0) {
		*ret = (struct websocket_message){.data = bytes, .code = WEBSOCKET_NO_STATUS};
		return WEBSOCKET_CLOSE;
	}
	if (size == 1 || !websocket_code_is_valid((unsigned)(bytes[0] << 8 | bytes[1])))
		return fail(websocket, WEBSOCKET_PROTOCOL_ERROR, "a close without a valid code");
	if (!utf8_is_valid(bytes + 2, size - 2))
		return fail(websocket, WEBSOCKET_INVALID_DATA, "a reason that is not UTF-8");
	*ret = (struct websocket_message){bytes + 2, size - 2, (unsigned)(bytes[0] << 8 | bytes[1])};
	return WEBSOCKET_CLOSE;
}

static enum websocket_event end_control(struct websocket *websocket, uint8_t opcode, struct websocket_message *ret)
{
	if (opcode == WSLAY_CONNECTION_CLOSE)
		return end_close(websocket, ret);
	*ret = (struct websocket_message){.data = websocket->control, .size = websocket->control_size};
	return opcode == WSLAY_PING ? WEBSOCKET_PING : WEBSOCKET_PONG;
}

static enum websocket_event end_message(struct websocket *websocket, struct websocket_message *ret)
{
	const bool is_text = websocket->opcode == WSLAY_TEXT_FRAME;

	if (is_text && !utf8_check_is_whole(&websocket->utf8))
		return fail(websocket, WEBSOCKET_INVALID_DATA, "text that ends within a character");
	websocket->opcode = NO_MESSAGE;
	websocket->was_given = true;
	*ret = (struct websocket_message){.data = (const uint8_t *)buf_text(&websocket->message),
					  .size = websocket->message.size};
	return is_text ? WEBSOCKET_TEXT : WEBSOCKET_BYTES;
}

static enum websocket_event end_frame(struct websocket *websocket, const struct wslay_frame_iocb *frame,
				      struct websocket_message *ret)
{
	websocket->in_frame = false;
	if (wslay_is_ctrl_frame(frame->opcode))
		return end_control(websocket, frame->opcode, ret);
	return frame->fin ? end_message(websocket, ret) : WEBSOCKET_NOTHING;
}

/* One piece of a frame. */
static enum websocket_event take_piece(struct websocket *websocket, const struct wslay_frame_iocb *frame,
				       int64_t now_ns, struct websocket_message *ret)
{
	enum websocket_event event = WEBSOCKET_NOTHING;

	if (!websocket->in_frame)
		event = begin_frame(websocket, frame, now_ns);
	if (event == WEBSOCKET_NOTHING && wslay_is_ctrl_frame(frame->opcode))
		take_control(websocket, frame);
	else if (event == WEBSOCKET_NOTHING)
		event = take_data(websocket, frame);
	websocket->frame_got += frame->data_length;
	if (event == WEBSOCKET_NOTHING && websocket->frame_got == frame->payload_length)
		event = end_frame(websocket, frame, ret);
	return event;
}

static enum websocket_event look(struct websocket *websocket, int64_t now_ns, struct websocket_message *ret)
{
	while (websocket->failure == 0) {
		struct wslay_frame_iocb frame = {0};
		const ssize_t got = wslay_frame_recv(websocket->frames, &frame);
		enum websocket_event event;

		if (got == WSLAY_ERR_WANT_READ)
			return WEBSOCKET_NOTHING;
		if (got < 0)
			return fail(websocket, WEBSOCKET_PROTOCOL_ERROR, "a malformed frame");
		event = take_piece(websocket, &frame, now_ns, ret);
		if (event != WEBSOCKET_NOTHING)
			return event;
	}
	return WEBSOCKET_FAILED;
}

enum websocket_event websocket_next(struct websocket *websocket, int64_t now_ns, struct websocket_message *ret)
{
	enum websocket_event event;

	if (websocket->was_given)
		drop_message(websocket);
	*ret = (struct websocket_message){.data = (const uint8_t *)""};
	event = look(websocket, now_ns, ret);
	if (event == WEBSOCKET_FAILED)
		*ret = (struct websocket_message){(const uint8_t *)websocket->problem, strlen(websocket->problem),
						  websocket->failure};
	return event;
}
