/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the process refuses to itself before it knows a secret: core dumps, being traced, another root directory,
 * SIGPIPE, JSON trees that leave secrets in freed memory.
 */
#ifndef MSE_ENCLAVE_HARDENING_H
#define MSE_ENCLAVE_HARDENING_H

#include <stdbool.h>

#include "base/err.h"

/* First thing in main, before any other thread exists. */
must_check int hardening_apply(struct err *err);

/*
 * What the host left open is neither read nor handed on to the application: standard input becomes /dev/null (a
 * forgotten breakpoint() asks nobody), all from 3 on are closed; is_device_inherited: 3 is the simulated TEE's and
 * stays. Before anything of our own is opened.
 */
must_check int hardening_drop_descriptors(bool is_device_inherited, struct err *err);

#endif
