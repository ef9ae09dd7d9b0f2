/* SPDX-License-Identifier: Apache-2.0 */
/* What an enclave may send to the quoting thread. */
#include <stddef.h>
#include <stdint.h>

#include "sim/quoter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int make(void *arg, const struct quoter_enclave *enclave,
		const uint8_t report_data[static QUOTER_REPORT_DATA_SIZE], struct buf *ret, struct err *err)
{
	(void)arg;
	(void)enclave;
	return buf_add(ret, report_data, QUOTER_REPORT_DATA_SIZE, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[QUOTER_SECRET_SIZE];
	const struct secret secret = {.data = bytes, .size = sizeof(bytes)};
	const struct quoter_config config = {.node_secret = &secret, .make = make};
	const struct quoter_enclave enclave = {.isv_svn = 1};
	scoped(buf_done) struct buf reply = BUF_INIT(QUOTER_MESSAGE_MAX);

	quoter_answer(&config, &enclave, data, size, &reply);
	if (reply.size == 0 || (reply.data[0] != QUOTER_DONE && reply.data[0] != QUOTER_FAILED))
		__builtin_trap();
	return 0;
}
