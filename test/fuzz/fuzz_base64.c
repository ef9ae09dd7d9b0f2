/* SPDX-License-Identifier: Apache-2.0 */
/* Both alphabets: there is one text for each bytes, so what decodes must encode to the very same text. */
#include <string.h>

#include "format/base64.h"

#define ROOM (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int (*convert)(const char *text, size_t size, struct buf *ret, struct err *err);
typedef int (*revert)(const void *data, size_t size, struct buf *ret, struct err *err);

static void try(const char *text, size_t size, convert decode, revert encode)
{
	scoped(buf_done) struct buf bytes = BUF_INIT(ROOM);
	scoped(buf_done) struct buf again = BUF_INIT(2 * ROOM);
	struct err err = ERR_INIT;

	if (decode(text, size, &bytes, &err) < 0)
		return;
	if (encode(bytes.data, bytes.size, &again, &err) < 0 || again.size != size ||
	    (size > 0 && memcmp(again.data, text, size) != 0))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try((const char *)data, size, base64_decode, base64_encode);
	try((const char *)data, size, base64url_decode, base64url_encode);
	return 0;
}
