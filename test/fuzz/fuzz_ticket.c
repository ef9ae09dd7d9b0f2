/* SPDX-License-Identifier: Apache-2.0 */
/* What parses must format to the very same bytes. */
#include <string.h>

#include "format/ticket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[TICKET_SIZE_MAX];
	struct ticket ticket;
	struct err err = ERR_INIT;

	if (ticket_parse(data, size, &ticket, &err) < 0)
		return 0;
	if (ticket_format(&ticket, bytes) != size || memcmp(bytes, data, size) != 0)
		__builtin_trap();
	return 0;
}
