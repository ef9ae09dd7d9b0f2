/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/x509_info.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "crypto/openssl_err.h"

DEFINE_SCOPED_PTR(X509, X509_free);
DEFINE_SCOPED_PTR(BIO, BIO_free_all);

static int read_date(const ASN1_TIME *time, int64_t *ret, struct err *err)
{
	struct tm parts;

	if (!ASN1_TIME_to_tm(time, &parts))
		return openssl_err(err, ERR_INVALID, "certificate's date");
	*ret = timegm(&parts);
	return 0;
}

static int read_leaf(const X509 *leaf, const char *name, struct x509_info *info, struct err *err)
{
	if (read_date(X509_get0_notBefore(leaf), &info->not_before, err) < 0 ||
	    read_date(X509_get0_notAfter(leaf), &info->not_after, err) < 0)
		return -1;
	info->matches = X509_check_host((X509 *)(uintptr_t)leaf, name, strlen(name),
					X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
	return 0;
}

static int add_der(X509 *cert, struct buf *ret, struct err *err)
{
	unsigned char *der = NULL;
	const int size = i2d_X509(cert, &der);
	int status;

	if (size < 0)
		return openssl_err(err, ERR_INVALID, "certificate");
	status = buf_add(ret, der, (size_t)size, err);
	OPENSSL_free(der);
	return status;
}

int x509_info_read(const void *pem, size_t size, const char *name, struct x509_info *ret_info, struct buf *ret_der,
		   struct err *err)
{
	scoped(BIO_free_allp) BIO *bio = size <= INT_MAX ? BIO_new_mem_buf(pem, (int)size) : NULL;
	struct x509_info info = {0};

	if (!bio)
		return err_no_memory(err);
	for (;;) {
		scoped(X509_freep) X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		if (!cert)
			break;
		if (++info.chain_count > X509_INFO_CHAIN_MAX)
			return err_set(err, ERR_LIMIT, "more than %d certificates", X509_INFO_CHAIN_MAX);
		if ((info.chain_count == 1 && read_leaf(cert, name, &info, err) < 0) ||
		    (ret_der && add_der(cert, ret_der, err) < 0))
			return -1;
	}
	openssl_clear();
	if (info.chain_count == 0)
		return err_set(err, ERR_INVALID, "no certificate in PEM form");
	*ret_info = info;
	return 0;
}
