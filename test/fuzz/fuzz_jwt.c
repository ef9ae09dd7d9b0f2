/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cloud/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nobody but the key's owner makes a token that is accepted, and no key here has signed any. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct p256_key *key;
	struct err err = ERR_INIT;
	json_t *claims = NULL;
	char *token = malloc(size + 1);

	if (!token)
		return 0;
	if (!key && p256_generate(&key, &err) < 0)
		__builtin_trap();
	if (size > 0)
		memcpy(token, data, size);
	token[size] = 0;
	if (jwt_verify(key, "JWT", token, &claims, &err) == 0)
		__builtin_trap();
	free(token);
	return 0;
}
