/* SPDX-License-Identifier: Apache-2.0 */
/* What is read must be writable, and be read again as the same value. */
#include "format/json.h"

#define SIZE_MAX_READ (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(json_decrefp) json_t *root = NULL;
	scoped(json_decrefp) json_t *again = NULL;
	/* A number of a few digits may be written with 17. */
	scoped(buf_done) struct buf text = BUF_INIT(16 * SIZE_MAX_READ);
	struct err err = ERR_INIT;

	if (size > SIZE_MAX_READ || json_parse_strict(data, size, 8, &root, &err) < 0)
		return 0;
	if (json_format(root, &text, &err) < 0 || json_parse_strict(text.data, text.size, 8, &again, &err) < 0 ||
	    !json_equal(root, again))
		__builtin_trap();
	return 0;
}
