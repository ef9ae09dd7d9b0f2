/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of Python's modules that an enclave has others for, because no audit event tells of them: os._exit, which
 * ends the process past all that would run at its end, and what multiprocessing starts processes with. They are
 * replaced in the modules' definitions, so whoever imports a module anew, or in another interpreter, gets the same.
 */
#ifndef MSE_ENCLAVE_PYTHON_REPLACE_H
#define MSE_ENCLAVE_PYTHON_REPLACE_H

#include "base/err.h"

/* before_exit: what os._exit does first. Once, before the interpreter is initialized. */
must_check int python_replace(void (*before_exit)(void), struct err *err);

#endif
