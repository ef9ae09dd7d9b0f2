/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wrapping of an SEV-SNP report by the paravisor of Azure's confidential VMs (HCL): attestation-evidence.md
 * section 3, last paragraph. A header of 32 bytes that begins "HCLA", the report, five u32 (data size, version, report
 * type, hash type, length of the JSON), the JSON, zeros up to at most 2600 bytes.
 *
 * REPORT_DATA of the report is SHA-256 of the JSON, then 32 zeros: the caller checks that (this folder hashes nothing).
 * The header and the data size are signed by nobody and read by nobody. Pointers go into the caller's bytes.
 */
#ifndef MSE_FORMAT_HCL_REPORT_H
#define MSE_FORMAT_HCL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define HCL_REPORT_SIZE_MAX 2600
#define HCL_USER_DATA_SIZE 64

struct hcl_report {
	const uint8_t *report; /* SNP_REPORT_SIZE bytes, not parsed */
	const uint8_t *json;
	size_t json_size;
	bool has_user_data; /* member "user-data" of the JSON: what the guest gave through its vTPM */
	uint8_t user_data[HCL_USER_DATA_SIZE];
};

/* True if the bytes begin as such a report does: for telling the forms of evidence apart. */
bool hcl_report_is(const void *data, size_t size);

must_check int hcl_report_parse(const void *data, size_t size, struct hcl_report *ret, struct err *err);

#endif
