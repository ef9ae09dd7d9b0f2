/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "crypto/amd_key.h"
#include "crypto/crl_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t SERIAL[] = {0xc9};
	scoped(x509_crl_freep) struct x509_crl *crl = NULL;
	struct err err = ERR_INIT;

	if (crl_parse_amd(data, size, &crl, &err) < 0) {
		assert(err.text[0]);
		return 0;
	}
	assert(crl->amd_signature.size == AMD_SIGNATURE_SIZE);
	if (crl_read_entries(crl, &err) == 0)
		assert(crl_revoked_count(crl) > 0 || !crl_is_revoked(crl, (struct der){SERIAL, sizeof(SERIAL)}));
	else
		assert(err.text[0] && crl_is_revoked(crl, (struct der){SERIAL, sizeof(SERIAL)}));
	return 0;
}
