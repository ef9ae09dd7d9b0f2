/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packages without files. Python takes any directory for a package (a "namespace"), and which directories there are is
 * the host's word even where every file is measured: an empty "orjson" would be imported, and the application that
 * tries it would go another way than the measured one. In an enclave a namespace counts only if a file that can be
 * opened lies below it.
 */
#ifndef MSE_ENCLAVE_PYTHON_NAMESPACE_H
#define MSE_ENCLAVE_PYTHON_NAMESPACE_H

#include "base/err.h"

/* Once, before the application is imported. GIL held. */
must_check int python_namespace_guard(struct err *err);

#endif
