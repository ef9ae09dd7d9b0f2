/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes, decoded for people: what comes out says that it is not verified, and steers no terminal. */
#include <string.h>

#include "cli/show.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(buf_done) struct buf lines = BUF_INIT(64u << 20);
	struct err err = ERR_INIT;
	json_t *object;

	if (show_decode(data, size, &object, &err) < 0)
		return 0;
	if (!json_is_false(json_object_get(object, "verified")) || show_format(object, &lines, &err) < 0)
		__builtin_trap();
	for (size_t i = 0; i < lines.size; i++)
		if (lines.data[i] != '\n' && (lines.data[i] < 0x20 || lines.data[i] > 0x7e))
			__builtin_trap();
	json_decref(object);
	return 0;
}
