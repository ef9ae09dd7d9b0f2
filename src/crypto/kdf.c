/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/kdf.h"

#include <string.h>

#include "crypto/hash.h"

_Static_assert(KDF_KEY_SIZE == BLAKE2B_KEY_SIZE, "key");

void kdf_derive(const uint8_t key[static KDF_KEY_SIZE], const char *label, const void *data, size_t size, uint8_t *ret,
		size_t ret_size)
{
	const struct hash_part parts[] = {{.data = label, .size = strlen(label)}, {.data = data, .size = size}};

	blake2b_keyed_parts(key, parts, COUNT_OF(parts), ret, ret_size);
}
