/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trusted execution environment as the runtime inside it sees it: quotes over 64 bytes of report data, a sealing
 * key bound to the measurement, and the measurement itself. One row of ops for each kind; the kind comes from the
 * measured setting MSE_TEE, so a host cannot choose it.
 *
 * Whoever can call tee_quote or tee_seal_key can forge every binding of attested-channel.md (its G3). The handle
 * therefore never leaves the runtime's own code: no descriptor of it stays reachable by number from the thread that
 * runs the application (see tee_sim.c), and the audit hook of enclave/python/python_audit.c refuses its files.
 *
 * Thread-safe; one request is under way at a time. tee_close wipes and frees.
 */
#ifndef MSE_TEE_TEE_H
#define MSE_TEE_TEE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/scoped.h"
#include "crypto/secret.h"

#define TEE_REPORT_DATA_SIZE 64
#define TEE_KEY_ID_SIZE 32
#define TEE_SEAL_KEY_SIZE 32
#define TEE_MEASUREMENT_SIZE_MAX 48 /* MRENCLAVE is 32, MRTD and the SNP measurement 48 */
#define TEE_QUOTE_SIZE_MAX \
	16383 /* one message of the simulated device less its status byte; real quotes are ~5 KiB \
	       */

/* Texts as in MSE_TEE and in the "tee" member of attestation answers. */
#define TEE_KINDS(X) \
	X(SIM, "sim", "sim") \
	X(GRAMINE, "gramine", "sgx")

enum tee_kind {
#define X(name, text, evidence) TEE_KIND_##name,
	TEE_KINDS(X)
#undef X
};

struct tee;

/* ERR_INVALID for an unknown text. */
must_check int tee_kind_parse(const char *text, enum tee_kind *ret_kind, struct err *err);

/* The name of the kind in evidence: "sim", "sgx". Never NULL. */
const char *tee_kind_evidence(enum tee_kind kind);

/* Opens the device of this kind and asks for the measurement once. */
must_check int tee_open(enum tee_kind kind, struct tee **ret_tee, struct err *err);
void tee_close(struct tee *tee); /* NULL is fine */
DEFINE_SCOPED_PTR(struct tee, tee_close);

/* Appends the quote to ret, which is born with a maximum of TEE_QUOTE_SIZE_MAX or more. */
must_check int tee_quote(struct tee *tee, const uint8_t report_data[static TEE_REPORT_DATA_SIZE], struct buf *ret,
			 struct err *err);

/* The key that this measurement on this machine gets for key_id: 32 bytes, the same at each call. Caller: secret_done.
 */
must_check int tee_seal_key(struct tee *tee, const uint8_t key_id[static TEE_KEY_ID_SIZE], struct secret *ret_key,
			    struct err *err);

/* Copies the measurement (the fingerprint) out. */
void tee_measurement(const struct tee *tee, uint8_t ret[static TEE_MEASUREMENT_SIZE_MAX], size_t *ret_size);

#endif
