/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An SGX report body, 384 bytes (attestation-evidence.md section 1.2): of a workload or of a quoting enclave.
 *
 * All pointers point into the bytes that were parsed: those must outlive the struct. Pure and thread-safe.
 */
#ifndef MSE_FORMAT_SGX_REPORT_H
#define MSE_FORMAT_SGX_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SGX_REPORT_SIZE 384
#define SGX_REPORT_DATA_SIZE 64
#define SGX_ATTRIBUTES_SIZE 16

#define SGX_ATTRIBUTE_DEBUG 0x02 /* in byte 0 of the attributes */

struct sgx_report {
	const uint8_t *bytes; /* all SGX_REPORT_SIZE of them: what is signed */
	const uint8_t *cpusvn;
	uint32_t miscselect;
	const uint8_t *isvextprodid; /* 16 bytes */
	const uint8_t *attributes;   /* SGX_ATTRIBUTES_SIZE: flags, then XFRM */
	bool debug;
	const uint8_t *mrenclave;
	const uint8_t *mrsigner;
	const uint8_t *configid; /* 64 bytes */
	uint16_t isvprodid;
	uint16_t isvsvn;
	uint16_t configsvn;
	const uint8_t *isvfamilyid; /* 16 bytes */
	const uint8_t *report_data;
};

/* Fails only if a reserved byte is not zero; `what` begins the text. */
must_check int sgx_report_parse(const uint8_t bytes[static SGX_REPORT_SIZE], const char *what, struct sgx_report *ret,
				struct err *err);

#endif
