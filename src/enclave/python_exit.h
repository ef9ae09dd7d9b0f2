/* SPDX-License-Identifier: Apache-2.0 */
/* os._exit ends the process past all that would run at its end: here something runs before it all the same. */
#ifndef MSE_ENCLAVE_PYTHON_EXIT_H
#define MSE_ENCLAVE_PYTHON_EXIT_H

#include "base/err.h"

/* Puts another function into the place of os._exit, which calls before and then ends the process. GIL held. */
must_check int python_exit_install(void (*before)(void), struct err *err);

#endif
