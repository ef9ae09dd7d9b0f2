/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/aead.h"

#include <assert.h>
#include <sodium.h>

#include "base/number.h"
#include "crypto/sodium_ready.h"

#define NONCE_SIZE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES

_Static_assert(XCHACHA_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(XCHACHA_OVERHEAD == NONCE_SIZE + crypto_aead_xchacha20poly1305_ietf_ABYTES, "overhead");

int xchacha_seal(const uint8_t key[static XCHACHA_KEY_SIZE], const void *associated, size_t associated_size,
		 const void *data, size_t size, struct buf *ret, struct err *err)
{
	size_t blob_size;
	uint8_t *room;

	if (!size_add(size, XCHACHA_OVERHEAD, &blob_size))
		return err_no_memory(err);
	if (buf_reserve(ret, blob_size, &room, err) < 0)
		return -1;
	sodium_ready();
	randombytes_buf(room, NONCE_SIZE);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(room + NONCE_SIZE, NULL, data, size, associated,
							 associated_size, NULL, room, key);
	ret->size += blob_size;
	return 0;
}

int xchacha_open(const uint8_t key[static XCHACHA_KEY_SIZE], const void *associated, size_t associated_size,
		 const void *data, size_t size, struct secret *ret, struct err *err)
{
	scoped(secret_done) struct secret plain = SECRET_INIT;
	const uint8_t *nonce = data;

	assert(!ret->data);
	if (size < XCHACHA_OVERHEAD)
		return err_set(err, ERR_UNTRUSTED, "sealed blob of %zu bytes, expected %d or more", size,
			       (int)XCHACHA_OVERHEAD);
	if (secret_new(&plain, size - XCHACHA_OVERHEAD, err) < 0)
		return -1;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain.data, NULL, NULL, nonce + NONCE_SIZE, size - NONCE_SIZE,
						       associated, associated_size, nonce, key) != 0)
		return err_set(err, ERR_UNTRUSTED, "sealed blob does not open: another key or context, or changed");
	*ret = plain;
	plain = SECRET_INIT;
	return 0;
}
