/* SPDX-License-Identifier: Apache-2.0 */
/* What parses must format to the very same bytes. */
#include <string.h>

#include "format/instance.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(buf_done) struct buf text = BUF_INIT(INSTANCE_SIZE_MAX);
	struct instance instance;
	struct err err = ERR_INIT;

	if (instance_parse(data, size, &instance, &err) < 0)
		return 0;
	if (instance_format(&instance, &text, &err) < 0 || text.size != size || memcmp(text.data, data, size) != 0)
		__builtin_trap();
	return 0;
}
