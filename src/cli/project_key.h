/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one private key of a project: CONF/keys/UUID.key, 32 random bytes in hex, 0600, never exported. All others
 * derive from it by BLAKE2b-256 keyed with it, over a label of their own (docs/formats/project-key.md):
 *   mse-owner-1  seed of the owner's Ed25519 key (signs tickets)
 *   mse-log-1    seed of the X25519 key that logs are sealed to
 *   mse-code-1   with the digest of the plaintext tree: the code key of one release
 *   mse-nonce-1  key that the nonces of files derive from
 */
#ifndef MSE_CLI_PROJECT_KEY_H
#define MSE_CLI_PROJECT_KEY_H

#include "cli/settings.h"
#include "crypto/secret.h"

#define PROJECT_KEY_SIZE 32

/* 1 found, 0 there is none. */
must_check int project_key_find(const struct settings *settings, const char *project_id, struct secret *ret_key,
				struct err *err);
/* Makes it when there is none. */
must_check int project_key_load(const struct settings *settings, const char *project_id, struct secret *ret_key,
				struct err *err);

/* ret is PROJECT_KEY_SIZE bytes, to be wiped by secret_done. */
must_check int project_key_derive(const struct secret *key, const char *label, const void *data, size_t size,
				  struct secret *ret, struct err *err);

/* Public half and private key of the log. */
must_check int project_key_log(const struct secret *key, uint8_t ret_public[static 32], struct secret *ret_secret,
			       struct err *err);

#endif
