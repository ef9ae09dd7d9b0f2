/* SPDX-License-Identifier: Apache-2.0 */
/* mse: the command line of owners and users of confidential apps. */
#include <jansson.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"

/* Tokens and secrets pass through JSON values: what jansson gives back is wiped. */
static void free_wiped(void *ptr)
{
	if (ptr)
		explicit_bzero(ptr, malloc_usable_size(ptr));
	free(ptr);
}

int main(int argc, char **argv)
{
	json_set_alloc_funcs(malloc, free_wiped);
	return cmd_main(argc, argv);
}
