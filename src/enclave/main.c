/* SPDX-License-Identifier: Apache-2.0 */
/* mse-enclave: the runtime in the TEE. Without arguments all it is told is its measured environment. */
#include "enclave/runtime.h"

extern char **environ;

int main(int argc, char **argv)
{
	const struct runtime_options options = {.env = environ};
	struct err err = ERR_INIT;

	if (argc > 1) {
		(void)err_set(&err, ERR_INVALID, "'%s': mse-enclave takes no arguments", argv[1]);
		return (int)runtime_fail(EXIT_CODE_SETTINGS, &err);
	}
	return (int)runtime_run(&options);
}
