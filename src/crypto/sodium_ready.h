/* SPDX-License-Identifier: Apache-2.0 */
/* libsodium wants to be started once before use; inside crypto/ only. */
#ifndef MSE_CRYPTO_SODIUM_READY_H
#define MSE_CRYPTO_SODIUM_READY_H

/* Cheap after the first call, thread-safe. Ends the process if the system gives no randomness. */
void sodium_ready(void);

#endif
