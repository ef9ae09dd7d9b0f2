/* SPDX-License-Identifier: Apache-2.0 */
#include "format/ticket.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#define LABEL_SIZE (sizeof(TICKET_LABEL) - 1)
#define HEAD_SIZE (LABEL_SIZE + TICKET_IDENTITY_SIZE + TICKET_INSTANCE_SIZE + 1) /* up to n, inclusive */
#define DEPLOYED_SIZE 8

_Static_assert(HEAD_SIZE + TICKET_FINGERPRINT_MAX + DEPLOYED_SIZE == TICKET_MESSAGE_MAX, "longest message");

static bool is_fingerprint_size(size_t size)
{
	return size == 32 || size == 48;
}

size_t ticket_message_format(const struct ticket *ticket, uint8_t ret[static TICKET_MESSAGE_MAX])
{
	uint8_t *at = ret;

	assert(is_fingerprint_size(ticket->fingerprint_size));
	at = mempcpy(at, TICKET_LABEL, LABEL_SIZE);
	at = mempcpy(at, ticket->identity, sizeof(ticket->identity));
	at = mempcpy(at, ticket->instance, sizeof(ticket->instance));
	*at++ = (uint8_t)ticket->fingerprint_size;
	at = mempcpy(at, ticket->fingerprint, ticket->fingerprint_size);
	for (int shift = 56; shift >= 0; shift -= 8)
		*at++ = (uint8_t)(ticket->deployed >> shift);
	return (size_t)(at - ret);
}

size_t ticket_format(const struct ticket *ticket, uint8_t ret[static TICKET_SIZE_MAX])
{
	const size_t size = ticket_message_format(ticket, ret);

	memcpy(ret + size, ticket->signature, TICKET_SIGNATURE_SIZE);
	return size + TICKET_SIGNATURE_SIZE;
}

static int check_head(const uint8_t *bytes, size_t size, struct err *err)
{
	size_t wanted;

	if (size < HEAD_SIZE || memcmp(bytes, TICKET_LABEL, LABEL_SIZE) != 0)
		return err_set(err, ERR_INVALID, "ticket does not begin with " TICKET_LABEL);
	if (!is_fingerprint_size(bytes[HEAD_SIZE - 1]))
		return err_set(err, ERR_INVALID, "ticket with a fingerprint of %d bytes, expected 32 or 48",
			       bytes[HEAD_SIZE - 1]);
	wanted = HEAD_SIZE + bytes[HEAD_SIZE - 1] + DEPLOYED_SIZE + TICKET_SIGNATURE_SIZE;
	if (size != wanted)
		return err_set(err, ERR_INVALID, "ticket of %zu bytes, expected %zu", size, wanted);
	return 0;
}

int ticket_parse(const void *data, size_t size, struct ticket *ret, struct err *err)
{
	const uint8_t *at = data;
	struct ticket ticket = {0};

	if (check_head(data, size, err) < 0)
		return -1;
	at += LABEL_SIZE;
	memcpy(ticket.identity, at, sizeof(ticket.identity));
	at += sizeof(ticket.identity);
	memcpy(ticket.instance, at, sizeof(ticket.instance));
	at += sizeof(ticket.instance);
	ticket.fingerprint_size = *at++;
	memcpy(ticket.fingerprint, at, ticket.fingerprint_size);
	at += ticket.fingerprint_size;
	for (int i = 0; i < DEPLOYED_SIZE; i++)
		ticket.deployed = ticket.deployed << 8 | *at++;
	memcpy(ticket.signature, at, sizeof(ticket.signature));
	*ret = ticket;
	return 0;
}
