/* SPDX-License-Identifier: Apache-2.0 */
/* What only SGX quotes have. */
#ifndef MSE_ATTEST_SGX_H
#define MSE_ATTEST_SGX_H

#include "format/sgx_report.h"
#include "mse/attest.h"

void sgx_fill_facts(const struct sgx_report *report, struct attest_facts *facts);

#endif
