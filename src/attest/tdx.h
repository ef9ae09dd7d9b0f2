/* SPDX-License-Identifier: Apache-2.0 */
/* What only TDX quotes have: the TD report and the TDX module that made it. */
#ifndef MSE_ATTEST_TDX_H
#define MSE_ATTEST_TDX_H

#include "attest/verdict.h"
#include "format/tcb_info.h"
#include "format/td_report.h"

/* Places in TEE_TCB_SVN and TEE_TCB_SVN_2. */
#define TDX_SVN_MODULE 0
#define TDX_SVN_MODULE_VERSION 1
#define TDX_SVN_SEAM_LOADER 2

void tdx_fill_facts(const struct td_report *report, struct attest_facts *facts);

/*
 * Check tdx-module (attestation-evidence.md section 2 step 6): TCB info knows the module of this version, and its
 * measurement is as published. info NULL: not applicable. False unless there is a module to go on with.
 */
bool tdx_judge_module(struct judge *judge, const struct td_report *report, const struct tcb_info *info);

#endif
