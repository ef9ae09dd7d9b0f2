/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes from the system (in an SGX enclave: the CPU). Never fails: without randomness the process ends. */
#ifndef MSE_CRYPTO_RANDOM_H
#define MSE_CRYPTO_RANDOM_H

#include <stddef.h>

void random_bytes(void *ret, size_t size);

#endif
