/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole verifier. Input: one byte (0 quote, 1 RA-TLS certificate, 2 fresh answer, 3 report, 4 RA-TLS certificate of
 * any maker), then items as u32 little-endian size and bytes: evidence, TCB info, its chain, QE identity, its chain,
 * root CRL, PCK CRL, VCEK or VLEK, ASK, ARK, ARK CRL. Only the vendors' roots are trusted, so whatever is accepted was
 * forged.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mse/attest.h"

#define TIME 1750000000
#define ITEMS 11

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

static int verify(uint8_t mode, struct attest_bytes evidence, const struct attest_collateral *collateral,
		  struct attest_verdict **ret, const char **ret_why)
{
	static const uint8_t VALUES[64] = {1, 2, 3};
	static const struct attest_exception ALL = {.reason = "fuzz",
						    .until = INT64_MAX,
						    .tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_REVOKED) - 1,
						    .debug = true};
	const struct attest_policy policy = {.exceptions = &ALL, .exception_count = 1};
	const struct attest_instance_expected instance = {.domain = "0123456789abcdef.mse.localhost"};
	const struct attest_ratls ratls = {evidence, &instance, ATTEST_ROLE_APPLICATION, VALUES};
	const struct attest_fresh fresh = {.answer = evidence,
					   .nonce = VALUES,
					   .exporter = VALUES,
					   .tls_key = VALUES,
					   .role = ATTEST_ROLE_APPLICATION,
					   .instance = &instance,
					   .owner_key = VALUES};

	const struct attest_certificate certificate = {.certificate = evidence, .tls_key = VALUES, .any_extra = true};
	const struct attest_evidence bare = {.quote = mode == 3 ? (struct attest_bytes){0} : evidence,
					     .report = mode == 3 ? evidence : (struct attest_bytes){0}};

	if (mode == 1)
		return attest_verify_ratls(&ratls, collateral, NULL, TIME, &policy, ret, ret_why);
	if (mode == 2)
		return attest_verify_fresh(&fresh, collateral, NULL, TIME, &policy, ret, ret_why);
	if (mode == 4)
		return attest_verify_certificate(&certificate, collateral, NULL, TIME, &policy, ret, ret_why);
	return attest_verify(&bare, &(struct attest_binding){{VALUES, 64}}, collateral, NULL, TIME, &policy, ret,
			     ret_why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	struct attest_bytes items[ITEMS];
	struct attest_needs needs;
	const char *why = NULL;
	uint8_t mode;

	if (size == 0)
		return 0;
	mode = *data++;
	size--;
	for (size_t i = 0; i < ITEMS; i++)
		items[i] = take(&data, &size);
	if (attest_collateral_new(&(struct attest_collateral_bytes){items[1], items[2], items[3], items[4], items[5],
								    items[6], items[0], items[7], items[8], items[9],
								    items[10]},
				  &collateral, &why) < 0)
		return 0;
	if (verify(mode, items[0], collateral, &verdict, &why) == 0) {
		char *text = attest_verdict_text(verdict);
		char *json = attest_verdict_json(verdict);

		assert(!verdict->accepted && verdict->failed && text && json);
		free(text);
		free(json);
	}
	(void)attest_needs(&items[0], &needs, &why);
	attest_verdict_free(verdict);
	attest_collateral_free(collateral);
	return 0;
}
