/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual environment (PEP 405) that the plain server takes its packages from. Main thread, before Python starts.
 */
#ifndef MSE_ENCLAVE_PLAIN_VENV_H
#define MSE_ENCLAVE_PLAIN_VENV_H

#include "base/err.h"

/*
 * *ret: asked, if it is not "", else that of VIRTUAL_ENV; absolute, the caller's; NULL: none. What was asked for and
 * cannot be used is ERR_INVALID; a VIRTUAL_ENV that cannot is said, and left out.
 */
must_check int plain_venv_find(const char *asked, char **ret, struct err *err);

#endif
