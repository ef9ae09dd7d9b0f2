/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is an item what its vendor signed, and is it newer than another? Whatever is kept must be proven first: signed by a
 * chain that ends in a root which is trusted for this call, and about what was asked for. The verdict looks at
 * everything again; this decides only what may take the place of what. Pure.
 */
#ifndef MSE_COLLATERAL_PROOF_H
#define MSE_COLLATERAL_PROOF_H

#include "attest/trust.h"
#include "collateral/answer.h"
#include "crypto/crl_parse.h"

/* Certificates that earlier items of the same set have proven; NULL: none yet. Owned. */
struct collateral_issuers {
	struct x509_cert *intel_root; /* of the TCB info: signs the root's revocation list */
	struct x509_cert *ask;        /* or ASVK: signs the VCEK */
	struct x509_cert *ark;        /* signs AMD's revocation list */
	/* Of Intel's root or the ARK, as it is kept: whom it names proves nothing. NULL: none. Believed once its issuer
	 * is known. */
	struct x509_crl *root_list;
};

void collateral_issuers_done(struct collateral_issuers *issuers);

/* What tells two proven items of one name apart. */
struct collateral_edition {
	uint8_t root[32]; /* SHA-256 of the root's SubjectPublicKeyInfo */
	int64_t number;   /* tcbEvaluationDataNumber; 0 for what has none */
	int64_t date;     /* issueDate, thisUpdate or notBefore; Unix seconds */
};

/*
 * ERR_UNTRUSTED unless the item is signed so, by whom root_list does not name; ERR_INVALID if it is about something
 * else. With it *issuers learns the certificates that other items need: plan.h's order is such that they come first.
 */
must_check int collateral_prove(const struct trust *trust, const struct collateral_wanted *wanted,
				const struct collateral_answer *answer, struct collateral_issuers *issuers,
				struct collateral_edition *ret, struct err *err);

/*
 * ERR_CONFLICT if what is offered is older than what is kept: a lower evaluation number, or the same and an earlier
 * date. Of another root: not comparable, so never older.
 */
must_check int collateral_edition_check(const struct collateral_edition *offered, const struct collateral_edition *kept,
					struct err *err);

#endif
