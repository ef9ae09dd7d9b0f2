/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http1_body.h"

#include "base/number.h"

enum state {
	SIZE,          /* hexadecimal digits */
	EXTENSION,     /* behind ';' up to CR */
	SIZE_LF,       /* LF of the size line */
	DATA,          /* chunk data */
	DATA_CR,       /* CR LF behind it */
	DATA_LF,       /* */
	TRAILER_START, /* first byte of a trailer line */
	TRAILER_NAME,  /* inside its name */
	TRAILER,       /* behind its colon */
	TRAILER_LF,    /* LF of one */
	END_LF,        /* LF of the last, empty line */
};

#define SIZE_DIGITS_MAX 16

void http1_body_init(struct http1_body *body, enum http1_framing framing, uint64_t size)
{
	*body = (struct http1_body){
	    .framing = framing,
	    .state = SIZE,
	    .extension_max = HTTP1_CHUNK_EXTENSION_MAX,
	    .trailer_max = HTTP1_TRAILER_MAX,
	};
	if (framing == HTTP1_SIZED)
		body->left = size;
	body->done = framing == HTTP1_NO_BODY || (framing == HTTP1_SIZED && size == 0);
}

static int hex_value(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return -1;
}

static int malformed(struct err *err)
{
	return err_set(err, ERR_INVALID, "malformed chunked body");
}

static int take_size(struct http1_body *body, uint8_t byte, struct err *err)
{
	const int value = hex_value(byte);

	if (value >= 0) {
		if (++body->digits > SIZE_DIGITS_MAX || body->left > (uint64_t)INT64_MAX >> 4)
			return err_set(err, ERR_LIMIT, "chunk size too large");
		body->left = body->left << 4 | (uint64_t)value;
		return 0;
	}
	if (body->digits == 0 || (byte != ';' && byte != '\r'))
		return malformed(err);
	body->state = byte == ';' ? EXTENSION : SIZE_LF;
	return 0;
}

static int take_extension(struct http1_body *body, uint8_t byte, struct err *err)
{
	if (byte == '\r') {
		body->state = SIZE_LF;
		return 0;
	}
	if (byte != '\t' && (byte < 0x20 || byte == 0x7f))
		return malformed(err);
	if (++body->extension_size > body->extension_max)
		return err_set(err, ERR_LIMIT, "more than %zu bytes of chunk extensions", body->extension_max);
	return 0;
}

/* A line that begins with a blank would be a folded field; one without a colon is none. */
static int take_trailer_name(struct http1_body *body, uint8_t byte, struct err *err)
{
	if (byte == ':' && body->state == TRAILER_NAME) {
		body->state = TRAILER;
		return 0;
	}
	if (!http_is_token_byte(byte))
		return malformed(err);
	body->state = TRAILER_NAME;
	return 0;
}

static int take_trailer(struct http1_body *body, uint8_t byte, struct err *err)
{
	if (byte == '\r' && body->state != TRAILER_NAME) {
		body->state = body->state == TRAILER_START ? END_LF : TRAILER_LF;
		return 0;
	}
	if (++body->trailer_size > body->trailer_max)
		return err_set(err, ERR_LIMIT, "more than %zu bytes of trailer fields", body->trailer_max);
	if (body->state != TRAILER)
		return take_trailer_name(body, byte, err);
	return byte != '\t' && (byte < 0x20 || byte == 0x7f) ? malformed(err) : 0;
}

static void size_line_ended(struct http1_body *body)
{
	body->state = body->left > 0 ? DATA : TRAILER_START;
}

/* The byte wanted next, for states that want exactly one. */
static int take_exact(struct http1_body *body, uint8_t byte, struct err *err)
{
	if (byte != (body->state == DATA_CR ? '\r' : '\n'))
		return malformed(err);
	switch ((enum state)body->state) {
	case SIZE_LF:
		size_line_ended(body);
		break;
	case DATA_CR:
		body->state = DATA_LF;
		break;
	case DATA_LF:
		body->state = SIZE;
		body->digits = 0;
		break;
	case TRAILER_LF:
		body->state = TRAILER_START;
		break;
	case END_LF:
		body->done = true;
		break;
	case SIZE:
	case EXTENSION:
	case DATA:
	case TRAILER_START:
	case TRAILER_NAME:
	case TRAILER:
		break;
	}
	return 0;
}

static int take_byte(struct http1_body *body, uint8_t byte, struct err *err)
{
	switch ((enum state)body->state) {
	case SIZE:
		return take_size(body, byte, err);
	case EXTENSION:
		return take_extension(body, byte, err);
	case TRAILER_START:
	case TRAILER_NAME:
	case TRAILER:
		return take_trailer(body, byte, err);
	case DATA: /* never here: data goes in pieces */
	case SIZE_LF:
	case DATA_CR:
	case DATA_LF:
	case TRAILER_LF:
	case END_LF:
		break;
	}
	return take_exact(body, byte, err);
}

uint64_t http1_body_direct(const struct http1_body *body)
{
	if (body->done || (body->framing == HTTP1_CHUNKED && body->state != DATA))
		return 0;
	return body->framing == HTTP1_UNTIL_CLOSE ? INT64_MAX : body->left;
}

void http1_body_skip(struct http1_body *body, uint64_t size)
{
	body->taken += size;
	if (body->framing == HTTP1_UNTIL_CLOSE)
		return;
	body->left -= size;
	if (body->left > 0)
		return;
	if (body->framing == HTTP1_CHUNKED)
		body->state = DATA_CR;
	else
		body->done = true;
}

int http1_body_take(struct http1_body *body, const uint8_t *data, size_t size, size_t piece_max, size_t *ret_used,
		    const uint8_t **ret_data, size_t *ret_size, struct err *err)
{
	size_t used = 0;
	size_t piece;

	while (!body->done && used < size && http1_body_direct(body) == 0) {
		if (take_byte(body, data[used], err) < 0)
			return -1;
		used++;
	}
	piece = size_min(size - used, piece_max);
	if (http1_body_direct(body) < piece)
		piece = (size_t)http1_body_direct(body);
	*ret_data = data + used;
	*ret_size = piece;
	*ret_used = used + piece;
	if (piece > 0)
		http1_body_skip(body, piece);
	return 0;
}

int http1_body_ended(struct http1_body *body, struct err *err)
{
	if (body->framing == HTTP1_UNTIL_CLOSE)
		body->done = true;
	if (!body->done)
		return err_set(err, ERR_UNAVAILABLE, "the connection ended inside a body");
	return 0;
}
