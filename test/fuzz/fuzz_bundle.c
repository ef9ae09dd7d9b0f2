/* SPDX-License-Identifier: Apache-2.0 */
/* What parses must format, and parse again to the same. */
#include <string.h>

#include "format/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int format(const struct bundle *bundle, struct buf *ret, struct err *err)
{
	if (bundle_format(bundle, ret, err) < 0)
		return -1;
	return bundle->kind == BUNDLE_EXCHANGE ? bundle_format_hash(ret, bundle->sha256, err) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(bundle_done) struct bundle bundle, again;
	scoped(buf_done) struct buf text = BUF_INIT(BUNDLE_SIZE_MAX);
	scoped(buf_done) struct buf second = BUF_INIT(BUNDLE_SIZE_MAX);
	struct err err = ERR_INIT;

	bundle_init(&bundle);
	bundle_init(&again);
	if (bundle_parse(data, size, &bundle, &err) < 0)
		return 0;
	if (bundle.hashed_size > size || format(&bundle, &text, &err) < 0 ||
	    bundle_parse(text.data, text.size, &again, &err) < 0 || format(&again, &second, &err) < 0 ||
	    second.size != text.size || memcmp(second.data, text.data, text.size) != 0)
		__builtin_trap();
	return 0;
}
