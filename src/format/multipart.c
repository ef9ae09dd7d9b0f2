/* SPDX-License-Identifier: Apache-2.0 */
#include "format/multipart.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

#define PIECE_MAX 65536 /* fed to the state machine at once */

enum state { PREAMBLE, AFTER_BOUNDARY, HEADERS, BODY, EPILOGUE };

struct multipart {
	struct multipart_handler handler;
	char delimiter[4 + MULTIPART_BOUNDARY_MAX + 1]; /* CRLF "--" boundary */
	size_t delimiter_size;
	enum state state;
	size_t part_count;
	size_t skipped; /* bytes of the preamble */
	struct buf pending;
};

static bool is_boundary_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("'()+_,-./:=? ", c));
}

/*
 * Copies the value of parameter name ("; name=value" or quoted) out of a header's value. 1 found, 0 absent. Quoted
 * strings know \" and \\ only.
 */
static int parameter(const char *value, const char *name, char *ret, size_t size, struct err *err)
{
	const size_t name_size = strlen(name);
	const char *at = value;
	size_t used = 0;
	bool quoted;

	for (;;) {
		at = strchr(at, ';');
		if (!at)
			return 0;
		at += 1 + strspn(at + 1, " \t");
		if (strncasecmp(at, name, name_size) == 0 && at[name_size] == '=')
			break;
		/* A quoted value may hold ';': step over it. */
		at += strcspn(at, ";\"");
		if (*at == '"')
			for (at++; *at && *at != '"'; at++)
				at += *at == '\\' && at[1];
	}
	at += name_size + 1;
	quoted = *at == '"';
	for (at += quoted; *at && (quoted ? *at != '"' : !strchr("; \t", *at)); at++) {
		if (quoted && *at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		if (used + 1 >= size)
			return err_set(err, ERR_LIMIT, "parameter '%s' has more than %zu bytes", name, size - 1);
		ret[used++] = *at;
	}
	if (quoted && *at != '"')
		return err_set(err, ERR_INVALID, "parameter '%s' has no closing quote", name);
	ret[used] = 0;
	return 1;
}

static int set_boundary(struct multipart *multipart, const char *content_type, struct err *err)
{
	static const char type[] = "multipart/form-data";
	char *boundary = multipart->delimiter + 4;
	int found;

	if (strncasecmp(content_type, type, sizeof(type) - 1) != 0)
		return err_set(err, ERR_INVALID, "the body must be multipart/form-data, got '%.60s'", content_type);
	found = parameter(content_type, "boundary", boundary, MULTIPART_BOUNDARY_MAX + 1, err);
	if (found < 0)
		return -1;
	if (found == 0 || !*boundary)
		return err_set(err, ERR_INVALID, "multipart/form-data without a boundary");
	for (const char *c = boundary; *c; c++)
		if (!is_boundary_char(*c))
			return err_set(err, ERR_INVALID, "the multipart boundary has a character that is not allowed");
	memcpy(multipart->delimiter, "\r\n--", 4);
	multipart->delimiter_size = strlen(multipart->delimiter);
	return 0;
}

int multipart_new(const char *content_type, const struct multipart_handler *handler, struct multipart **ret,
		  struct err *err)
{
	scoped(multipart_freep) struct multipart *multipart = calloc(1, sizeof(*multipart));

	if (!multipart)
		return err_no_memory(err);
	multipart->handler = *handler;
	multipart->pending = BUF_INIT(PIECE_MAX + MULTIPART_HEADER_MAX + sizeof(multipart->delimiter));
	if (set_boundary(multipart, content_type, err) < 0)
		return -1;
	/* The first boundary needs no line end before it when it opens the body. */
	if (buf_add(&multipart->pending, "\r\n", 2, err) < 0)
		return -1;
	*ret = TAKE_PTR(multipart);
	return 0;
}

void multipart_free(struct multipart *multipart)
{
	if (!multipart)
		return;
	buf_done(&multipart->pending);
	free(multipart);
}

static const uint8_t *find(const struct buf *buf, const void *wanted, size_t size)
{
	return buf->size ? memmem(buf->data, buf->size, wanted, size) : NULL;
}

/* Bytes that cannot be the beginning of a boundary any more. */
static size_t safe_size(const struct multipart *multipart)
{
	const size_t keep = multipart->delimiter_size - 1;

	return multipart->pending.size > keep ? multipart->pending.size - keep : 0;
}

/* 1: went on, 0: needs more bytes */
static int step_preamble(struct multipart *multipart, struct err *err)
{
	const uint8_t *at = find(&multipart->pending, multipart->delimiter, multipart->delimiter_size);
	const size_t skip =
	    at ? (size_t)(at - multipart->pending.data) + multipart->delimiter_size : safe_size(multipart);

	multipart->skipped += skip;
	if (multipart->skipped > MULTIPART_PREAMBLE_MAX)
		return err_set(err, ERR_INVALID, "no multipart boundary in the first %d bytes", MULTIPART_PREAMBLE_MAX);
	buf_consume(&multipart->pending, skip);
	if (at)
		multipart->state = AFTER_BOUNDARY;
	return at != NULL;
}

static int step_after_boundary(struct multipart *multipart, struct err *err)
{
	const char *text = buf_text(&multipart->pending);
	const size_t blanks = strspn(text, " \t");

	if (multipart->pending.size < blanks + 2) {
		if (multipart->pending.size > MULTIPART_HEADER_MAX)
			return err_set(err, ERR_INVALID, "a multipart boundary without a line end");
		return 0;
	}
	if (blanks == 0 && memcmp(text, "--", 2) == 0) {
		multipart->state = EPILOGUE;
		return 1;
	}
	if (memcmp(text + blanks, "\r\n", 2) != 0)
		return err_set(err, ERR_INVALID, "a multipart boundary without a line end");
	/* The line end stays: headers that are empty then read as CRLF CRLF too. */
	buf_consume(&multipart->pending, blanks);
	if (++multipart->part_count > MULTIPART_PARTS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d parts", MULTIPART_PARTS_MAX);
	multipart->state = HEADERS;
	return 1;
}

static int header_line(const char *line, struct multipart_part *part, struct err *err)
{
	static const char disposition[] = "Content-Disposition:", encoding[] = "Content-Transfer-Encoding:";
	int found;

	if (strncasecmp(line, encoding, sizeof(encoding) - 1) == 0) {
		const char *value = line + sizeof(encoding) - 1;

		value += strspn(value, " \t");
		if (strcasecmp(value, "binary") != 0 && strcasecmp(value, "7bit") != 0 &&
		    strcasecmp(value, "8bit") != 0)
			return err_set(err, ERR_UNSUPPORTED, "a part in transfer encoding '%.40s'", value);
	}
	if (strncasecmp(line, disposition, sizeof(disposition) - 1) != 0)
		return 0;
	if (part->name[0])
		return err_set(err, ERR_INVALID, "a part with two Content-Disposition lines");
	line += sizeof(disposition) - 1;
	line += strspn(line, " \t");
	if (strncasecmp(line, "form-data", 9) != 0)
		return err_set(err, ERR_INVALID, "a part that is not form-data");
	found = parameter(line, "name", part->name, sizeof(part->name), err);
	if (found == 0)
		return err_set(err, ERR_INVALID, "a part without a name");
	return found < 0 ? -1 : 0;
}

/* text: CRLF line CRLF line … CRLF, changed in place. */
static int read_headers(char *text, struct multipart_part *part, struct err *err)
{
	char *end;

	for (char *line = text + 2; (end = strstr(line, "\r\n")); line = end + 2) {
		*end = 0;
		if (header_line(line, part, err) < 0)
			return -1;
	}
	if (!part->name[0])
		return err_set(err, ERR_INVALID, "a part without a name");
	return 0;
}

static int step_headers(struct multipart *multipart, struct err *err)
{
	const uint8_t *at = find(&multipart->pending, "\r\n\r\n", 4);
	struct multipart_part part = {.name = ""};
	size_t size;

	if (!at && multipart->pending.size > MULTIPART_HEADER_MAX)
		return err_set(err, ERR_LIMIT, "header lines of a part have more than %d bytes", MULTIPART_HEADER_MAX);
	if (!at)
		return 0;
	size = (size_t)(at - multipart->pending.data) + 2;
	if (size > MULTIPART_HEADER_MAX)
		return err_set(err, ERR_LIMIT, "header lines of a part have more than %d bytes", MULTIPART_HEADER_MAX);
	if (memchr(multipart->pending.data, 0, size))
		return err_set(err, ERR_INVALID, "a zero byte in the header lines of a part");
	multipart->pending.data[size] = 0;
	if (read_headers((char *)multipart->pending.data, &part, err) < 0)
		return -1;
	buf_consume(&multipart->pending, size + 2);
	multipart->state = BODY;
	return multipart->handler.begin(multipart->handler.arg, &part, err) < 0 ? -1 : 1;
}

static int step_body(struct multipart *multipart, struct err *err)
{
	const uint8_t *at = find(&multipart->pending, multipart->delimiter, multipart->delimiter_size);
	const size_t size = at ? (size_t)(at - multipart->pending.data) : safe_size(multipart);

	if (size > 0 && multipart->handler.data(multipart->handler.arg, multipart->pending.data, size, err) < 0)
		return -1;
	buf_consume(&multipart->pending, at ? size + multipart->delimiter_size : size);
	if (!at)
		return 0;
	multipart->state = AFTER_BOUNDARY;
	return multipart->handler.end(multipart->handler.arg, err) < 0 ? -1 : 1;
}

static int step(struct multipart *multipart, struct err *err)
{
	switch (multipart->state) {
	case PREAMBLE:
		return step_preamble(multipart, err);
	case AFTER_BOUNDARY:
		return step_after_boundary(multipart, err);
	case HEADERS:
		return step_headers(multipart, err);
	case BODY:
		return step_body(multipart, err);
	case EPILOGUE:
		buf_clear(&multipart->pending);
		return 0;
	}
	return err_set(err, ERR_INTERNAL, "no such state");
}

int multipart_feed(struct multipart *multipart, const void *data, size_t size, struct err *err)
{
	const uint8_t *at = data;

	while (size > 0) {
		const size_t piece = size < PIECE_MAX ? size : PIECE_MAX;
		int status;

		if (buf_add(&multipart->pending, at, piece, err) < 0)
			return -1;
		do {
			status = step(multipart, err);
		} while (status == 1);
		if (status < 0)
			return -1;
		at += piece;
		size -= piece;
	}
	return 0;
}

int multipart_finish(const struct multipart *multipart, struct err *err)
{
	if (multipart->state != EPILOGUE)
		return err_set(err, ERR_INVALID, "the multipart body ends before its closing boundary");
	return 0;
}
