/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "format/bill_signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted formats to the very same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(buf_done) struct buf again = BUF_INIT(BILL_SIGNATURE_TEXT_MAX);
	struct bill_signature signature;
	struct err err = ERR_INIT;

	if (bill_signature_parse(data, size, &signature, &err) < 0)
		return 0;
	if (bill_signature_format(&signature, &again, &err) < 0 || again.size != size ||
	    memcmp(again.data, data, size) != 0)
		abort();
	return 0;
}
