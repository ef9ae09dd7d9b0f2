/* SPDX-License-Identifier: Apache-2.0 */
/* What an SEV-SNP report and its certificate say, as facts of a verdict. */
#ifndef MSE_ATTEST_SNP_FACTS_H
#define MSE_ATTEST_SNP_FACTS_H

#include "crypto/kds_extension.h"
#include "format/hcl_report.h"
#include "format/snp_report.h"
#include "mse/attest.h"

void snp_facts_fill(const struct snp_report *report, struct attest_facts *facts);
void snp_facts_fill_wrapping(const struct hcl_report *hcl, struct attest_snp_facts *facts);
void snp_facts_fill_kds(const struct kds_extension *kds, struct attest_snp_facts *facts);

#endif
