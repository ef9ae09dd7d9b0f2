/* SPDX-License-Identifier: Apache-2.0 */
/* The signed range is part of the text and is the object that was parsed; levels come out sorted. */
#include <assert.h>
#include <string.h>

#include "format/tcb_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct signed_json json;
	scoped(tcb_info_freep) struct tcb_info *info = NULL;
	struct err err = ERR_INIT;
	json_t *again;

	if (signed_json_parse(data, size, "tcbInfo", &json, &err) < 0)
		return 0;
	assert(json.signed_data >= data && json.signed_data + json.signed_size <= data + size);
	again = json_loadb((const char *)json.signed_data, json.signed_size, JSON_REJECT_DUPLICATES, NULL);
	assert(json_equal(again, json.body));
	json_decref(again);
	if (tcb_info_parse(json.body, &info, &err) == 0) {
		assert(info->level_count > 0 && (info->id == TCB_INFO_TDX || info->modules.identity_count == 0));
		for (size_t i = 0; i < info->modules.identity_count; i++)
			assert(info->modules.identities[i].levels.count > 0 &&
			       tdx_modules_find(&info->modules, info->modules.identities[i].version) ==
				   &info->modules.identities[i]);
		for (size_t i = 1; i < info->level_count; i++)
			assert(memcmp(info->levels[i - 1].components, info->levels[i].components,
				      TCB_COMPONENT_COUNT) >= 0);
	}
	signed_json_done(&json);
	return 0;
}
