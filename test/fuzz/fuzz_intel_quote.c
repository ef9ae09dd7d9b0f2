/* SPDX-License-Identifier: Apache-2.0 */
/* What is parsed lies within the bytes that were given. */
#include <assert.h>

#include "format/intel_quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct intel_quote quote;
	enum intel_quote_fault fault;
	struct err err = ERR_INIT;

	if (intel_quote_parse(data, size, &quote, &fault, &err) < 0) {
		assert(intel_quote_fault_text(fault) && err.text[0]);
		return 0;
	}
	assert(quote.trailing_size < size);
	assert(quote.cert_data + quote.cert_data_size + quote.trailing_size == data + size);
	assert(quote.signed_bytes == data && quote.signed_size + 4 + INTEL_SIGNATURE_SIZE <= size);
	assert((quote.body == INTEL_BODY_SGX) == (quote.sgx.bytes != NULL) &&
	       (quote.body == INTEL_BODY_TD_1_5) == (quote.td.tee_tcb_svn_2 != NULL));
	assert(quote.qe_auth_data + quote.qe_auth_data_size <= quote.cert_data);
	return 0;
}
