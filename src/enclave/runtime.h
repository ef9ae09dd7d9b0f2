/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the runtime in a TEE, from its settings to its end (docs/formats/enclave-settings.md, enclave-exit.md).
 * Once a process.
 */
#ifndef MSE_ENCLAVE_RUNTIME_H
#define MSE_ENCLAVE_RUNTIME_H

#include <stdbool.h>

#include "enclave/attested/instance_input.h"
#include "enclave/process/exit_code.h"

struct runtime_options {
	char *const *env;             /* the settings: "NAME=value", ended by NULL */
	struct instance_input *input; /* moved from; NULL: what is in INSTANCE_PATH */
	bool is_plain_allowed;        /* plain HTTP beside TLS on the one port, for a proxy that ends TLS */
};

enum exit_code runtime_run(const struct runtime_options *options);

/* The last line of a process that fails: "mse-enclave: NAME: TEXT". Returns code. */
enum exit_code runtime_fail(enum exit_code code, const struct err *err);

#endif
