/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/number.h"
#include "format/tar.h"

static int read_memory(void *arg, void *data, size_t size, size_t *ret_size, struct err *err)
{
	struct tar_memory *memory = arg;
	const size_t part = size_min(size, memory->size);

	(void)err;
	if (part)
		memcpy(data, memory->data, part);
	memory->data += part;
	memory->size -= part;
	*ret_size = part;
	return 0;
}

struct tar_source tar_source_memory(struct tar_memory *memory)
{
	return (struct tar_source){.read = read_memory, .arg = memory};
}
