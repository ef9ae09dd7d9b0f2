/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An Intel SGX quote, version 3, as bytes: attestation-evidence.md sections 1.1, 1.2, 1.4, 5 (cases 1 to 12, 18) and 7.
 *
 * Nothing here is verified but form: lengths fit exactly, reserved bytes are zero, types are the known ones. All
 * pointers of struct sgx_quote point into the bytes that were parsed: those must outlive it. Pure and thread-safe.
 */
#ifndef MSE_FORMAT_SGX_QUOTE_H
#define MSE_FORMAT_SGX_QUOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SGX_QUOTE_SIZE_MIN 1020
#define SGX_QUOTE_SIZE_MAX 65536
#define SGX_QUOTE_HEADER_SIZE 48
#define SGX_REPORT_SIZE 384
#define SGX_REPORT_DATA_SIZE 64
#define SGX_SIGNATURE_SIZE 64 /* raw big-endian r ‖ s */
#define SGX_POINT_SIZE 64     /* raw big-endian x ‖ y */
#define SGX_ATTRIBUTES_SIZE 16

#define SGX_ATTRIBUTE_DEBUG 0x02 /* in byte 0 of the attributes */

/* Types of certification data; others are refused. */
enum sgx_cert_data {
	SGX_CERT_DATA_PPID = 1,
	SGX_CERT_DATA_PPID_RSA_2048 = 2,
	SGX_CERT_DATA_PPID_RSA_3072 = 3,
	SGX_CERT_DATA_PCK_LEAF = 4,
	SGX_CERT_DATA_PCK_CHAIN = 5, /* PEM: leaf, intermediate, root */
};

struct sgx_report {
	const uint8_t *bytes; /* all SGX_REPORT_SIZE of them: what is signed */
	const uint8_t *cpusvn;
	uint32_t miscselect;
	const uint8_t *attributes; /* SGX_ATTRIBUTES_SIZE: flags, then XFRM */
	bool debug;
	const uint8_t *mrenclave;
	const uint8_t *mrsigner;
	uint16_t isvprodid;
	uint16_t isvsvn;
	const uint8_t *isvextprodid; /* 16 bytes */
	const uint8_t *configid;     /* 64 bytes */
	uint16_t configsvn;
	const uint8_t *isvfamilyid; /* 16 bytes */
	const uint8_t *report_data;
};

struct sgx_quote {
	uint16_t version;
	const uint8_t *user_data; /* 20 bytes, never trusted */
	const uint8_t *signed_bytes;
	size_t signed_size; /* header and report */
	struct sgx_report report;
	const uint8_t *signature;       /* over signed_bytes, by attestation_key */
	const uint8_t *attestation_key; /* SGX_POINT_SIZE */
	struct sgx_report qe_report;
	const uint8_t *qe_report_signature; /* over qe_report, by the PCK key */
	const uint8_t *qe_auth_data;
	size_t qe_auth_data_size;
	enum sgx_cert_data cert_data_type;
	const uint8_t *cert_data;
	size_t cert_data_size;
	size_t trailing_size; /* bytes after the declared end: buffers are often padded */
};

/* Names of refusals, as attestation-evidence.md section 5 has them. */
#define SGX_QUOTE_FAULTS(X) \
	X(TRUNCATED, "truncated") \
	X(MALFORMED, "malformed") \
	X(UNSUPPORTED_VERSION, "unsupported-version") \
	X(BAD_TEE_TYPE, "bad-tee-type") \
	X(UNSUPPORTED_KEY_TYPE, "unsupported-key-type") \
	X(BAD_QE_VENDOR, "bad-qe-vendor") \
	X(UNSUPPORTED_CERT_DATA, "unsupported-cert-data")

enum sgx_quote_fault {
#define X(name, text) SGX_QUOTE_##name,
	SGX_QUOTE_FAULTS(X)
#undef X
};

const char *sgx_quote_fault_text(enum sgx_quote_fault fault);

/* On failure *ret_fault names the rule that was broken and err says where. */
must_check int sgx_quote_parse(const void *data, size_t size, struct sgx_quote *ret_quote,
			       enum sgx_quote_fault *ret_fault, struct err *err);

#endif
