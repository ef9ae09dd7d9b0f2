/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"

#include <sodium.h>
#include <stdlib.h>

#include "crypto/sodium_ready.h"

void sodium_ready(void)
{
	if (sodium_init() < 0)
		abort();
}

void random_bytes(void *ret, size_t size)
{
	sodium_ready();
	randombytes_buf(ret, size);
}
