/* SPDX-License-Identifier: Apache-2.0 */
/* The RA-TLS certificate: ours, steps V1 to V6 of attested-channel.md section 3, and that of any maker. */
#ifndef MSE_ATTEST_RATLS_H
#define MSE_ATTEST_RATLS_H

#include "attest/ratls_subject.h"
#include "format/instance.h"

/* What is asked of a certificate of ours; members as in struct attest_ratls. */
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

/* The same for any maker's: no document is expected, none is compared. */
void ratls_judge_any(struct judge *judge, const struct attest_certificate *certificate);

/*
 * V5: check "instance" and those of its fields. expected NULL: the document may be missing, and is not compared.
 * False if there is no document to go on with.
 */
bool ratls_judge_instance(struct judge *judge, const struct x509_cert *cert,
			  const struct attest_instance_expected *expected, struct instance *ret);

#endif
