/* SPDX-License-Identifier: Apache-2.0 */
/* "module:variable", both dotted Python names. Checked here so that nothing else ever reaches Python. Pure. */
#ifndef MSE_ENCLAVE_APPLICATION_NAME_H
#define MSE_ENCLAVE_APPLICATION_NAME_H

#include "base/err.h"

/* *ret_module is the caller's; *ret_variable points into text. ERR_INVALID says what was wanted. */
must_check int application_name_parse(const char *text, char **ret_module, const char **ret_variable, struct err *err);

#endif
