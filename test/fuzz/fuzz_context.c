/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(context_done) struct context context = {0};
	struct err err = ERR_INIT;

	if (context_parse(data, size, &context, &err) == 0) {
		scoped(buf_done) struct buf text = BUF_INIT(CONTEXT_SIZE_MAX);
		scoped(context_done) struct context again = {0};

		if (context_format(&context, &text, &err) == 0 && context_parse(text.data, text.size, &again, &err) < 0)
			__builtin_trap();
	}
	return 0;
}
