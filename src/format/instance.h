/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The instance document (attested-channel.md section 3): what tells one deployment of a release from another. The
 * untrusted host hands it to the enclave, the enclave puts the bytes into its RA-TLS certificate, verifiers compare
 * field by field.
 *
 * Exactly one text for each struct: ASCII JSON without white space, members in fixed order, all strings, at most
 * INSTANCE_SIZE_MAX bytes. instance_parse re-serialises and compares. Printable ASCII only; in texts '"' and '\' are
 * escaped with '\', nothing else is. The struct owns nothing.
 */
#ifndef MSE_FORMAT_INSTANCE_H
#define MSE_FORMAT_INSTANCE_H

#include "base/buf.h"

#define INSTANCE_SIZE_MAX 4096
#define INSTANCE_DOMAIN_MAX 253
#define INSTANCE_SUBJECT_MAX 1024
#define INSTANCE_UUID_SIZE 36
#define INSTANCE_EXPIRES_SIZE 20
#define INSTANCE_HASH_HEX_SIZE 64

/* Who holds the key of the TLS certificate that users see. */
#define INSTANCE_TLS(X) \
	X(SELF, "self")         /* the enclave: its RA-TLS certificate */ \
	X(OWNER, "owner")       /* the app's owner */ \
	X(ACME, "acme")         /* the enclave: a certificate by an ACME authority */ \
	X(OPERATOR, "operator") /* the operator's proxy: no end-to-end */

enum instance_tls {
#define X(name, text) INSTANCE_TLS_##name,
	INSTANCE_TLS(X)
#undef X
};

struct instance {
	char certificate[INSTANCE_HASH_HEX_SIZE + 1]; /* lower hex SHA-256 of the owner's chain, or "" */
	char config_domain[INSTANCE_DOMAIN_MAX + 1];  /* lower-case name or address, never empty, no port */
	char domain[INSTANCE_DOMAIN_MAX + 1];
	char expires[INSTANCE_EXPIRES_SIZE + 1];  /* "YYYY-MM-DDTHH:MM:SSZ" or "" */
	char log_key[INSTANCE_HASH_HEX_SIZE + 1]; /* lower hex X25519 key of the owner, or "" */
	char subject[INSTANCE_SUBJECT_MAX + 1];   /* RFC 4514, never empty */
	enum instance_tls tls;
	char uuid[INSTANCE_UUID_SIZE + 1]; /* lower-case 8-4-4-4-12 */
};

const char *instance_tls_text(enum instance_tls tls);
must_check int instance_tls_parse(const char *text, enum instance_tls *ret, struct err *err);

/* ERR_INVALID, text "instance-malformed: …". */
must_check int instance_parse(const void *data, size_t size, struct instance *ret, struct err *err);

/* Adds the document to ret; the same checks and errors as instance_parse. */
must_check int instance_format(const struct instance *instance, struct buf *ret, struct err *err);

#endif
