/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log_text.h"

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

static int add_line(const char *line, size_t size, const struct log_key *key, struct buf *ret, struct log_count *count,
		    struct err *err)
{
	const size_t prefix = strlen(LOG_TEXT_PREFIX);
	struct err refused = ERR_INIT;

	if (size < prefix || memcmp(line, LOG_TEXT_PREFIX, prefix) != 0) {
		if (buf_add(ret, line, size, err) < 0)
			return -1;
		return buf_add_byte(ret, '\n', err);
	}
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

int log_text_open(const char *text, size_t size, const struct log_key *key, struct buf *ret,
		  struct log_count *ret_count, struct err *err)
{
	struct log_count count = {0};
	size_t at = 0;

	while (at < size) {
		const char *end = memchr(text + at, '\n', size - at);
		const size_t length = end ? (size_t)(end - text) - at : size - at;

		if (add_line(text + at, length, key, ret, &count, err) < 0)
			return -1;
		at += length + 1;
	}
	*ret_count = count;
	return 0;
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
