/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roots of trust: Intel's and AMD's, compiled in by their keys, and those that the caller names. A root that came with
 * evidence is only ever compared with these.
 */
#ifndef MSE_ATTEST_TRUST_H
#define MSE_ATTEST_TRUST_H

#include "base/err.h"
#include "crypto/x509_parse.h"
#include "mse/attest.h"

/* Every certificate of a simulated PKI carries this extension, with any value. */
#define TRUST_SIMULATION_OID "1.2.840.113741.1337.101"
#define TRUST_ROOTS_MAX 64

enum trust_kind { TRUST_NONE, TRUST_HARDWARE, TRUST_SIMULATION };

struct trust {
	uint8_t hardware_keys[TRUST_ROOTS_MAX][32]; /* SHA-256 of the SubjectPublicKeyInfo */
	size_t hardware_count;
	uint8_t simulation_hashes[TRUST_ROOTS_MAX][32]; /* SHA-256 of the certificate */
	size_t simulation_count;
};

/* Reads the caller's roots, which are DER or PEM. */
must_check int trust_init(struct trust *ret, const struct attest_roots *roots, const struct attest_policy *policy,
			  struct err *err);

/* A simulation root counts by its exact certificate, any other by its key. ret_hash: SHA-256 of the certificate. */
enum trust_kind trust_find(const struct trust *trust, const struct x509_cert *root, uint8_t ret_hash[static 32]);

/* One certificate in DER or PEM: of Intel's family or for our RA-TLS, of any RA-TLS, of AMD's family. */
must_check int trust_parse_certificate(struct attest_bytes bytes, struct x509_cert **ret, struct err *err);
must_check int trust_parse_self_certificate(struct attest_bytes bytes, struct x509_cert **ret, struct err *err);
must_check int trust_parse_amd_certificate(struct attest_bytes bytes, struct x509_cert **ret, struct err *err);

#endif
