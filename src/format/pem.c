/* SPDX-License-Identifier: Apache-2.0 */
#include "format/pem.h"

#include <string.h>

#include "base/number.h"
#include "format/base64.h"

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"
#define LINE_CHARS_MAX 64
#define BODY_MAX (1u << 20) /* base64 digits of one block */

struct line {
	const char *text;
	size_t size; /* without its end and without spaces and NUL at its end */
};

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == 0;
}

/* The line at position, which moves behind its newline. */
static struct line next_line(struct pem_reader *reader)
{
	struct line line = {.text = reader->text + reader->position};
	const size_t left = reader->size - reader->position;
	const char *end = memchr(line.text, '\n', left);

	line.size = end ? (size_t)(end - line.text) : left;
	reader->position += line.size + (end ? 1 : 0);
	while (line.size > 0 && is_blank(line.text[line.size - 1]))
		line.size--;
	return line;
}

/* "-----BEGIN LABEL-----" and its like. */
static bool is_border(const struct line *line, const char *start, const char *label)
{
	const size_t start_size = strlen(start);
	const size_t label_size = strlen(label);

	return line->size == start_size + label_size + strlen(DASHES) && memcmp(line->text, start, start_size) == 0 &&
	       memcmp(line->text + start_size, label, label_size) == 0 &&
	       memcmp(line->text + start_size + label_size, DASHES, strlen(DASHES)) == 0;
}

static bool starts_border(const struct line *line)
{
	return line->size >= strlen(DASHES) && memcmp(line->text, DASHES, strlen(DASHES)) == 0;
}

/* 1: position is behind the BEGIN line; 0: only text between blocks was left. */
static int find_begin(struct pem_reader *reader, const char *label, struct err *err)
{
	while (reader->position < reader->size) {
		const size_t start = reader->position;
		struct line line = next_line(reader);

		while (line.size > 0 && is_blank(*line.text)) {
			line.text++;
			line.size--;
		}
		if (is_border(&line, BEGIN, label))
			return 1;
		if (starts_border(&line))
			return err_set(err, ERR_INVALID, "byte %zu: expected %s%s%s", start, BEGIN, label, DASHES);
		if (line.size > 0 && !reader->explanatory_text)
			return err_set(err, ERR_INVALID, "byte %zu: text outside a PEM block", start);
	}
	return 0;
}

/* Collects the digits up to the END line; only the last line may be short. */
static int read_body(struct pem_reader *reader, const char *label, struct buf *digits, struct err *err)
{
	bool ended = false;

	while (reader->position < reader->size) {
		const size_t start = reader->position;
		const struct line line = next_line(reader);

		if (is_border(&line, END, label))
			return 0;
		if (ended || line.size == 0 || line.size > LINE_CHARS_MAX || starts_border(&line))
			return err_set(err, ERR_INVALID, "byte %zu: bad line in a PEM block", start);
		ended = line.size < LINE_CHARS_MAX;
		if (buf_add(digits, line.text, line.size, err) < 0)
			return -1;
	}
	return err_set(err, ERR_INVALID, "PEM block without %s%s%s", END, label, DASHES);
}

int pem_next(struct pem_reader *reader, const char *label, struct buf *ret_der, struct err *err)
{
	scoped(buf_done) struct buf digits = BUF_INIT(BODY_MAX);
	const int found = find_begin(reader, label, err);
	const size_t start = reader->position;

	if (found <= 0)
		return found;
	if (read_body(reader, label, &digits, err) < 0)
		return -1;
	if (digits.size == 0)
		return err_set(err, ERR_INVALID, "byte %zu: empty PEM block", start);
	buf_clear(ret_der);
	if (base64_decode(buf_text(&digits), digits.size, ret_der, err) < 0)
		return err_prefix(err, "PEM block at byte %zu", start);
	return 1;
}

int pem_format(const char *label, const void *der, size_t size, struct buf *ret, struct err *err)
{
	scoped(buf_done) struct buf digits = BUF_INIT(BODY_MAX);

	if (base64_encode(der, size, &digits, err) < 0 || buf_addf(ret, err, "%s%s%s\n", BEGIN, label, DASHES) < 0)
		return -1;
	for (size_t i = 0; i < digits.size; i += LINE_CHARS_MAX)
		if (buf_add(ret, digits.data + i, size_min(digits.size - i, LINE_CHARS_MAX), err) < 0 ||
		    buf_add_byte(ret, '\n', err) < 0)
			return -1;
	return buf_addf(ret, err, "%s%s%s\n", END, label, DASHES);
}
