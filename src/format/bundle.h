/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bundle (docs/formats/bundle.md): evidence and all collateral that its verdict needs, in one file of JSON, to be
 * judged without any network. And a saved exchange: the same with the answer of a live attestation in place of the
 * evidence, and what the asker's own side of that connection held.
 *
 * A bundle comes from anybody: nothing in it is believed, and there is no place in it for what evidence has to be bound
 * to. A saved exchange is a record of one's own: its nonce, exporter and key are as good as the file.
 *
 * Pure. The layer knows no hash: bundle_format leaves a saved exchange open at its end, and bundle_parse says how many
 * of its bytes the hash is over.
 */
#ifndef MSE_FORMAT_BUNDLE_H
#define MSE_FORMAT_BUNDLE_H

#include <stdbool.h>

#include "format/collateral_items.h"
#include "format/uri.h"

#define BUNDLE_SIZE_MAX (16u << 20)
#define BUNDLE_EVIDENCE_SIZE_MAX (1u << 20)
#define BUNDLE_HASH_SIZE 32
#define BUNDLE_NONCE_SIZE 32
#define BUNDLE_HOST_SIZE (URI_HOST_MAX + sizeof("[]:65535"))
#define BUNDLE_ELAPSED_MAX_MS (24u * 3600 * 1000)

#define BUNDLE_KINDS(X) \
	X(QUOTE, "quote")       /* SGX, TDX */ \
	X(REPORT, "report")     /* SEV-SNP */ \
	X(RATLS, "ratls")       /* RA-TLS certificate, PEM or DER */ \
	X(EXCHANGE, "exchange") /* answer to the request of attested-channel.md section 4 */

enum bundle_kind {
#define X(name, text) BUNDLE_##name,
	BUNDLE_KINDS(X)
#undef X
};

struct bundle_exchange {
	char host[BUNDLE_HOST_SIZE];   /* HOST:PORT that was connected to */
	char domain[URI_HOST_MAX + 1]; /* whose enclave was asked for */
	uint8_t role;                  /* that was wanted: 1 or 2 */
	uint8_t nonce[BUNDLE_NONCE_SIZE];
	uint8_t exporter[BUNDLE_NONCE_SIZE];
	uint8_t tls_key[BUNDLE_HASH_SIZE];
	int64_t asked; /* Unix seconds */
	uint64_t elapsed_ms;
};

struct bundle {
	int64_t made; /* Unix seconds, by the clock of whoever made it; nothing is judged by it */
	enum bundle_kind kind;
	struct buf evidence;             /* never empty */
	struct bundle_exchange exchange; /* BUNDLE_EXCHANGE only; the two below likewise */
	uint8_t sha256[BUNDLE_HASH_SIZE];
	size_t hashed_size; /* the hash is over that many bytes from the start of the text */
	struct collateral_items collateral;
};

const char *bundle_kind_text(enum bundle_kind kind);

void bundle_init(struct bundle *bundle);
void bundle_done(struct bundle *bundle); /* zeros are fine */

/* ret: from bundle_init; as it was, but for memory, after a failure. ERR_INVALID, ERR_LIMIT, ERR_UNSUPPORTED (version).
 */
must_check int bundle_parse(const void *data, size_t size, struct bundle *ret, struct err *err);

/* Adds the text to ret (maximum BUNDLE_SIZE_MAX). That of an exchange ends in bundle_format_hash. */
must_check int bundle_format(const struct bundle *bundle, struct buf *ret, struct err *err);
/* sha256: over all that is in ret. */
must_check int bundle_format_hash(struct buf *ret, const uint8_t sha256[static BUNDLE_HASH_SIZE], struct err *err);

#endif
