/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An AMD SEV-SNP attestation report, versions 2 to 5, as bytes: attestation-evidence.md section 3 (table), section 5
 * (case 50) and section 7 (AMD publication 56860, table ATTESTATION_REPORT).
 *
 * Nothing here is verified but form: the size, reserved bits and bytes, ranges. All pointers of struct snp_report point
 * into the bytes that were parsed: those must outlive it. Integers are little-endian. Pure and thread-safe.
 */
#ifndef MSE_FORMAT_SNP_REPORT_H
#define MSE_FORMAT_SNP_REPORT_H

#include "base/err.h"
#include "format/snp_product.h"

#define SNP_REPORT_SIZE 1184
#define SNP_SIGNED_SIZE 0x2a0
#define SNP_REPORT_VERSION_MIN 2
#define SNP_REPORT_VERSION_MAX 5
#define SNP_REPORT_DATA_SIZE 64
#define SNP_MEASUREMENT_SIZE 48
#define SNP_KEY_DIGEST_SIZE 48
#define SNP_HOST_DATA_SIZE 32
#define SNP_CHIP_ID_SIZE 64
#define SNP_SCALAR_SIZE 72 /* r, then s: little-endian, 48 bytes used */

#define SNP_ALGORITHM_ECDSA_P384_SHA384 1
#define SNP_VMPL_MAX 3
#define SNP_VMPL_HOST 0xffffffffu /* the host asked for the report, no guest did */

#define SNP_POLICY_MIGRATE_MA (1ull << 18)
#define SNP_POLICY_DEBUG (1ull << 19)

enum snp_signing_key {
	SNP_SIGNING_VCEK = 0,
	SNP_SIGNING_VLEK = 1,
	SNP_SIGNING_NONE = 7,
};

struct snp_firmware {
	uint8_t major, minor, build;
};

struct snp_report {
	const uint8_t *bytes; /* all of it; the first SNP_SIGNED_SIZE are signed */
	uint32_t version;
	uint32_t guest_svn;
	uint64_t policy;
	const uint8_t *family_id; /* 16 */
	const uint8_t *image_id;  /* 16 */
	uint32_t vmpl;
	uint32_t signature_algorithm; /* any value: the verdict judges it */
	uint64_t platform_info;
	bool author_key_enabled;
	bool chip_key_masked;
	enum snp_signing_key signing_key;
	const uint8_t *report_data;
	const uint8_t *measurement;
	const uint8_t *host_data;
	const uint8_t *id_key_digest;
	const uint8_t *author_key_digest;
	const uint8_t *report_id;    /* 32; no part of any verdict */
	const uint8_t *report_id_ma; /* 32; no part of any verdict */
	const uint8_t *current_tcb;  /* SNP_TCB_SIZE, as the other three */
	const uint8_t *reported_tcb;
	const uint8_t *committed_tcb;
	const uint8_t *launch_tcb;
	bool has_cpuid; /* version 3 on */
	uint8_t family, model, stepping;
	const uint8_t *chip_id;
	struct snp_firmware current, committed;
	bool has_mitigations; /* version 5 on */
	uint64_t launch_mitigations;
	uint64_t current_mitigations;
	const uint8_t *r; /* SNP_SCALAR_SIZE each */
	const uint8_t *s;
};

/* Names of refusals, as attestation-evidence.md section 5 has them. */
#define SNP_REPORT_FAULTS(X) \
	X(TRUNCATED, "truncated") \
	X(MALFORMED, "malformed") \
	X(UNSUPPORTED_VERSION, "unsupported-version")

enum snp_report_fault {
#define X(name, text) SNP_REPORT_##name,
	SNP_REPORT_FAULTS(X)
#undef X
};

const char *snp_report_fault_text(enum snp_report_fault fault);

/* On failure *ret_fault names the rule that was broken and err says where. */
must_check int snp_report_parse(const void *data, size_t size, struct snp_report *ret_report,
				enum snp_report_fault *ret_fault, struct err *err);

#endif
