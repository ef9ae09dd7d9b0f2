/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SEV-SNP evidence of a test CA, byte for byte under the test's control: right by default, wrong in exactly the way
 * that a test asks for. Signatures are always made over what was asked for, so that the rule under test is the only
 * one broken. Everything aborts when out of memory.
 */
#ifndef MSE_TEST_AMD_EVIDENCE_H
#define MSE_TEST_AMD_EVIDENCE_H

#include <stdbool.h>

#include "amd_sign.h"
#include "format/snp_product.h"
#include "mse/attest.h"

#define AMD_TIME INT64_C(1750000000) /* 2025-06-15: when all of it is valid */
#define AMD_DAY 86400
#define AMD_REPORT_SIZE 1184
#define AMD_EXTENSIONS_MAX 20

struct amd_extension {
	const char *oid;
	bool critical;
	struct buf value; /* owned by the spec */
};

struct amd_cert {
	char name[64]; /* subject's common name */
	char issuer_name[64];
	uint32_t serial;
	int64_t not_before, not_after;
	bool ca;
	int path_length;   /* -1: none */
	uint8_t key_usage; /* 0: absent */
	enum amd_key_id key;
	const struct buf *spki; /* in place of the key's; NULL: the key's */
	enum amd_key_id issuer_key;
	enum amd_scheme scheme;
	enum amd_scheme inner_scheme; /* of the TBS part; amd_evidence_init: as scheme */
	struct amd_extension extensions[AMD_EXTENSIONS_MAX];
	size_t extension_count;
	bool version_1;
	bool break_signature;
	bool trailing_byte;
};

void amd_cert_make(const struct amd_cert *cert, struct buf *ret_der);
/* value is copied. */
void amd_cert_add_extension(struct amd_cert *cert, const char *oid, bool critical, const void *value, size_t size);

/* The extensions of AMD's key distribution service. */
struct amd_kds {
	int64_t struct_version;
	const char *product; /* NULL: left out */
	int64_t spl[10];
	uint16_t spls; /* bit N: 3.N is there */
	uint8_t hwid[64];
	size_t hwid_size;   /* 0: left out */
	const char *csp_id; /* NULL: left out */
	bool no_struct_version;
	bool product_as_utf8;
	bool hwid_in_octets; /* an OCTET STRING inside the extension */
	bool trailing_byte;  /* after 3.1's INTEGER */
};

struct amd_crl {
	char issuer_name[64];
	enum amd_key_id issuer_key;
	enum amd_scheme scheme;
	int64_t this_update, next_update;
	uint32_t revoked; /* serial, 0: none */
	bool no_number, no_authority_key, no_next_update, is_delta, version_1;
	bool critical; /* with an unknown critical extension */
	bool no_entry_date;
	bool break_signature;
	bool trailing_byte;
};

struct amd_evidence {
	/* What goes in; amd_evidence_init sets it right, a test changes it. */
	enum snp_product product;
	bool vlek;
	struct amd_cert ark, ask, vek;
	struct amd_kds kds;
	struct amd_crl crl;
	uint8_t report[AMD_REPORT_SIZE]; /* its signature is made, unless: */
	bool keep_signature;
	enum amd_key_id report_key;
	const char *json;            /* for the HCL wrapping */
	const struct buf *other_vek; /* the table's key of the other kind; NULL: the same certificate */
	/* What comes out of amd_evidence_build. */
	struct buf ark_der, ask_der, vek_der, crl_der;
	struct buf hcl;       /* amd_evidence_wrap */
	struct buf extension; /* amd_evidence_table */
};

/* version: 2 to 5. Turin has none below 3 in life, but may here. */
void amd_evidence_init(struct amd_evidence *evidence, enum snp_product product, unsigned version, bool vlek);
void amd_evidence_build(struct amd_evidence *evidence);
/* Only the report's signature anew. */
void amd_evidence_sign(struct amd_evidence *evidence);
/* Puts SHA-256 of json into REPORT_DATA, signs, and makes hcl of `size` bytes (0: no padding). After build. */
void amd_evidence_wrap(struct amd_evidence *evidence, size_t size);
/* Makes the extension of RA-TLS; which: bits of enum snp_cert_kind; -1: no table at all. After build. */
void amd_evidence_table(struct amd_evidence *evidence, int which);
void amd_evidence_done(struct amd_evidence *evidence);

/* Little-endian numbers in the report. */
void amd_put_u32(uint8_t *at, uint32_t value);
void amd_put_u64(uint8_t *at, uint64_t value);

/* Offsets in the report that tests change most. */
enum {
	AMD_AT_VERSION = 0x000,
	AMD_AT_GUEST_SVN = 0x004,
	AMD_AT_POLICY = 0x008,
	AMD_AT_VMPL = 0x030,
	AMD_AT_ALGORITHM = 0x034,
	AMD_AT_CURRENT_TCB = 0x038,
	AMD_AT_PLATFORM = 0x040,
	AMD_AT_KEY_INFO = 0x048,
	AMD_AT_REPORT_DATA = 0x050,
	AMD_AT_MEASUREMENT = 0x090,
	AMD_AT_ID_KEY = 0x0e0,
	AMD_AT_REPORTED_TCB = 0x180,
	AMD_AT_CPUID = 0x188,
	AMD_AT_CHIP_ID = 0x1a0,
	AMD_AT_COMMITTED_TCB = 0x1e0,
	AMD_AT_LAUNCH_TCB = 0x1f0,
	AMD_AT_LAUNCH_MITIGATIONS = 0x1f8,
	AMD_AT_CURRENT_MITIGATIONS = 0x200,
	AMD_AT_SIGNATURE = 0x2a0,
};

#endif
