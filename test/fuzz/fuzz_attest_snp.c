/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole verifier for SEV-SNP. Input: items as u32 little-endian size and bytes: report (or its wrapping), VCEK or
 * VLEK, ASK, ARK, CRL. Only AMD's roots are trusted, so whatever is accepted was forged.
 */
#include <assert.h>
#include <stdlib.h>

#include "mse/attest.h"

#define TIME 1750000000
#define ITEMS 5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The last item takes what is left if its size is wrong. */
static struct attest_bytes take(const uint8_t **data, size_t *size)
{
	struct attest_bytes item = {0};
	size_t item_size;

	if (*size < 4)
		return item;
	item_size = (size_t)(*data)[0] | (size_t)(*data)[1] << 8 | (size_t)(*data)[2] << 16 | (size_t)(*data)[3] << 24;
	*data += 4;
	*size -= 4;
	if (item_size > *size)
		item_size = *size;
	item = (struct attest_bytes){*data, item_size};
	*data += item_size;
	*size -= item_size;
	return item;
}

static void judge(struct attest_bytes report, const struct attest_collateral *collateral)
{
	static const struct attest_policy_snp SNP = {.allow_migration_agent = true};
	static const struct attest_policy POLICY = {.allow_debug = true, .allow_missing_crl = true, .snp = &SNP};
	struct attest_verdict *verdict = NULL;
	const char *why = NULL;

	if (attest_verify(&(struct attest_evidence){.report = report}, &(struct attest_binding){.any = true},
			  collateral, NULL, TIME, &POLICY, &verdict, &why) == 0) {
		char *text = attest_verdict_text(verdict);
		char *json = attest_verdict_json(verdict);

		assert(!verdict->accepted && verdict->failed && text && json);
		free(text);
		free(json);
	}
	attest_verdict_free(verdict);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct attest_collateral *collateral = NULL;
	struct attest_bytes items[ITEMS];
	struct attest_needs needs;
	const char *why = NULL;

	for (size_t i = 0; i < ITEMS; i++)
		items[i] = take(&data, &size);
	if (attest_collateral_new(
		&(struct attest_collateral_bytes){
		    .vek = items[1], .ask = items[2], .ark = items[3], .ark_crl = items[4]},
		&collateral, &why) < 0)
		return 0;
	judge(items[0], collateral);
	(void)attest_needs(&items[0], &needs, &why);
	attest_collateral_free(collateral);
	return 0;
}
