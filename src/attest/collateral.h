/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collateral, parsed once and never changed: threads may share a set. An item that is missing or cannot be read is
 * kept as a fault with its reason; the verdict that needs it names it. Signatures and dates are judged per verdict,
 * because roots and time are arguments of the verdict.
 */
#ifndef MSE_ATTEST_COLLATERAL_H
#define MSE_ATTEST_COLLATERAL_H

#include "attest/chain.h"
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
};

struct collateral_chain {
	struct chain chain;
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
};

#endif
