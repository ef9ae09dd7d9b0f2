/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "format/qe_identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct signed_json json;
	scoped(qe_identity_freep) struct qe_identity *identity = NULL;
	struct err err = ERR_INIT;

	if (signed_json_parse(data, size, "enclaveIdentity", &json, &err) < 0)
		return 0;
	assert(json.signed_data >= data && json.signed_data + json.signed_size <= data + size);
	if (qe_identity_parse(json.body, &identity, &err) == 0) {
		assert(identity->levels.count > 0);
		for (size_t i = 1; i < identity->levels.count; i++)
			assert(identity->levels.items[i - 1].isvsvn > identity->levels.items[i].isvsvn);
	}
	signed_json_done(&json);
	return 0;
}
