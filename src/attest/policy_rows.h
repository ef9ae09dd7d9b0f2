/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a policy in JSON: one table for each object, from which policy_json.c reads. docs/formats/policy.md
 * and docs/formats/policy.schema.json say the same for people and for other programs; a test compares them.
 */
#ifndef MSE_ATTEST_POLICY_ROWS_H
#define MSE_ATTEST_POLICY_ROWS_H

#include "mse/attest.h"

enum policy_kind {
	POLICY_VERSION,      /* 1 */
	POLICY_BOOL,         /* bool */
	POLICY_U8,           /* uint8_t; each number up to what its type holds */
	POLICY_U16,          /* uint16_t */
	POLICY_U16_POINTER,  /* const uint16_t * */
	POLICY_U32,          /* uint32_t */
	POLICY_BITS,         /* uint64_t: text "0x" and up to 16 hex digits */
	POLICY_TIME,         /* int64_t: "YYYY-MM-DDTHH:MM:SSZ" */
	POLICY_TEXT,         /* const char *: 1 to 256 printable ASCII characters */
	POLICY_TEXTS,        /* const char *const *, count at `more`; may be empty */
	POLICY_HEX,          /* const uint8_t *, `more` bytes */
	POLICY_MEASUREMENTS, /* const struct attest_measurement *, count at `more`; 32 or 48 bytes */
	POLICY_STATUSES,     /* uint32_t: texts */
	POLICY_TEES,         /* uint32_t: texts */
	POLICY_VMPLS,        /* uint32_t: 0 to 3, or "host" */
	POLICY_MACHINE_KIND, /* enum attest_machine_kind: text */
	POLICY_MACHINE_ID,   /* struct attest_machine: hex */
	POLICY_ROOTS,        /* const struct attest_bytes *, count at `more`: texts in PEM */
	POLICY_OBJECT,       /* const struct of `section` * */
	POLICY_OBJECTS,      /* array of them, count at `more` */
};

struct policy_section;

struct policy_row {
	const char *name;
	enum policy_kind kind;
	bool required;
	size_t offset; /* in the struct */
	size_t more;
	const struct policy_section *section;
};

struct policy_section {
	const struct policy_row *rows;
	size_t row_count;
	size_t size; /* of its struct */
};

extern const struct policy_section POLICY_TOP;

/* Texts of machine kinds, as in JSON. NULL: none of that number. */
const char *policy_machine_kind_text(unsigned kind);

#endif
