/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code package: every file of the tree encrypted (F6: nonce ‖ XSalsa20-Poly1305, suffix .enc; requirements.txt
 * of the code folder itself plain), in a deterministic tar. The same tree and project key give the same bytes, so two
 * deployments of unchanged code have one fingerprint. docs/formats/code-tar.md.
 *
 *   tree digest = SHA-256("mse-tree-1" ‖ for each file by path: le64(|path|) ‖ path ‖ le64(|content|) ‖ content)
 *   code key    = KDF(project key, "mse-code-1" ‖ tree digest)
 *   nonce       = BLAKE2b-192 keyed by KDF(project key, "mse-nonce-1") over le64(|path|) ‖ path ‖ le64(|content|) ‖
 *                 content
 * A nonce depends on the whole content and the key on the whole tree: no nonce ever meets one key with two texts.
 *
 * Memory: one file at a time, since a secretbox is made in one piece.
 */
#ifndef MSE_CLI_PACKAGE_H
#define MSE_CLI_PACKAGE_H

#include "cli/code_tree.h"
#include "crypto/secret.h"
#include "domain/context.h"
#include "domain/release.h"

#define PACKAGE_PLAIN_FILE "requirements.txt"
#define PACKAGE_SUFFIX ".enc"
#define PACKAGE_NONCE_SIZE 24

struct package_file {
	const struct code_file *source;
	char *tar_path;
	bool plain;
	uint8_t content_sha256[32]; /* of the plaintext, as it was when the digest was made */
	uint8_t nonce[PACKAGE_NONCE_SIZE];
	uint8_t sha256[32]; /* of what is in the tar */
	uint64_t tar_size;
};

struct package {
	struct package_file *files; /* ascending by tar_path */
	size_t count;
	struct secret code_key;
	uint8_t code_key_id[32];
};

/* Reads the tree once: digest, key, nonces. Says which step it is at through interrupt checks only. */
must_check int package_plan(const struct code_tree *tree, const struct secret *project_key, struct package *ret,
			    struct err *err);

/*
 * For users: key and nonces of a context. ERR_NOT_FOUND names a file that the context does not know, or knows and
 * the folder lacks.
 */
must_check int package_plan_from_context(const struct code_tree *tree, const struct context *context,
					 struct package *ret, struct err *err);

/* Encrypts, writes the tar to tar_path (a new file, synced) and fills in sha256 and tar_size. tar_path NULL: hashes
 * alone. ERR_CONFLICT when a file changed meanwhile. */
must_check int package_write(const struct code_tree *tree, struct package *package, const char *tar_path,
			     struct err *err);

/* Adds the files and the key's id to the release. */
must_check int package_describe(const struct package *package, struct release *release, struct err *err);

void package_done(struct package *package);

#endif
