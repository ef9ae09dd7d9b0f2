/* SPDX-License-Identifier: Apache-2.0 */
/* The RA-TLS certificate: steps V1 to V6 of attested-channel.md section 3. */
#ifndef MSE_ATTEST_RATLS_H
#define MSE_ATTEST_RATLS_H

#include "attest/verdict.h"
#include "format/instance.h"

#define RATLS_QUOTE_OID "1.2.840.113741.1337.6"
#define RATLS_SNP_OID "1.2.840.113741.1337.7"
#define RATLS_TDX_OID "1.2.840.113741.1337.8"
#define RATLS_INSTANCE_OID "1.2.840.113741.1337.100"

/* What is asked of the certificate; members as in struct attest_ratls. */
struct ratls_question {
	struct attest_bytes certificate;
	const struct attest_instance_expected *instance;
	uint8_t role;
	const uint8_t *tls_key;
};

/*
 * Records V1 to V6, fills in judge->facts and the certificate's part of the verdict. verdict->has_identity and
 * has_instance say what can be built on, provided that the verdict is accepted in the end.
 */
void ratls_judge(struct judge *judge, const struct ratls_question *question);

/* The quote in a certificate (into the certificate's bytes, which the caller keeps). */
struct x509_cert;
must_check int ratls_find_quote(const struct x509_cert *cert, struct attest_bytes *ret, struct err *err);

#endif
