/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing and checking the owner's ticket (attested-channel.md section 6, check F9). The ticket tells the owner's
 * instance from a twin that the host started.
 */
#ifndef MSE_ATTEST_TICKET_VERIFY_H
#define MSE_ATTEST_TICKET_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "format/ticket.h"

/* Error names of F9. A ticket that cannot be parsed counts as one with a wrong signature. */
#define TICKET_RESULTS(X) \
	X(OK, "ok") \
	X(MISSING, "ticket-missing") \
	X(SIGNATURE, "ticket-signature") \
	X(BINDING, "ticket-binding") \
	X(OLDER, "ticket-older")

enum ticket_result {
#define X(name, text) TICKET_##name,
	TICKET_RESULTS(X)
#undef X
};

const char *ticket_result_text(enum ticket_result result);

/* What the ticket must speak of: the verifier's own values. */
struct ticket_expected {
	const uint8_t *owner_key;   /* Ed25519, 32 bytes */
	const uint8_t *identity;    /* 64 bytes */
	const uint8_t *instance;    /* 32 bytes */
	const uint8_t *fingerprint; /* NULL: the release has none yet (enclave that does not know it) */
	size_t fingerprint_size;
	uint64_t deployed_min; /* the greater of tickets_from and the newest seen; 0: any */
};

/* Checks in the order missing, signature, binding, older. ret_ticket may be NULL; it is set whenever it parses. */
must_check enum ticket_result ticket_verify(const void *data, size_t size, const struct ticket_expected *expected,
					    struct ticket *ret_ticket);

/* Fills in ticket->signature. seed: Ed25519, 32 bytes. */
void ticket_sign(struct ticket *ticket, const uint8_t seed[static 32]);

#endif
