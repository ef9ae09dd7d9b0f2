/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making X.509 v3 certificates (RFC 5280) for P-256 keys, signed ecdsa-with-SHA256. Reading them is x509_parse.h.
 *
 * The maker of a certificate decides every byte that has a meaning: no extension appears that the spec did not ask
 * for, except subjectKeyIdentifier (SHA-1 of the point, RFC 5280 4.2.1.2 method 1) and, where an issuer is given,
 * authorityKeyIdentifier (the issuer's subjectKeyIdentifier). Order of extensions: basicConstraints, keyUsage,
 * extKeyUsage, subjectAltName, SKI, AKI, CRL distribution point, then the raw ones in the order given.
 */
#ifndef MSE_CRYPTO_X509_BUILD_H
#define MSE_CRYPTO_X509_BUILD_H

#include <stdbool.h>

#include "base/buf.h"
#include "crypto/p256.h"

#define X509_DER_SIZE_MAX (128u << 10) /* of one certificate: a quote fits */
#define X509_SERIAL_SIZE_MAX 20
#define X509_NAME_SIZE_MAX 1024 /* RFC 4514 text */
#define X509_SAN_COUNT_MAX 64
#define X509_EXTENSION_COUNT_MAX 16

enum x509_key_usage {
	X509_USAGE_DIGITAL_SIGNATURE = 1 << 0,
	X509_USAGE_NON_REPUDIATION = 1 << 1,
	X509_USAGE_CERT_SIGN = 1 << 2,
	X509_USAGE_CRL_SIGN = 1 << 3,
};

enum x509_extended_usage {
	X509_EXTENDED_SERVER_AUTH = 1 << 0,
	X509_EXTENDED_CLIENT_AUTH = 1 << 1,
};

/* An extension as raw bytes: data is the content of extnValue, taken as it is. */
struct x509_extension {
	const char *oid; /* dotted */
	bool critical;
	const void *data;
	size_t size;
};

/* Everything is borrowed for the call. All zero but subject and the dates: an end-entity certificate with SKI only. */
struct x509_spec {
	const char *subject; /* RFC 4514: "CN=app.example,O=Example" */
	/* Big-endian, 1..20 bytes, positive. serial_size 0: 16 random bytes, the first 01..7f. */
	uint8_t serial[X509_SERIAL_SIZE_MAX];
	size_t serial_size;
	int64_t not_before; /* Unix seconds, both ends inclusive */
	int64_t not_after;
	bool basic_constraints; /* critical basicConstraints CA:FALSE; implied by is_ca */
	bool is_ca;
	int path_length;         /* of a CA: the limit plus one; 0: no limit given */
	unsigned key_usage;      /* critical; 0: extension absent */
	unsigned extended_usage; /* not critical; 0: extension absent */
	const char *const *dns_names;
	size_t dns_count;
	const char *const *ip_addresses; /* textual IPv4 or IPv6 */
	size_t ip_count;
	const char *crl_url; /* NULL: no distribution point */
	const struct x509_extension *extensions;
	size_t extension_count;
};

/*
 * Adds the certificate's DER to ret. issuer_der NULL: self-signed with subject_key (issuer_key is then ignored and may
 * be NULL), no AKI. Else signed by issuer_key, which must fit the issuer's certificate (ERR_INVALID if not).
 */
must_check int x509_build(const struct x509_spec *spec, const struct p256_key *subject_key,
			  const struct p256_key *issuer_key, const struct buf *issuer_der, struct buf *ret,
			  struct err *err);

/* ERR_INVALID with the position if text is no RFC 4514 name that x509_build takes. */
must_check int x509_check_name(const char *text, struct err *err);

#endif
