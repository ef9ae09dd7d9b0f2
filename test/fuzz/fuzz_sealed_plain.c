/* SPDX-License-Identifier: Apache-2.0 */
/* The fields inside the sealed state: what parses is written back to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "enclave/attested/sealed_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sealed_part parts[SEALED_FIELD_COUNT];
	scoped(secret_done) struct secret again = SECRET_INIT;
	struct err err = ERR_INIT;

	if (sealed_plain_parse(data, size, parts, &err) < 0)
		return 0;
	if (sealed_plain_format(parts, &again, &err) < 0 || again.size != size || memcmp(again.data, data, size) != 0)
		abort();
	return 0;
}
