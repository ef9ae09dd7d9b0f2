/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

#include "domain/requirement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read must be met or not met by a version, or be named as malformed; nothing else. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct requirement requirement;
	struct err err = ERR_INIT;
	char *line = malloc(size + 1);

	if (!line)
		return 0;
	if (size > 0)
		memcpy(line, data, size);
	line[size] = 0;
	if (requirement_parse(line, &requirement, &err) == 1) {
		if (!requirement.name[0])
			__builtin_trap();
		if (requirement_is_met(&requirement, "1.2.3rc4", &err) < 0 && !err.text[0])
			__builtin_trap();
	}
	free(line);
	return 0;
}
