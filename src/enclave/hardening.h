/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the process refuses to itself before it knows a secret: core dumps, being traced, another root directory,
 * SIGPIPE, JSON trees that leave secrets in freed memory.
 */
#ifndef MSE_ENCLAVE_HARDENING_H
#define MSE_ENCLAVE_HARDENING_H

#include "base/err.h"

/* First thing in main, before any other thread exists. */
must_check int hardening_apply(struct err *err);

#endif
