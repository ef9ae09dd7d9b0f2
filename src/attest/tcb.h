/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How up to date a platform is (attestation-evidence.md section 2 steps 10 to 13): of the platform's own level, that of
 * the TDX module and that of the quoting enclave the converged status.
 */
#ifndef MSE_ATTEST_TCB_H
#define MSE_ATTEST_TCB_H

#include "attest/verdict.h"
#include "crypto/pck_extension.h"
#include "format/qe_identity.h"
#include "format/svn_level.h"
#include "format/tcb_info.h"
#include "format/td_report.h"
#include "format/tdx_module.h"

/* What the status is of, and what says so. TCB info is for the TEE of the quote. */
struct tcb_question {
	const struct tcb_info *info;
	const struct qe_identity *identity;
	const struct pck_extension *pck;
	const struct td_report *td; /* NULL: SGX. Its module version has an identity in info, or is 0 */
	uint16_t qe_isvsvn;
};

/* The levels that were reached; NULL: none, or (module) there is none to reach. */
struct tcb_levels {
	const struct tcb_level *platform; /* for TDX also by its components: the one that decides */
	const struct tcb_level *sgx;      /* by SGX components and PCESVN alone */
	const struct svn_level *module;
	const struct svn_level *qe;
};

void tcb_find_levels(const struct tcb_question *question, struct tcb_levels *ret);

/* Applies the status of the QE or of a TDX module to that of the platform: the table of step 12. */
enum attest_tcb_status tcb_converge(enum attest_tcb_status platform, enum tcb_status other);

enum attest_tcb_status tcb_public_status(enum tcb_status status);

/*
 * Checks tcb-level, tdx-relaunch (TDX only), tcb-revoked; fills in the facts from tcb_status on. False unless the
 * platform has a status.
 */
bool tcb_judge(struct judge *judge, const struct tcb_question *question);

#endif
