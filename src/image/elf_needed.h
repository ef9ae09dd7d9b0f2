/* SPDX-License-Identifier: Apache-2.0 */
/* The libraries that an ELF64 file names (DT_NEEDED). No program of the system is run to find them. */
#ifndef MSE_IMAGE_ELF_NEEDED_H
#define MSE_IMAGE_ELF_NEEDED_H

#include <stddef.h>

#include "base/err.h"

/* Calls visit with each name, in file order. A static file has none. */
must_check int elf_needed_each(const void *data, size_t size,
			       int (*visit)(const char *name, void *arg, struct err *err), void *arg, struct err *err);

#endif
