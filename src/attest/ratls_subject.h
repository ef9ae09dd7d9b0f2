/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RA-TLS certificates of every maker: which extension holds the evidence, and what of the certificate the evidence
 * binds (attestation-evidence.md section 4).
 */
#ifndef MSE_ATTEST_RATLS_SUBJECT_H
#define MSE_ATTEST_RATLS_SUBJECT_H

#include "attest/verdict.h"
#include "crypto/x509_parse.h"
#include "format/tagged_evidence.h"

#define RATLS_QUOTE_OID "1.2.840.113741.1337.6"
#define RATLS_SNP_OID "1.2.840.113741.1337.7"
#define RATLS_TDX_OID "1.2.840.113741.1337.8"
#define RATLS_GRAMINE_OID "0.6.9.42.840.113741.1337.6"
#define RATLS_INSTANCE_OID "1.2.840.113741.1337.100"

/* What REPORTDATA begins with, and what the rest is. */
enum ratls_binding {
	RATLS_POINT,  /* SHA-256 of the 65 bytes of the P-256 point; rest: zero, an X25519 key, or the maker's own */
	RATLS_SPKI,   /* SHA-256 of the SubjectPublicKeyInfo; rest: zero, or the maker's own */
	RATLS_CLAIMS, /* SHA-256 of the claims, which hold that of the SubjectPublicKeyInfo; rest: zero */
	RATLS_NONE,   /* a form that is known, but not served */
};

struct ratls_form {
	const char *name; /* stable; in the verdict */
	const char *oid;
	uint32_t tees; /* ATTEST_TEE_BIT of those that may stand there */
	enum ratls_binding binding;
};

struct ratls_subject {
	struct x509_cert *cert;        /* owned; what follows points into it */
	const struct ratls_form *form; /* NULL: no evidence was found */
	struct attest_bytes value;     /* content of its extension */
	struct tagged_evidence tagged; /* binding RATLS_CLAIMS */
};

/* Reads the certificate, DER or PEM. strict: P-256 and ecdsa-with-SHA256 only, as ours. *ret is done by the caller. */
must_check int ratls_subject_read(struct attest_bytes bytes, bool strict, struct ratls_subject *ret, struct err *err);
void ratls_subject_done(struct ratls_subject *subject);

/*
 * Finds the one extension with evidence: form, value, tagged. Two, a critical one, or one of a form that is not served
 * are errors; value is set as soon as there is something to judge.
 */
must_check int ratls_subject_find(struct ratls_subject *subject, struct err *err);

/* The evidence itself, not the report's certificates beside it. */
struct attest_evidence ratls_subject_evidence(const struct ratls_subject *subject);

/*
 * Judges the evidence: its own checks, then that it is of a TEE that belongs into this extension. False if it cannot
 * be read.
 */
bool ratls_subject_judge(struct judge *judge, const struct ratls_subject *subject);

#endif
