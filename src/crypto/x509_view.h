/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What any X.509 certificate or revocation list says, whatever its algorithms, for people to read. Nothing is verified
 * and nothing follows from it: verdicts read certificates with x509_parse.h and crl_parse.h, which are strict.
 *
 * Still DER, with every size bounded. Slices point into the bytes that were given. Pure.
 */
#ifndef MSE_CRYPTO_X509_VIEW_H
#define MSE_CRYPTO_X509_VIEW_H

#include "base/buf.h"
#include "crypto/x509_parse.h"

#define X509_VIEW_NAME_MAX 1024 /* of a name as text */

struct x509_view {
	unsigned version; /* 1 to 3 */
	struct der serial;
	struct der issuer, subject; /* whole Name */
	int64_t not_before, not_after;
	struct der spki;                             /* whole SubjectPublicKeyInfo */
	char key_algorithm[DER_OID_TEXT_SIZE];       /* dotted */
	char curve[DER_OID_TEXT_SIZE];               /* dotted; "" if the key is on no named curve */
	size_t key_size;                             /* bytes of the key's BIT STRING */
	char signature_algorithm[DER_OID_TEXT_SIZE]; /* dotted */
	struct x509_ext extensions[X509_PARSE_EXTENSIONS_MAX];
	size_t extension_count;
};

must_check int x509_view_parse(const void *der, size_t size, struct x509_view *ret, struct err *err);

struct crl_view {
	struct der issuer; /* whole Name */
	char signature_algorithm[DER_OID_TEXT_SIZE];
	int64_t this_update;
	int64_t next_update; /* INT64_MAX: none */
	struct der revoked;  /* entries, one after another; crl_view_next takes them */
	struct x509_ext extensions[X509_PARSE_EXTENSIONS_MAX];
	size_t extension_count;
};

must_check int crl_view_parse(const void *der, size_t size, struct crl_view *ret, struct err *err);
/* 1: *ret_serial and *ret_date are those of the next entry; 0: no more. */
must_check int crl_view_next(struct der *reader, struct der *ret_serial, int64_t *ret_date, struct err *err);

/*
 * Adds a Name as RFC 4514 text in printable ASCII (other bytes as \HH), at most X509_VIEW_NAME_MAX bytes and "..." for
 * what is over.
 */
must_check int x509_view_name(struct der name, struct buf *ret, struct err *err);

/* What an algorithm, curve, attribute or extension is called ("P-256", "keyUsage"); NULL if it is not in our table. */
const char *x509_view_oid_name(const char *oid);

#endif
