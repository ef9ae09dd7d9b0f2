/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AMD's server lines with SEV-SNP and how each lays out its TCB_VERSION (attestation-evidence.md sections 3 and 7).
 * Pure tables.
 */
#ifndef MSE_FORMAT_SNP_PRODUCT_H
#define MSE_FORMAT_SNP_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNP_TCB_SIZE 8

enum snp_product {
	SNP_PRODUCT_UNKNOWN,
	SNP_PRODUCT_MILAN,
	SNP_PRODUCT_GENOA,
	SNP_PRODUCT_TURIN,
};

/* "Milan", "Genoa", "Turin"; "unknown". */
const char *snp_product_text(enum snp_product product);
/* Exactly one of the names, as in "ARK-Milan" after the dash. */
enum snp_product snp_product_from_name(const char *name);
/* productName of a VCEK: the name, or the name, a dash and a stepping of letters and digits ("Milan-B0"). */
enum snp_product snp_product_from_certificate(const char *name);
enum snp_product snp_product_from_cpuid(uint8_t family, uint8_t model);

/* The parts of a TCB_VERSION, in the numbering of the KDS extensions 1.3.6.1.4.1.3704.1.3.N. */
enum snp_tcb_part {
	SNP_TCB_BOOT_LOADER = 1,
	SNP_TCB_TEE = 2,
	SNP_TCB_SNP = 3,
	SNP_TCB_MICROCODE = 8,
	SNP_TCB_FMC = 9, /* Turin only */
};

#define SNP_TCB_PARTS_MAX 5

/* Which byte of TCB_VERSION holds which part. */
struct snp_tcb_layout {
	struct {
		enum snp_tcb_part part;
		uint8_t byte;
		const char *name;
	} parts[SNP_TCB_PARTS_MAX];
	size_t count;
	uint8_t reserved_first; /* bytes that are zero, both inclusive */
	uint8_t reserved_last;
	uint8_t struct_version; /* of the certificate's extensions */
	uint8_t chip_id_size;   /* bytes of CHIP_ID that name the chip; the rest is zero */
};

/* NULL for SNP_PRODUCT_UNKNOWN. */
const struct snp_tcb_layout *snp_tcb_layout(enum snp_product product);

#endif
