/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secretbox.h"

#include <sodium.h>
#include <string.h>

#include "base/number.h"
#include "crypto/sodium_ready.h"

_Static_assert(SECRETBOX_KEY_SIZE == crypto_secretbox_KEYBYTES, "key");
_Static_assert(SECRETBOX_NONCE_SIZE == crypto_secretbox_NONCEBYTES, "nonce");
_Static_assert(SECRETBOX_OVERHEAD == crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES, "overhead");

int secretbox_seal(const uint8_t key[static SECRETBOX_KEY_SIZE], const uint8_t nonce[static SECRETBOX_NONCE_SIZE],
		   const void *data, size_t size, struct buf *ret, struct err *err)
{
	size_t box_size;
	uint8_t *room;

	if (!size_add(size, SECRETBOX_OVERHEAD, &box_size))
		return err_no_memory(err);
	if (buf_reserve(ret, box_size, &room, err) < 0)
		return -1;
	sodium_ready();
	memcpy(room, nonce, SECRETBOX_NONCE_SIZE);
	if (crypto_secretbox_easy(room + SECRETBOX_NONCE_SIZE, data, size, nonce, key) != 0)
		return err_set(err, ERR_INTERNAL, "cannot seal %zu bytes", size);
	ret->size += box_size;
	return 0;
}

int secretbox_open(const uint8_t key[static SECRETBOX_KEY_SIZE], const void *data, size_t size, struct buf *ret,
		   struct err *err)
{
	const uint8_t *nonce = data;
	uint8_t *room;

	if (size < SECRETBOX_OVERHEAD)
		return err_set(err, ERR_UNTRUSTED, "secret box of %zu bytes, expected %d or more", size,
			       SECRETBOX_OVERHEAD);
	if (buf_reserve(ret, size - SECRETBOX_OVERHEAD, &room, err) < 0)
		return -1;
	sodium_ready();
	if (crypto_secretbox_open_easy(room, nonce + SECRETBOX_NONCE_SIZE, size - SECRETBOX_NONCE_SIZE, nonce, key) !=
	    0)
		return err_set(err, ERR_UNTRUSTED, "secret box does not open: another key, or changed");
	ret->size += size - SECRETBOX_OVERHEAD;
	return 0;
}
