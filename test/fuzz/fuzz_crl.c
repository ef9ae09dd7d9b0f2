/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "crypto/crl_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t SERIAL[] = {0xc9};
	scoped(x509_crl_freep) struct x509_crl *crl = NULL;
	struct err err = ERR_INIT;

	if (crl_parse(data, size, &crl, &err) < 0)
		return 0;
	assert(crl->revoked_count > 0 || !crl_is_revoked(crl, (struct der){SERIAL, sizeof(SERIAL)}));
	/* Any 64 bytes will do for a point: it is checked. */
	IGNORE_RESULT(crl_verify(crl, crl->signature, &err));
	return 0;
}
