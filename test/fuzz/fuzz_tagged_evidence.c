/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "format/tagged_evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(const uint8_t *data, size_t size, const uint8_t *part, size_t part_size)
{
	assert(part >= data && part_size <= size && (size_t)(part - data) <= size - part_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tagged_evidence evidence;
	struct cbor_reader reader = {data, size};
	struct err err = ERR_INIT;

	if (tagged_evidence_parse(data, size, &evidence, &err) == 0) {
		check_inside(data, size, evidence.quote, evidence.quote_size);
		check_inside(data, size, evidence.claims, evidence.claims_size);
		check_inside(evidence.claims, evidence.claims_size, evidence.key_hash, evidence.key_hash_size);
	}
	if (cbor_skip(&reader, &err) == 0)
		check_inside(data, size, reader.data, reader.size);
	return 0;
}
