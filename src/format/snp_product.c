/* SPDX-License-Identifier: Apache-2.0 */
#include "format/snp_product.h"

#include <string.h>

static const struct {
	enum snp_product product;
	const char *name;
} NAMES[] = {
    {SNP_PRODUCT_MILAN, "Milan"},
    {SNP_PRODUCT_GENOA, "Genoa"},
    {SNP_PRODUCT_TURIN, "Turin"},
};

/* Made like another product and certified by its ASK: Siena by Genoa's (57230, 1.2). */
#define SIENA "Siena"

/* Section 7: models, both ends inclusive. */
static const struct {
	uint8_t family, first, last;
	enum snp_product product;
} MODELS[] = {
    {0x19, 0x00, 0x0f, SNP_PRODUCT_MILAN},
    {0x19, 0x10, 0x1f, SNP_PRODUCT_GENOA},
    {0x19, 0xa0, 0xaf, SNP_PRODUCT_GENOA},
    {0x1a, 0x00, 0x11, SNP_PRODUCT_TURIN},
};

static const struct snp_tcb_layout LAYOUT_0 = {
    .parts =
	{
	    {SNP_TCB_BOOT_LOADER, 0, "boot loader"},
	    {SNP_TCB_TEE, 1, "TEE"},
	    {SNP_TCB_SNP, 6, "SNP"},
	    {SNP_TCB_MICROCODE, 7, "microcode"},
	},
    .count = 4,
    .reserved_first = 2,
    .reserved_last = 5,
    .struct_version = 0,
    .chip_id_size = 64,
};

static const struct snp_tcb_layout LAYOUT_1 = {
    .parts =
	{
	    {SNP_TCB_FMC, 0, "FMC"},
	    {SNP_TCB_BOOT_LOADER, 1, "boot loader"},
	    {SNP_TCB_TEE, 2, "TEE"},
	    {SNP_TCB_SNP, 3, "SNP"},
	    {SNP_TCB_MICROCODE, 7, "microcode"},
	},
    .count = 5,
    .reserved_first = 4,
    .reserved_last = 6,
    .struct_version = 1,
    .chip_id_size = 8,
};

const char *snp_product_text(enum snp_product product)
{
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		if (NAMES[i].product == product)
			return NAMES[i].name;
	return "unknown";
}

enum snp_product snp_product_from_name(const char *name)
{
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		if (strcmp(NAMES[i].name, name) == 0)
			return NAMES[i].product;
	return SNP_PRODUCT_UNKNOWN;
}

static bool is_stepping(const char *text)
{
	size_t size = 0;

	for (; text[size]; size++)
		if (!((text[size] >= 'A' && text[size] <= 'Z') || (text[size] >= '0' && text[size] <= '9')))
			return false;
	return size > 0;
}

/* "Milan" or "Milan-B0". */
static bool is_certified_as(const char *name, const char *product)
{
	const size_t size = strlen(product);

	return strncmp(product, name, size) == 0 &&
	       (!name[size] || (name[size] == '-' && is_stepping(name + size + 1)));
}

enum snp_product snp_product_from_certificate(const char *name)
{
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		if (is_certified_as(name, NAMES[i].name))
			return NAMES[i].product;
	return is_certified_as(name, SIENA) ? SNP_PRODUCT_GENOA : SNP_PRODUCT_UNKNOWN;
}

enum snp_product snp_product_from_cpuid(uint8_t family, uint8_t model)
{
	for (size_t i = 0; i < sizeof(MODELS) / sizeof(MODELS[0]); i++)
		if (MODELS[i].family == family && MODELS[i].first <= model && model <= MODELS[i].last)
			return MODELS[i].product;
	return SNP_PRODUCT_UNKNOWN;
}

const struct snp_tcb_layout *snp_tcb_layout(enum snp_product product)
{
	switch (product) {
	case SNP_PRODUCT_UNKNOWN:
		return NULL;
	case SNP_PRODUCT_MILAN:
	case SNP_PRODUCT_GENOA:
		return &LAYOUT_0;
	case SNP_PRODUCT_TURIN:
		return &LAYOUT_1;
	}
	return NULL;
}
