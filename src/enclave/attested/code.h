/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The application's code: CODE_PATH holds the tree as the owner's client packed it, each file NAME.enc (nonce ‖
 * secretbox, PyNaCl's form), beside it a plain requirements.txt, which is copied and never installed. With
 * MSE_PLAINCODE=1 nothing is encrypted. The files themselves are measured (trusted files of the manifest), so what
 * opens here is what the fingerprint covers.
 *
 * A directory holds regular files and directories only; anything else is refused.
 */
#ifndef MSE_ENCLAVE_CODE_H
#define MSE_ENCLAVE_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/scoped.h"

#define CODE_KEY_SIZE 32
#define CODE_KEY_ID_LABEL "mse-code-key-1"
#define CODE_FILES_MAX 10000
#define CODE_DEPTH_MAX 32
#define CODE_PATH_SIZE_MAX 255             /* of a file, relative to the root, with .enc */
#define CODE_FILE_SIZE_MAX (2048ULL << 20) /* the whole tar may have no more */

/* code_key_id = SHA-256("mse-code-key-1" ‖ key): attested-channel.md section 2. */
void code_key_id(const uint8_t key[static CODE_KEY_SIZE], uint8_t ret[static 32]);

/* Every encrypted file opens under key, and there is at least one. ERR_UNTRUSTED names the file. Writes nothing. */
must_check int code_check(const char *code_path, const uint8_t key[static CODE_KEY_SIZE], struct err *err);

/* Empties module_path (made if absent) and fills it with the plain tree: files, and the directories that they are in.
 * key NULL: plain code. */
must_check int code_install(const char *code_path, const uint8_t *key, const char *module_path, struct err *err);

#endif
