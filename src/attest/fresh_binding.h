/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fresh quote is bound to (attested-channel.md section 4): one leaf for each connection, many leaves under one
 * quote by a Merkle tree.
 *
 *   leaf = H(00 ‖ label ‖ role ‖ nonce ‖ exporter ‖ tls_key ‖ identity ‖ instance ‖ ticket_hash)
 *   node = H(01 ‖ left ‖ right)    head = H(02 ‖ label ‖ depth ‖ root)    pad = H(03 ‖ label)
 *   REPORTDATA = head ‖ label ‖ 20 × 00,  label = "mse-attest-1"
 *
 * The enclave computes each leaf from its own connection, the verifier from its own values: neither ever takes a leaf
 * from the other side.
 */
#ifndef MSE_ATTEST_FRESH_BINDING_H
#define MSE_ATTEST_FRESH_BINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define FRESH_LABEL "mse-attest-1"
#define FRESH_EXPORTER_LABEL "EXPERIMENTAL-mse-attest-1" /* context: the nonce; 32 bytes */
#define FRESH_HASH_SIZE 32
#define FRESH_DEPTH_MAX 10
#define FRESH_LEAVES_MAX 1024
#define FRESH_REPORT_DATA_SIZE 64

/* One connection. */
struct fresh_claim {
	uint8_t role; /* ATTEST_ROLE_* */
	uint8_t nonce[32];
	uint8_t exporter[32];
	uint8_t tls_key[32];     /* SHA-256 of the SPKI shown in this handshake */
	uint8_t identity[64];    /* REPORTDATA of the RA-TLS quote */
	uint8_t instance[32];    /* SHA-256 of the instance document */
	uint8_t ticket_hash[32]; /* SHA-256 of the ticket, zeros without one */
};

void fresh_leaf(const struct fresh_claim *claim, uint8_t ret[static FRESH_HASH_SIZE]);

/* True if bytes 32..63 are the tag of fresh evidence. */
bool fresh_has_tag(const uint8_t report_data[static FRESH_REPORT_DATA_SIZE]);
/* True if bytes 32..35 are "mse-": such REPORTDATA is no identity (G5). */
bool fresh_is_reserved(const uint8_t report_data[static FRESH_REPORT_DATA_SIZE]);

/* A batch. Immutable once made: threads may share it. */
struct fresh_tree;

/* 1..FRESH_LEAVES_MAX leaves, copied; depth is the least that holds them. */
must_check int fresh_tree_new(const uint8_t (*leaves)[FRESH_HASH_SIZE], size_t count, struct fresh_tree **ret,
			      struct err *err);
void fresh_tree_free(struct fresh_tree *tree);
DEFINE_SCOPED_PTR(struct fresh_tree, fresh_tree_free);

unsigned fresh_tree_depth(const struct fresh_tree *tree);
void fresh_tree_root(const struct fresh_tree *tree, uint8_t ret[static FRESH_HASH_SIZE]);
/* What the quote is to be made over. */
void fresh_tree_report_data(const struct fresh_tree *tree, uint8_t ret[static FRESH_REPORT_DATA_SIZE]);
/* Siblings from the leaf up, as many as the depth. index must be below the count of leaves (asserted). */
void fresh_tree_path(const struct fresh_tree *tree, size_t index, uint8_t ret[FRESH_DEPTH_MAX][FRESH_HASH_SIZE]);

/* Outcome of a check, with the error names of section 4 (F6, F8). */
#define FRESH_RESULTS(X) X(OK, "ok") X(PROOF, "proof") X(TAG, "fresh-tag") X(BINDING, "fresh-binding")

enum fresh_result {
#define X(name, text) FRESH_##name,
	FRESH_RESULTS(X)
#undef X
};

const char *fresh_result_text(enum fresh_result result);

/* As it came in the answer. */
struct fresh_proof {
	uint32_t depth;
	uint32_t index;
	const uint8_t (*path)[FRESH_HASH_SIZE];
	size_t path_count;
};

/* Does the quote with this REPORTDATA answer for this connection? claim holds the verifier's own values. */
must_check enum fresh_result fresh_proof_verify(const struct fresh_claim *claim, const struct fresh_proof *proof,
						const uint8_t report_data[static FRESH_REPORT_DATA_SIZE]);

#endif
