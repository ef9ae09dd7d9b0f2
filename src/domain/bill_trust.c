/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/bill_trust.h"

#include <string.h>

#include "crypto/ed25519.h"
#include "crypto/hash.h"

void bill_digest(const void *text, size_t size, uint8_t ret[static 32])
{
	sha256(text, size, ret);
}

const char *bill_trust_text(enum bill_trust trust)
{
#define X(name, text) text,
	static const char *const texts[] = {BILL_TRUSTS(X)};
#undef X

	return texts[trust];
}

static bool is_publisher(const struct bill_grounds *grounds)
{
	for (size_t i = 0; grounds->signature && i < grounds->publisher_count; i++) {
		if (memcmp(grounds->publishers[i], grounds->signature->key, 32) == 0)
			return true;
	}
	return false;
}

/* 1 signed by a trusted key, 0 no signature by such a key, -1 a false one */
static int check_signature(const uint8_t digest[static 32], const struct bill_grounds *grounds, struct err *err)
{
	uint8_t message[BILL_SIGNATURE_MESSAGE_SIZE];

	if (!is_publisher(grounds))
		return 0;
	if (memcmp(grounds->signature->bill, digest, 32) != 0)
		return err_set(err, ERR_UNTRUSTED, "bill-untrusted: the publisher's signature is for another bill");
	bill_signature_message(digest, message);
	if (ed25519_verify(grounds->signature->key, message, sizeof(message), grounds->signature->signature, err) < 0)
		return err_set(err, ERR_UNTRUSTED, "bill-untrusted: the publisher's signature does not verify");
	return 1;
}

static bool is_equal(const uint8_t *ground, const uint8_t digest[static 32])
{
	return ground && memcmp(ground, digest, 32) == 0;
}

int bill_trust_check(const uint8_t digest[static 32], const struct bill_grounds *grounds, enum bill_trust *ret,
		     struct err *err)
{
	const int is_signed = check_signature(digest, grounds, err);

	if (is_signed < 0)
		return -1;
	if (is_equal(grounds->recomputed, digest)) {
		*ret = BILL_TRUST_RECOMPUTED;
	} else if (is_signed) {
		*ret = BILL_TRUST_SIGNED;
	} else if (is_equal(grounds->pinned, digest)) {
		*ret = BILL_TRUST_PINNED;
	} else {
		return err_set(err, ERR_UNTRUSTED, "bill-untrusted: not signed by a trusted publisher, not as %s",
			       grounds->recomputed ? "recomputed here"
			       : grounds->pinned   ? "pinned"
						   : "recomputed or pinned by anyone");
	}
	return 0;
}

int bill_sign(const uint8_t digest[static 32], const struct secret *seed, struct bill_signature *ret, struct err *err)
{
	uint8_t message[BILL_SIGNATURE_MESSAGE_SIZE];

	if (seed->size != ED25519_SEED_SIZE)
		return err_set(err, ERR_INVALID, "publisher key of %zu bytes, expected %d", seed->size,
			       ED25519_SEED_SIZE);
	memcpy(ret->bill, digest, sizeof(ret->bill));
	ed25519_from_seed(seed->data, ret->key);
	bill_signature_message(digest, message);
	ed25519_sign(seed->data, message, sizeof(message), ret->signature);
	return 0;
}
