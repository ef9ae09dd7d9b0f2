/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Percent-decoding of a request's path (RFC 3986 section 2.1) as application servers do it: "%41" becomes one byte, a
 * '%' that begins nothing stays. Pure.
 */
#ifndef MSE_ENCLAVE_PATH_DECODE_H
#define MSE_ENCLAVE_PATH_DECODE_H

#include <stddef.h>

/* On the heap, *ret_size bytes, which may hold zero bytes, and a zero byte behind them; NULL without memory. */
char *path_decode(const char *path, size_t *ret_size);

#endif
