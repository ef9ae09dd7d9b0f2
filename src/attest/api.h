/* SPDX-License-Identifier: Apache-2.0 */
/* What the shared library exports: everything of mse/attest.h and nothing else (libmseattest.sym lists it). */
#ifndef MSE_ATTEST_API_H
#define MSE_ATTEST_API_H

#define ATTEST_API __attribute__((visibility("default")))

#endif
