/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/password.h"

#include <sodium.h>
#include <string.h>

#include "crypto/sodium_ready.h"

_Static_assert(PASSWORD_HASH_SIZE == crypto_pwhash_argon2id_STRBYTES, "hash text");

int password_hash(const void *password, size_t size, char ret_hash[static PASSWORD_HASH_SIZE], struct err *err)
{
	char hash[PASSWORD_HASH_SIZE];

	if (size > PASSWORD_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "password of %zu bytes, the maximum is %d", size, PASSWORD_SIZE_MAX);
	sodium_ready();
	if (crypto_pwhash_argon2id_str(hash, password, size, crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
				       crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE) != 0)
		return err_no_memory(err);
	memcpy(ret_hash, hash, sizeof(hash));
	return 0;
}

/* What a verification costs, for an account that does not exist. */
static void waste_time(const void *password, size_t size)
{
	const uint8_t salt[crypto_pwhash_argon2id_SALTBYTES] = {0};
	uint8_t key[32];

	if (crypto_pwhash_argon2id(key, sizeof(key), password, size, salt, crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
				   crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE,
				   crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
		return; /* out of memory: the answer is false all the same */
	sodium_memzero(key, sizeof(key));
}

bool password_verify(const char *hash, const void *password, size_t size)
{
	if (size > PASSWORD_SIZE_MAX)
		return false;
	sodium_ready();
	if (!hash) {
		waste_time(password, size);
		return false;
	}
	return crypto_pwhash_argon2id_str_verify(hash, password, size) == 0;
}
