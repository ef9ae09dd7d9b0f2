/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate chains, leaf first, root last, as they come in quotes and with collateral (attestation-evidence.md
 * section 1.5, section 2 steps 2 and 4, section 7 "Chains and CRLs").
 *
 * A struct chain owns its certificates and is not changed once parsed: threads may share it.
 */
#ifndef MSE_ATTEST_CHAIN_H
#define MSE_ATTEST_CHAIN_H

#include "attest/trust.h"
#include "attest/verdict.h"
#include "crypto/crl_parse.h"
#include "crypto/x509_parse.h"

#define CHAIN_CERTS_MAX 3 /* a fourth is refused */

struct chain {
	struct x509_cert *certs[CHAIN_CERTS_MAX];
	size_t count;
	bool signed_by_next[CHAIN_CERTS_MAX]; /* the last: by itself; set by chain_check_links */
};

/* PEM blocks with white space or NUL around them, nothing else. *ret must be empty; on failure it stays so. */
must_check int chain_parse(const void *text, size_t size, struct chain *ret, struct err *err);
void chain_done(struct chain *chain);

/* The part of chain_judge that costs: whether each certificate is signed by the next one. Once, after chain_parse.
 * ERR_NO_MEMORY, nothing else. */
must_check int chain_check_links(struct chain *chain, struct err *err);

const struct x509_cert *chain_leaf(const struct chain *chain);
const struct x509_cert *chain_root(const struct chain *chain);

/* What a chain of this kind must look like. */
struct chain_kind {
	const char *name;                          /* beginning of its check names: "pck" */
	size_t count;                              /* of certificates */
	const char *common_names[CHAIN_CERTS_MAX]; /* part that each one's CN must contain, leaf first */
};

extern const struct chain_kind CHAIN_PCK;
extern const struct chain_kind CHAIN_TCB_INFO;
extern const struct chain_kind CHAIN_QE_IDENTITY;

/* Check NAME-chain: number, names, rules, and the signatures that chain_check_links saw. */
bool chain_judge(struct judge *judge, const struct chain_kind *kind, const struct chain *chain);
/* Check NAME-chain-dates: all of them are valid now. */
bool chain_judge_dates(struct judge *judge, const struct chain_kind *kind, const struct chain *chain);

/*
 * basicConstraints and keyUsage of the certificate at a position (0: leaf), and no critical extension that is not
 * enforced. ERR_INVALID.
 */
must_check int chain_check_rules(const struct x509_cert *cert, size_t position, struct err *err);

/* True if one of the certificates carries the simulation's marker. */
bool chain_has_marker(const struct chain *chain);

#endif
