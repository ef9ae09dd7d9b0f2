/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cryptographic work that a verdict cannot do without, done bare: OpenSSL's calls on bytes that were cut out
 * beforehand, with no rule checked. What the verifier is compared with.
 */
#ifndef MSE_BENCH_BARE_H
#define MSE_BENCH_BARE_H

#include "mse/attest.h"

struct bare;

/* Aborts on evidence that is not right. */
struct bare *bare_new(const struct attest_evidence *evidence, const struct attest_collateral_bytes *bytes);
void bare_free(struct bare *bare);

/*
 * Signatures that are new with each piece of evidence. Intel: the QE report's by a PCK key that is ready, and the
 * quote's by an attestation key that is made first. AMD: the report's by a VCEK that is ready.
 */
void bare_warm(const struct bare *bare);

/* Every certificate and list decoded, and every signature that the rules ask for, each once. */
void bare_cold(const struct bare *bare);

#endif
