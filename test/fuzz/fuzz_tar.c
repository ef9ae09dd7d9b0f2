/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "format/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads a whole tar; whatever path is accepted must pass the path check. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tar_memory memory = {.data = data, .size = size};
	scoped(tar_reader_freep) struct tar_reader *reader = NULL;
	struct err err = ERR_INIT;
	struct tar_entry entry;
	uint8_t piece[1000];
	size_t part;

	if (tar_reader_new(tar_source_memory(&memory), &reader, &err) < 0)
		return 0;
	while (tar_next(reader, &entry, &err) > 0) {
		uint64_t total = 0;

		do {
			if (tar_read(reader, piece, sizeof(piece), &part, &err) < 0)
				return 0;
			total += part;
		} while (part > 0);
		if (total != entry.size || tar_path_check(entry.path, __builtin_strlen(entry.path), &err) < 0)
			abort();
	}
	return 0;
}
