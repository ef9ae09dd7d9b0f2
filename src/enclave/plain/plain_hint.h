/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody may have meant by an option that the plain server does not have. Pure. */
#ifndef MSE_ENCLAVE_PLAIN_HINT_H
#define MSE_ENCLAVE_PLAIN_HINT_H

#include "enclave/process/arguments.h"

/* Adds a hint to the "unknown option" of arguments_parse, if err is one. Returns -1. */
int plain_hint_add(const struct argument *rows, size_t count, struct err *err);

#endif
