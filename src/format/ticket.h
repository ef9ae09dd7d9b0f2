/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner's ticket (attested-channel.md section 6), bytes only:
 *   message = "mse-ticket-1" ‖ identity[64] ‖ instance[32] ‖ n[1] ‖ fingerprint[n] ‖ deployed[8, big-endian]
 *   ticket  = message ‖ Ed25519 signature[64]
 * n is 32 (SGX, sim) or 48 (TDX, SNP): 213 or 229 bytes. Signing and checking: attest/ticket_verify.h.
 */
#ifndef MSE_FORMAT_TICKET_H
#define MSE_FORMAT_TICKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define TICKET_LABEL "mse-ticket-1"
#define TICKET_IDENTITY_SIZE 64
#define TICKET_INSTANCE_SIZE 32
#define TICKET_FINGERPRINT_MAX 48
#define TICKET_SIGNATURE_SIZE 64
#define TICKET_MESSAGE_MAX 165
#define TICKET_SIZE_MAX (TICKET_MESSAGE_MAX + TICKET_SIGNATURE_SIZE)

struct ticket {
	uint8_t identity[TICKET_IDENTITY_SIZE];
	uint8_t instance[TICKET_INSTANCE_SIZE]; /* SHA-256 of the instance document */
	uint8_t fingerprint[TICKET_FINGERPRINT_MAX];
	size_t fingerprint_size; /* 32 or 48 */
	uint64_t deployed;       /* Unix seconds by the owner's clock */
	uint8_t signature[TICKET_SIGNATURE_SIZE];
};

/* The bytes that are signed; the result is their number. fingerprint_size must be 32 or 48 (asserted). */
size_t ticket_message_format(const struct ticket *ticket, uint8_t ret[static TICKET_MESSAGE_MAX]);

/* The whole ticket; the result is its size. */
size_t ticket_format(const struct ticket *ticket, uint8_t ret[static TICKET_SIZE_MAX]);

/* ERR_INVALID for another label, n or size. The signature is not checked. */
must_check int ticket_parse(const void *data, size_t size, struct ticket *ret, struct err *err);

#endif
