/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log_text.h"

#include <search.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/sealedbox.h"
#include "format/base64.h"

static int open_line(const char *line, size_t size, const struct log_key *key, struct buf *ret, struct err *err)
{
	scoped(buf_done) struct buf box = BUF_INIT(LOG_TEXT_SIZE_MAX);
	scoped(secret_done) struct secret text = SECRET_INIT;

	if (base64_decode(line, size, &box, err) < 0 ||
	    sealedbox_open(key->public_key, key->secret_key.data, box.data, box.size, &text, err) < 0)
		return -1;
	return buf_add(ret, text.data, text.size, err);
}

static bool is_sealed(const char *line, size_t size)
{
	return size >= strlen(LOG_TEXT_PREFIX) && memcmp(line, LOG_TEXT_PREFIX, strlen(LOG_TEXT_PREFIX)) == 0;
}

struct line {
	const char *text;
	size_t size;
};

static int compare_lines(const void *left, const void *right)
{
	const struct line *a = left, *b = right;

	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return memcmp(a->text, b->text, a->size);
}

/* A tree: whoever fills a log with short lines must not make its owner wait. 1: it was there, 0: now it is. */
static int remember(void **seen, const char *text, size_t size, struct err *err)
{
	struct line *line = malloc(sizeof(*line));
	struct line **found;

	if (!line)
		return err_no_memory(err);
	*line = (struct line){text, size};
	found = tsearch(line, seen, compare_lines);
	if (found && *found == line)
		return 0;
	free(line);
	return found ? 1 : err_no_memory(err);
}

/* It begins a line of its own: what was opened before may end in the middle of one. */
static int add_clear(const char *line, size_t size, bool is_marked, struct buf *ret, struct err *err)
{
	if (is_marked && ret->size && ret->data[ret->size - 1] != '\n' && buf_add_byte(ret, '\n', err) < 0)
		return -1;
	if ((is_marked && buf_add_text(ret, LOG_TEXT_HOST, err) < 0) || buf_add(ret, line, size, err) < 0)
		return -1;
	return buf_add_byte(ret, '\n', err);
}

static int add_sealed(const char *line, size_t size, const struct log_key *key, struct buf *ret,
		      struct log_count *count, struct err *err)
{
	const size_t prefix = strlen(LOG_TEXT_PREFIX);
	struct err refused = ERR_INIT;

	if (key->secret_key.data && open_line(line + prefix, size - prefix, key, ret, &refused) == 0) {
		count->opened++;
		return 0;
	}
	if (refused.code == ERR_LIMIT || refused.code == ERR_NO_MEMORY) {
		*err = refused;
		return -1;
	}
	count->unreadable++;
	return 0;
}

static bool has_sealed(const char *text, size_t size)
{
	const char *found = memmem(text, size, LOG_TEXT_PREFIX, strlen(LOG_TEXT_PREFIX));

	while (found && found != text && found[-1] != '\n')
		found = memmem(found + 1, size - (size_t)(found + 1 - text), LOG_TEXT_PREFIX, strlen(LOG_TEXT_PREFIX));
	return found;
}

static int add_line(const struct line *line, bool is_marked, const struct log_key *key, void **seen, struct buf *ret,
		    struct log_count *count, struct err *err)
{
	int repeated;

	if (!is_sealed(line->text, line->size)) {
		count->clear++;
		return add_clear(line->text, line->size, is_marked, ret, err);
	}
	repeated = remember(seen, line->text, line->size, err);
	if (repeated < 0)
		return -1;
	count->repeated += (size_t)repeated;
	return repeated ? 0 : add_sealed(line->text, line->size, key, ret, count, err);
}

int log_text_open(const char *text, size_t size, const struct log_key *key, struct buf *ret,
		  struct log_count *ret_count, struct err *err)
{
	const bool is_marked = has_sealed(text, size);
	struct log_count count = {0};
	void *seen = NULL;
	int status = 0;

	for (size_t at = 0; at < size && status == 0;) {
		const char *end = memchr(text + at, '\n', size - at);
		const struct line line = {text + at, end ? (size_t)(end - text) - at : size - at};

		status = add_line(&line, is_marked, key, &seen, ret, &count, err);
		at += line.size + 1;
	}
	tdestroy(seen, free);
	*ret_count = count;
	return status;
}

void log_text_tame(char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const unsigned char c = (unsigned char)text[i];
		const unsigned char next = i + 1 < size ? (unsigned char)text[i + 1] : 0;

		if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f) {
			text[i] = '?';
		} else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
			/* C1: U+009B is as good as ESC [ to many terminals. */
			text[i++] = '?';
			text[i] = '?';
		}
	}
}
