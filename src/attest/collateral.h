/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collateral, parsed once and never changed: threads may share a set. An item that is missing or cannot be read is
 * kept as a fault with its reason; the verdict that needs it names it. What no verdict can change is found out once:
 * that a chain's certificates are signed by the next, and an item by its chain's leaf. Roots and dates are judged per
 * verdict.
 */
#ifndef MSE_ATTEST_COLLATERAL_H
#define MSE_ATTEST_COLLATERAL_H

#include "attest/chain.h"
#include "attest/chain_memory.h"
#include "attest/snp_chain.h"
#include "format/qe_identity.h"
#include "format/signed_json.h"
#include "format/tcb_info.h"

/* "" while the item is good. */
struct collateral_fault {
	bool missing;
	char text[ATTEST_TEXT_SIZE];
};

struct collateral_json {
	uint8_t *bytes;
	struct signed_json json;
	struct collateral_fault form;    /* no strict JSON with signature */
	struct collateral_fault content; /* well formed, but breaks a rule */
	bool is_signed;                  /* by the leaf of its chain */
};

struct collateral_chain {
	struct chain chain;
	bool is_borrowed; /* the certificates belong to an equal chain of the set */
	struct collateral_fault fault;
};

struct collateral_crl {
	struct x509_crl *crl;
	struct collateral_fault fault;
};

struct attest_collateral {
	struct collateral_json tcb_info_json;
	struct tcb_info *tcb_info; /* NULL if there is a fault */
	struct collateral_chain tcb_info_chain;
	struct collateral_json qe_identity_json;
	struct qe_identity *qe_identity;
	struct collateral_chain qe_identity_chain;
	struct collateral_crl root_crl;
	struct collateral_crl pck_crl;
	struct collateral_chain pck_chain; /* missing: normal, the quote carries it */
	struct snp_chain snp;
	struct chain_memory *memory; /* the only thing that changes; locks itself */
};

#endif
