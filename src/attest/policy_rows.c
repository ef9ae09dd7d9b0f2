/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/policy_rows.h"

#include "base/err.h"

#define AT(type, member) offsetof(struct type, member)
#define SECTION(rows, type) \
	{ \
		rows, COUNT_OF(rows), sizeof(struct type) \
	}

#define SGX(member) AT(attest_policy_sgx, member)
static const struct policy_row SGX_ROWS[] = {
    {"isvprodid", POLICY_U16_POINTER, false, SGX(isvprodid), 0, NULL},
    {"isvextprodid", POLICY_HEX, false, SGX(isvextprodid), 16, NULL},
    {"isvfamilyid", POLICY_HEX, false, SGX(isvfamilyid), 16, NULL},
    {"configid", POLICY_HEX, false, SGX(configid), 64, NULL},
    {"configsvn_min", POLICY_U16, false, SGX(configsvn_min), 0, NULL},
};
static const struct policy_section SGX_SECTION = SECTION(SGX_ROWS, attest_policy_sgx);

#define TDX(member) AT(attest_policy_tdx, member)
static const struct policy_row TDX_ROWS[] = {
    {"mrseams", POLICY_MEASUREMENTS, false, TDX(mrseams), TDX(mrseam_count), NULL},
    {"rtmr0", POLICY_MEASUREMENTS, false, TDX(rtmrs[0]), TDX(rtmr_counts[0]), NULL},
    {"rtmr1", POLICY_MEASUREMENTS, false, TDX(rtmrs[1]), TDX(rtmr_counts[1]), NULL},
    {"rtmr2", POLICY_MEASUREMENTS, false, TDX(rtmrs[2]), TDX(rtmr_counts[2]), NULL},
    {"rtmr3", POLICY_MEASUREMENTS, false, TDX(rtmrs[3]), TDX(rtmr_counts[3]), NULL},
    {"mrconfigid", POLICY_HEX, false, TDX(mrconfigid), 48, NULL},
    {"mrservicetd", POLICY_HEX, false, TDX(mrservicetd), 48, NULL},
    {"mrowner", POLICY_HEX, false, TDX(mrowner), 48, NULL},
    {"mrownerconfig", POLICY_HEX, false, TDX(mrownerconfig), 48, NULL},
    {"tee_tcb_svn_min", POLICY_HEX, false, TDX(tee_tcb_svn_min), 16, NULL},
    {"attributes_allowed", POLICY_BITS, false, TDX(attributes_allowed), 0, NULL},
    {"require_sept_ve_disable", POLICY_BOOL, false, TDX(require_sept_ve_disable), 0, NULL},
};
static const struct policy_section TDX_SECTION = SECTION(TDX_ROWS, attest_policy_tdx);

#define SNP(member) AT(attest_policy_snp, member)
static const struct policy_row SNP_ROWS[] = {
    {"policy_required", POLICY_BITS, false, SNP(policy_required), 0, NULL},
    {"policy_forbidden", POLICY_BITS, false, SNP(policy_forbidden), 0, NULL},
    {"allow_migration_agent", POLICY_BOOL, false, SNP(allow_migration_agent), 0, NULL},
    {"platform_required", POLICY_BITS, false, SNP(platform_required), 0, NULL},
    {"platform_forbidden", POLICY_BITS, false, SNP(platform_forbidden), 0, NULL},
    {"vmpls", POLICY_VMPLS, false, SNP(vmpls), 0, NULL},
    {"host_data", POLICY_HEX, false, SNP(host_data), 32, NULL},
    {"family_id", POLICY_HEX, false, SNP(family_id), 16, NULL},
    {"image_id", POLICY_HEX, false, SNP(image_id), 16, NULL},
    {"author_keys", POLICY_MEASUREMENTS, false, SNP(author_keys), SNP(author_key_count), NULL},
    {"boot_loader_min", POLICY_U8, false, SNP(tcb_min.boot_loader), 0, NULL},
    {"tee_min", POLICY_U8, false, SNP(tcb_min.tee), 0, NULL},
    {"snp_min", POLICY_U8, false, SNP(tcb_min.snp), 0, NULL},
    {"microcode_min", POLICY_U8, false, SNP(tcb_min.microcode), 0, NULL},
    {"fmc_min", POLICY_U8, false, SNP(tcb_min.fmc), 0, NULL},
    {"require_committed", POLICY_BOOL, false, SNP(require_committed), 0, NULL},
    {"mitigations_launch", POLICY_BITS, false, SNP(mitigations_launch), 0, NULL},
    {"mitigations_current", POLICY_BITS, false, SNP(mitigations_current), 0, NULL},
    {"csp_id", POLICY_TEXT, false, SNP(csp_id), 0, NULL},
};
static const struct policy_section SNP_SECTION = SECTION(SNP_ROWS, attest_policy_snp);

#define MACHINE(member) AT(attest_policy_machine, member)
static const struct policy_row MACHINE_ROWS[] = {
    {"kind", POLICY_MACHINE_KIND, true, MACHINE(kind), 0, NULL},
    {"id", POLICY_MACHINE_ID, true, MACHINE(id), 0, NULL},
};
static const struct policy_section MACHINE_SECTION = SECTION(MACHINE_ROWS, attest_policy_machine);

#define DENY(member) AT(attest_deny, member)
static const struct policy_row DENY_ROWS[] = {
    {"reason", POLICY_TEXT, true, DENY(reason), 0, NULL},      {"tees", POLICY_TEES, false, DENY(tees), 0, NULL},
    {"fmspc", POLICY_HEX, false, DENY(fmspc), 6, NULL},        {"product", POLICY_TEXT, false, DENY(product), 0, NULL},
    {"advisory", POLICY_TEXT, false, DENY(advisory), 0, NULL},
};
static const struct policy_section DENY_SECTION = SECTION(DENY_ROWS, attest_deny);

#define EXCEPTION(member) AT(attest_exception, member)
static const struct policy_row EXCEPTION_ROWS[] = {
    {"reason", POLICY_TEXT, true, EXCEPTION(reason), 0, NULL},
    {"until", POLICY_TIME, true, EXCEPTION(until), 0, NULL},
    {"tcb_statuses", POLICY_STATUSES, false, EXCEPTION(tcb_statuses), 0, NULL},
    {"advisories", POLICY_TEXTS, false, EXCEPTION(advisories), EXCEPTION(advisory_count), NULL},
    {"debug", POLICY_BOOL, false, EXCEPTION(debug), 0, NULL},
};
static const struct policy_section EXCEPTION_SECTION = SECTION(EXCEPTION_ROWS, attest_exception);

#define TOP(member) AT(attest_policy, member)
static const struct policy_row TOP_ROWS[] = {
    {"version", POLICY_VERSION, true, 0, 0, NULL},
    {"tees", POLICY_TEES, false, TOP(tees), 0, NULL},
    {"measurements", POLICY_MEASUREMENTS, false, TOP(measurements), TOP(measurement_count), NULL},
    {"signers", POLICY_MEASUREMENTS, false, TOP(signers), TOP(signer_count), NULL},
    {"svn_min", POLICY_U32, false, TOP(svn_min), 0, NULL},
    {"tcb_statuses", POLICY_STATUSES, false, TOP(tcb_statuses), 0, NULL},
    {"advisories", POLICY_TEXTS, false, TOP(advisories), TOP(advisory_count), NULL},
    {"tcb_date_min", POLICY_TIME, false, TOP(tcb_date_min), 0, NULL},
    {"tcb_date_max", POLICY_TIME, false, TOP(tcb_date_max), 0, NULL},
    {"evaluation_number_min", POLICY_U32, false, TOP(evaluation_number_min), 0, NULL},
    {"machines", POLICY_OBJECTS, false, TOP(machines), TOP(machine_count), &MACHINE_SECTION},
    {"deny", POLICY_OBJECTS, false, TOP(denied), TOP(denied_count), &DENY_SECTION},
    {"sgx", POLICY_OBJECT, false, TOP(sgx), 0, &SGX_SECTION},
    {"tdx", POLICY_OBJECT, false, TOP(tdx), 0, &TDX_SECTION},
    {"sev_snp", POLICY_OBJECT, false, TOP(snp), 0, &SNP_SECTION},
    {"exceptions", POLICY_OBJECTS, false, TOP(exceptions), TOP(exception_count), &EXCEPTION_SECTION},
    {"allow_debug", POLICY_BOOL, false, TOP(allow_debug), 0, NULL},
    {"allow_missing_crl", POLICY_BOOL, false, TOP(allow_missing_crl), 0, NULL},
    {"allow_any_config", POLICY_BOOL, false, TOP(allow_any_config), 0, NULL},
    {"simulation_roots", POLICY_ROOTS, false, TOP(simulation_roots), TOP(simulation_root_count), NULL},
};
const struct policy_section POLICY_TOP = SECTION(TOP_ROWS, attest_policy);

const char *policy_machine_kind_text(unsigned kind)
{
	static const char *const TEXTS[] = {
	    [ATTEST_MACHINE_PPID] = "ppid-sha256",
	    [ATTEST_MACHINE_PLATFORM_INSTANCE] = "platform-instance-id",
	    [ATTEST_MACHINE_CHIP_ID] = "chip-id",
	};

	return kind < COUNT_OF(TEXTS) ? TEXTS[kind] : NULL;
}
