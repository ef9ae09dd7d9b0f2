/* SPDX-License-Identifier: Apache-2.0 */
/* What is parsed lies within the bytes that were given. */
#include <assert.h>

#include "format/sgx_quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sgx_quote quote;
	enum sgx_quote_fault fault;
	struct err err = ERR_INIT;

	if (sgx_quote_parse(data, size, &quote, &fault, &err) < 0) {
		assert(sgx_quote_fault_text(fault) && err.text[0]);
		return 0;
	}
	assert(quote.trailing_size < size);
	assert(quote.cert_data + quote.cert_data_size + quote.trailing_size == data + size);
	assert(quote.qe_auth_data + quote.qe_auth_data_size <= quote.cert_data);
	return 0;
}
