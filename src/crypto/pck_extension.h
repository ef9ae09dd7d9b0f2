/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SGX extension of a PCK certificate, OID 1.2.840.113741.1.13.1 (attestation-evidence.md sections 1.5 and 7): 5
 * elements under the Processor CA, 7 under the Platform CA, 18 in the TCB, each once, in any order, with exact types,
 * lengths and ranges, and nothing after it. Pure; the result owns nothing.
 */
#ifndef MSE_CRYPTO_PCK_EXTENSION_H
#define MSE_CRYPTO_PCK_EXTENSION_H

#include "crypto/der.h"

#define PCK_EXTENSION_OID "1.2.840.113741.1.13.1"
#define PCK_COMPONENT_COUNT 16

struct pck_extension {
	uint8_t ppid[16];
	uint8_t components[PCK_COMPONENT_COUNT];
	uint16_t pcesvn;
	uint8_t cpusvn[16];
	uint8_t pceid[2];
	uint8_t fmspc[6];
	uint8_t sgx_type;  /* 0 standard, 1 scalable, 2 scalable with integrity */
	bool has_platform; /* the four below: only under the Platform CA */
	uint8_t platform_instance_id[16];
	bool dynamic_platform;
	bool cached_keys;
	bool smt_enabled;
};

must_check int pck_extension_parse(struct der value, struct pck_extension *ret, struct err *err);

#endif
