/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A publisher's signature over a bill: Ed25519 over "mse-bill-1" ‖ bill digest. As text one canonical JSON object
 * {"version":1,"bill":HEX32,"key":HEX32,"signature":HEX64}. Form only: domain/bill_trust verifies.
 */
#ifndef MSE_FORMAT_BILL_SIGNATURE_H
#define MSE_FORMAT_BILL_SIGNATURE_H

#include <stdint.h>

#include "base/buf.h"

#define BILL_SIGNATURE_LABEL "mse-bill-1"
#define BILL_SIGNATURE_MESSAGE_SIZE (sizeof(BILL_SIGNATURE_LABEL) - 1 + 32)
#define BILL_SIGNATURE_TEXT_MAX 512

struct bill_signature {
	uint8_t bill[32]; /* the digest that is signed */
	uint8_t key[32];  /* the publisher's public key */
	uint8_t signature[64];
};

/* The bytes that are signed. */
void bill_signature_message(const uint8_t bill[static 32], uint8_t ret[static BILL_SIGNATURE_MESSAGE_SIZE]);

must_check int bill_signature_format(const struct bill_signature *signature, struct buf *ret, struct err *err);
must_check int bill_signature_parse(const void *data, size_t size, struct bill_signature *ret, struct err *err);

#endif
