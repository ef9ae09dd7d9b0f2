/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "image/elf_needed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A name ends inside the file. */
static int visit(const char *name, void *arg, struct err *err)
{
	size_t *total = arg;

	(void)err;
	*total += strlen(name);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = ERR_INIT;
	size_t total = 0;

	if (elf_needed_each(data, size, visit, &total, &err) < 0 && err.text[0] == 0)
		abort();
	return 0;
}
