/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "format/bill.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted formats to the very same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(bill_freep) struct bill *bill = NULL;
	scoped(buf_done) struct buf again = BUF_INIT(BILL_TEXT_MAX);
	struct err err = ERR_INIT;

	if (bill_parse(data, size, &bill, &err) < 0)
		return 0;
	if (bill_format(bill, &again, &err) < 0 || again.size != size || memcmp(again.data, data, size) != 0)
		abort();
	return 0;
}
