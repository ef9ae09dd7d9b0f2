/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/ticket_verify.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "crypto/ed25519.h"

_Static_assert(ED25519_SIGNATURE_SIZE == TICKET_SIGNATURE_SIZE, "signature");

const char *ticket_result_text(enum ticket_result result)
{
	static const char *const texts[] = {
#define X(name, text) [TICKET_##name] = text,
	    TICKET_RESULTS(X)
#undef X
	};

	return texts[result];
}

static bool is_signed(const struct ticket *ticket, const uint8_t *owner_key)
{
	uint8_t message[TICKET_MESSAGE_MAX];
	const size_t size = ticket_message_format(ticket, message);
	struct err err = ERR_INIT;

	return ed25519_verify(owner_key, message, size, ticket->signature, &err) == 0;
}

static bool is_bound(const struct ticket *ticket, const struct ticket_expected *expected)
{
	if (memcmp(ticket->identity, expected->identity, sizeof(ticket->identity)) != 0 ||
	    memcmp(ticket->instance, expected->instance, sizeof(ticket->instance)) != 0)
		return false;
	if (!expected->fingerprint)
		return true;
	return ticket->fingerprint_size == expected->fingerprint_size &&
	       memcmp(ticket->fingerprint, expected->fingerprint, expected->fingerprint_size) == 0;
}

enum ticket_result ticket_verify(const void *data, size_t size, const struct ticket_expected *expected,
				 struct ticket *ret_ticket)
{
	struct ticket ticket;
	struct err err = ERR_INIT;

	assert(expected->owner_key && expected->identity && expected->instance);
	if (size == 0)
		return TICKET_MISSING;
	if (ticket_parse(data, size, &ticket, &err) < 0)
		return TICKET_SIGNATURE;
	if (ret_ticket)
		*ret_ticket = ticket;
	if (!is_signed(&ticket, expected->owner_key))
		return TICKET_SIGNATURE;
	if (!is_bound(&ticket, expected))
		return TICKET_BINDING;
	return ticket.deployed < expected->deployed_min ? TICKET_OLDER : TICKET_OK;
}

void ticket_sign(struct ticket *ticket, const uint8_t seed[static 32])
{
	uint8_t message[TICKET_MESSAGE_MAX];
	const size_t size = ticket_message_format(ticket, message);

	ed25519_sign(seed, message, size, ticket->signature);
}
