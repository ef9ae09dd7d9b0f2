/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "crypto/crl_parse.h"
#include "crypto/p256.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t SERIAL[] = {0xc9};
	scoped(x509_crl_freep) struct x509_crl *crl = NULL;
	struct x509_cert issuer = {0};
	struct err err = ERR_INIT;

	if (crl_parse(data, size, &crl, &err) < 0)
		return 0;
	if (crl_read_entries(crl, &err) == 0)
		assert(crl_revoked_count(crl) > 0 || !crl_is_revoked(crl, (struct der){SERIAL, sizeof(SERIAL)}));
	else
		assert(err.text[0] && crl_is_revoked(crl, (struct der){SERIAL, sizeof(SERIAL)}));
	/* Any 64 bytes will do for a point: it is checked. */
	if (p256_public_new(crl->signature, &issuer.key, &err) == 0)
		IGNORE_RESULT(crl_verify(crl, &issuer, &err));
	p256_public_free(issuer.key);
	return 0;
}
