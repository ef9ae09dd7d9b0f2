/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/crl_read.h"

#include "format/pem.h"

#define PEM_CRL "X509 CRL"
#define DER_FIRST_BYTE 0x30

static int read_pem(struct attest_bytes bytes, crl_parse_fn parse, struct x509_crl **ret, struct err *err)
{
	struct pem_reader reader = {.text = (const char *)bytes.data, .size = bytes.size};
	scoped(buf_done) struct buf der = BUF_INIT(CRL_PARSE_SIZE_MAX);
	scoped(buf_done) struct buf second = BUF_INIT(CRL_PARSE_SIZE_MAX);
	int found = pem_next(&reader, PEM_CRL, &der, err);

	if (found < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_INVALID, "no CRL");
	found = pem_next(&reader, PEM_CRL, &second, err);
	if (found < 0)
		return -1;
	if (found > 0)
		return err_set(err, ERR_INVALID, "more than one CRL");
	return parse(der.data, der.size, ret, err);
}

int crl_read(struct attest_bytes bytes, crl_parse_fn parse, struct x509_crl **ret, struct err *err)
{
	if (bytes.size > 0 && bytes.data[0] == DER_FIRST_BYTE)
		return parse(bytes.data, bytes.size, ret, err);
	return read_pem(bytes, parse, ret, err);
}
