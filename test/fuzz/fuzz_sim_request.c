/* SPDX-License-Identifier: Apache-2.0 */
/* Lines on mse-sim's control socket, both ways, and its records. */
#include <stddef.h>
#include <stdint.h>

#include "engine/sim_protocol.h"
#include "format/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(json_decrefp) json_t *object = NULL;
	struct err err = ERR_INIT;
	struct sim_request request;
	struct engine_status status;
	struct engine_usage usage;

	if (size > SIM_REQUEST_MAX || json_parse_strict(data, size, SIM_DEPTH_MAX, &object, &err) < 0)
		return 0;
	if (sim_request_parse(object, &request, &err) == 0 && request.uuid && !engine_uuid_is_valid(request.uuid))
		__builtin_trap();
	IGNORE_RESULT(sim_reply_check(object, &err));
	IGNORE_RESULT(sim_usage_parse(object, &usage, &err));
	if (sim_status_parse(object, &status, &err) == 0) {
		scoped(json_decrefp) json_t *again = NULL;

		if (sim_status_format(&status, &again, &err) < 0)
			__builtin_trap();
	}
	return 0;
}
