/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An Intel quote as bytes: version 3 (SGX), 4 (SGX or TDX), 5 (SGX or TDX with a body descriptor).
 * attestation-evidence.md sections 1.1 to 1.4, 5 (cases 1 to 12, 18) and 7.
 *
 * Nothing here is verified but form: lengths fit exactly, reserved bytes are zero, types are the known ones. All
 * pointers of struct intel_quote point into the bytes that were parsed: those must outlive it. Pure and thread-safe.
 */
#ifndef MSE_FORMAT_INTEL_QUOTE_H
#define MSE_FORMAT_INTEL_QUOTE_H

#include "format/sgx_report.h"
#include "format/td_report.h"

#define INTEL_QUOTE_SIZE_MIN 1020
#define INTEL_QUOTE_SIZE_MAX 65536
#define INTEL_QUOTE_HEADER_SIZE 48
#define INTEL_SIGNATURE_SIZE 64 /* raw big-endian r ‖ s */
#define INTEL_POINT_SIZE 64     /* raw big-endian x ‖ y */

/* As the descriptor of version 5 numbers them; in the others the version and the TEE type say which it is. */
enum intel_body {
	INTEL_BODY_SGX = 1,
	INTEL_BODY_TD_1_0 = 2,
	INTEL_BODY_TD_1_5 = 3,
};

/* Types of certification data; others are refused. */
enum intel_cert_data {
	INTEL_CERT_DATA_PPID = 1,
	INTEL_CERT_DATA_PPID_RSA_2048 = 2,
	INTEL_CERT_DATA_PPID_RSA_3072 = 3,
	INTEL_CERT_DATA_PCK_LEAF = 4,
	INTEL_CERT_DATA_PCK_CHAIN = 5, /* PEM: leaf, intermediate, root */
};

struct intel_quote {
	uint16_t version;
	const uint8_t *user_data; /* 20 bytes, never trusted */
	const uint8_t *signed_bytes;
	size_t signed_size; /* header, descriptor if there is one, body */
	enum intel_body body;
	struct sgx_report sgx;          /* if body is INTEL_BODY_SGX */
	struct td_report td;            /* else */
	const uint8_t *signature;       /* over signed_bytes, by attestation_key */
	const uint8_t *attestation_key; /* INTEL_POINT_SIZE */
	struct sgx_report qe_report;
	const uint8_t *qe_report_signature; /* over qe_report, by the PCK key */
	const uint8_t *qe_auth_data;
	size_t qe_auth_data_size;
	enum intel_cert_data cert_data_type;
	const uint8_t *cert_data;
	size_t cert_data_size;
	size_t trailing_size; /* bytes after the declared end: buffers are often padded */
};

/* Names of refusals, as attestation-evidence.md section 5 has them. */
#define INTEL_QUOTE_FAULTS(X) \
	X(TRUNCATED, "truncated") \
	X(MALFORMED, "malformed") \
	X(UNSUPPORTED_VERSION, "unsupported-version") \
	X(BAD_TEE_TYPE, "bad-tee-type") \
	X(UNSUPPORTED_KEY_TYPE, "unsupported-key-type") \
	X(BAD_QE_VENDOR, "bad-qe-vendor") \
	X(UNSUPPORTED_BODY, "unsupported-body") \
	X(UNSUPPORTED_CERT_DATA, "unsupported-cert-data")

enum intel_quote_fault {
#define X(name, text) INTEL_QUOTE_##name,
	INTEL_QUOTE_FAULTS(X)
#undef X
};

const char *intel_quote_fault_text(enum intel_quote_fault fault);

/* On failure *ret_fault names the rule that was broken and err says where. */
must_check int intel_quote_parse(const void *data, size_t size, struct intel_quote *ret_quote,
				 enum intel_quote_fault *ret_fault, struct err *err);

#endif
