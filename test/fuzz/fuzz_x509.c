/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, and the PCK extension in them; a bare extension too. */
#include <assert.h>
#include <string.h>

#include "crypto/pck_extension.h"
#include "crypto/x509_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_cert(const struct x509_cert *cert)
{
	static const char *const KNOWN[] = {X509_OID_BASIC_CONSTRAINTS, NULL};
	const struct x509_ext *san = x509_find_extension(cert, X509_OID_SUBJECT_ALT_NAME);
	const struct x509_ext *pck = x509_find_extension(cert, PCK_EXTENSION_OID);
	char name[X509_COMMON_NAME_SIZE];
	char text[X509_SAN_TEXT_SIZE];
	struct pck_extension extension;
	struct der reader;
	struct err err = ERR_INIT;

	x509_common_name(cert, name);
	assert(strlen(name) < sizeof(name));
	IGNORE_RESULT(x509_check_critical(cert, KNOWN, &err));
	IGNORE_RESULT(x509_verify(cert, cert, &err));
	if (san && x509_san_open(san, &reader, &err) == 0)
		while (x509_san_next(&reader, text, &err) > 0)
			assert(strlen(text) < sizeof(text));
	if (pck)
		IGNORE_RESULT(pck_extension_parse(pck->value, &extension, &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(x509_cert_freep) struct x509_cert *cert = NULL;
	struct pck_extension extension;
	struct err err = ERR_INIT;

	if (x509_parse(data, size, &cert, &err) == 0)
		use_cert(cert);
	IGNORE_RESULT(pck_extension_parse((struct der){data, size}, &extension, &err));
	return 0;
}
