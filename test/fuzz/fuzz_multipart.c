/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buf.h"
#include "format/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_MAX (1 << 20)

static int begin(void *arg, const struct multipart_part *part, struct err *err)
{
	return buf_addf(arg, err, "[%s]", part->name);
}

static int add(void *arg, const void *data, size_t size, struct err *err)
{
	return buf_add(arg, data, size, err);
}

static int end(void *arg, struct err *err)
{
	return buf_add_text(arg, "[/]", err);
}

/* Reads in pieces of step bytes; 1 if it was accepted. */
static int read_in_steps(const uint8_t *data, size_t size, size_t step, struct buf *ret)
{
	const struct multipart_handler handler = {.begin = begin, .data = add, .end = end, .arg = ret};
	scoped(multipart_freep) struct multipart *multipart = NULL;
	struct err err = ERR_INIT;

	if (multipart_new("multipart/form-data; boundary=B", &handler, &multipart, &err) < 0)
		__builtin_trap();
	for (size_t at = 0; at < size; at += step)
		if (multipart_feed(multipart, data + at, size - at < step ? size - at : step, &err) < 0)
			return 0;
	return multipart_finish(multipart, &err) == 0;
}

/* However the bytes are cut, the parts are the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(buf_done) struct buf whole = BUF_INIT(OUTPUT_MAX);
	scoped(buf_done) struct buf pieces = BUF_INIT(OUTPUT_MAX);
	int accepted;

	if (size > OUTPUT_MAX / 4)
		return 0;
	accepted = read_in_steps(data, size, size + 1, &whole);
	if (read_in_steps(data, size, 1, &pieces) != accepted)
		__builtin_trap();
	if (accepted && (whole.size != pieces.size || memcmp(buf_text(&whole), buf_text(&pieces), whole.size) != 0))
		__builtin_trap();
	return 0;
}
