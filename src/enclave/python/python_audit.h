/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit hook that refuses Python code the runtime's own files (attested-channel.md G3): the TEE's device files, the
 * sealed state, the host's input, the process in /proc (its memory above all), and new processes, which an enclave
 * cannot have (E5). Set from C before the interpreter runs anything, so no Python code can take it away.
 *
 * It stops Python code. Native code of the application can go around it: it is measured, and the owner's risk.
 */
#ifndef MSE_ENCLAVE_PYTHON_AUDIT_H
#define MSE_ENCLAVE_PYTHON_AUDIT_H

#include <stdbool.h>

#include "enclave/process/settings.h"

/* Before Py_InitializeFromConfig. settings is borrowed for ever. */
must_check int python_audit_install(const struct settings *settings, struct err *err);

/* Would the hook refuse this path? Pure but for resolving links; exported for tests. */
bool python_audit_refuses(const struct settings *settings, const char *path);

#endif
