/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of AMD's family, their use as issuers, and the KDS extensions in them. */
#include <assert.h>
#include <string.h>

#include "crypto/amd_key.h"
#include "crypto/kds_extension.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_cert(const struct x509_cert *cert)
{
	static const uint8_t SCALAR[AMD_SCALAR_SIZE] = {1};
	struct kds_extension kds;
	char name[X509_COMMON_NAME_SIZE];
	struct err err = ERR_INIT;

	assert(cert->amd_key && cert->amd_signature.size == AMD_SIGNATURE_SIZE);
	assert(cert->key_kind == X509_KEY_P384 || cert->key_kind == X509_KEY_RSA_4096);
	x509_common_name(cert, name);
	assert(strlen(name) < sizeof(name));
	IGNORE_RESULT(x509_verify_amd(cert, cert, &err));
	assert(amd_key_verify_report(cert->amd_key, name, sizeof(name), SCALAR, SCALAR, &err) < 0);
	if (kds_extension_parse(cert, &kds, &err) == 0)
		assert(kds.struct_version <= 1 && kds.product_name[0] && kds.has_hwid == (kds.csp_id[0] == '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(x509_cert_freep) struct x509_cert *cert = NULL;
	struct err err = ERR_INIT;

	if (x509_parse_amd(data, size, &cert, &err) == 0)
		use_cert(cert);
	return 0;
}
