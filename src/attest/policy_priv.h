/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the appraisal share: see policy.h. */
#ifndef MSE_ATTEST_POLICY_PRIV_H
#define MSE_ATTEST_POLICY_PRIV_H

#include "attest/verdict.h"

#define TDX_ATTRIBUTES_REFUSED 0x7fffffff2ffffffeULL /* bits 7:1, 27:8, 29, 62:32 (section 7) */
#define SNP_POLICY_MIGRATE_MA (1ULL << 18)
#define SNP_POLICY_DEBUG (1ULL << 19)
#define STRICT_STATUSES (ATTEST_TCB_BIT(ATTEST_TCB_UP_TO_DATE) | ATTEST_TCB_BIT(ATTEST_TCB_SW_HARDENING_NEEDED))

/* The statuses that this policy takes without exception. */
uint32_t policy_statuses(const struct attest_policy *policy);
/* The TEEs that it takes. */
uint32_t policy_tees(const struct attest_policy *policy);

/* Passes if wanted is NULL or equal to what was seen, else fails with `measurement`. At most 64 bytes. */
void policy_judge_value(struct judge *judge, const char *check, const char *what, const uint8_t *seen,
			const uint8_t *wanted, size_t size);
/* The same for what the host chooses: NULL stands for zero, unless the policy allows any. */
void policy_judge_config(struct judge *judge, const char *what, const uint8_t *seen, const uint8_t *wanted,
			 size_t size);
/* One of a list; not applicable if the list is empty. */
void policy_judge_list(struct judge *judge, const char *check, const char *what, const uint8_t *seen, size_t size,
		       const struct attest_measurement *list, size_t count);

/* What only one TEE has, in the order of appraisal: form (with debug), code, platform (with the TCB). */
void policy_judge_sgx_code(struct judge *judge);
void policy_judge_tdx_form(struct judge *judge);
void policy_judge_tdx_code(struct judge *judge);
void policy_judge_tdx_tcb(struct judge *judge);
void policy_judge_snp_form(struct judge *judge);
void policy_judge_snp_code(struct judge *judge);
void policy_judge_snp_tcb(struct judge *judge);

/* Checks tcb-status, then tee, denied. */
void policy_judge_tcb(struct judge *judge);
void policy_judge_family(struct judge *judge);

/* An exception that is still good and allows this; NULL: none. */
const struct attest_exception *policy_find_debug_exception(const struct judge *judge);
const struct attest_exception *policy_find_status_exception(const struct judge *judge, uint32_t status_bit);
const struct attest_exception *policy_find_advisory_exception(const struct judge *judge, const char *advisory);
/* Notes in the verdict that the exception was used, and its end. */
void policy_use_exception(struct judge *judge, const struct attest_exception *exception);

#endif
