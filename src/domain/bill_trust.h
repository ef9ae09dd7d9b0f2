/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a bill is believed (docs/security-model.md): signed by a publisher in the trust store (a), recomputed from the
 * installed packages or the image (b), or pinned by hash by somebody who did one of these (c). Anything else is
 * refused: ERR_UNTRUSTED, text "bill-untrusted: …".
 */
#ifndef MSE_DOMAIN_BILL_TRUST_H
#define MSE_DOMAIN_BILL_TRUST_H

#include "base/buf.h"
#include "crypto/secret.h"
#include "format/bill.h"
#include "format/bill_signature.h"

#define BILL_PUBLISHERS_MAX 256

#define BILL_TRUSTS(X) \
	X(SIGNED, "signed")         /* by a publisher key of the client's trust store */ \
	X(RECOMPUTED, "recomputed") /* by this client */ \
	X(PINNED, "pinned")         /* by a context or release that the client believes */

enum bill_trust {
#define X(name, text) BILL_TRUST_##name,
	BILL_TRUSTS(X)
#undef X
};

/* What the client has to go by. Each may be absent (NULL, 0). */
struct bill_grounds {
	const uint8_t *pinned;                  /* 32 bytes: a digest */
	const uint8_t *recomputed;              /* 32 bytes: the digest of the bill made here */
	const struct bill_signature *signature; /* that came with the bill */
	const uint8_t (*publishers)[32];        /* trusted keys */
	size_t publisher_count;
};

/* SHA-256 of the canonical text. */
void bill_digest(const void *text, size_t size, uint8_t ret[static 32]);

/* The best ground counts: recomputed, then signed, then pinned. A bad signature by a trusted key is refused even with
 * other grounds. */
must_check int bill_trust_check(const uint8_t digest[static 32], const struct bill_grounds *grounds,
				enum bill_trust *ret, struct err *err);
const char *bill_trust_text(enum bill_trust trust);

/* What seen has otherwise than expected, at most max files, each as "\n'PATH' differs"; then how many more. */
must_check int bill_diff(const struct bill *expected, const struct bill *seen, size_t max, struct buf *ret,
			 struct err *err);

/* Signs a digest with a publisher's Ed25519 seed (32 bytes). */
must_check int bill_sign(const uint8_t digest[static 32], const struct secret *seed, struct bill_signature *ret,
			 struct err *err);

#endif
