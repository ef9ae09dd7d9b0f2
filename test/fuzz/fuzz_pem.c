/* SPDX-License-Identifier: Apache-2.0 */
/* First byte: explanatory text allowed or not. Each block that is read must be written and read again. */
#include <string.h>

#include "format/pem.h"

#define ROOM (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round(const struct buf *der)
{
	scoped(buf_done) struct buf text = BUF_INIT(2 * ROOM);
	scoped(buf_done) struct buf again = BUF_INIT(ROOM);
	struct pem_reader reader;
	struct err err = ERR_INIT;

	if (pem_format(PEM_CERTIFICATE, der->data, der->size, &text, &err) < 0)
		__builtin_trap();
	reader = (struct pem_reader){.text = buf_text(&text), .size = text.size};
	if (pem_next(&reader, PEM_CERTIFICATE, &again, &err) != 1 || again.size != der->size ||
	    memcmp(again.data, der->data, der->size) != 0 || pem_next(&reader, PEM_CERTIFICATE, &again, &err) != 0)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(buf_done) struct buf der = BUF_INIT(ROOM);
	struct pem_reader reader;
	struct err err = ERR_INIT;

	if (size == 0)
		return 0;
	reader = (struct pem_reader){.text = (const char *)data + 1, .size = size - 1, .explanatory_text = data[0] & 1};
	while (pem_next(&reader, PEM_CERTIFICATE, &der, &err) == 1)
		check_round(&der);
	return 0;
}
