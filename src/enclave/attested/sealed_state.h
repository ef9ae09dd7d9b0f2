/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sealed state (attested-channel.md section 7): identity and grant, readable only by the same measured code on the
 * same machine. STATE_PATH/sealed.bin is
 *   "mse-seal-1" ‖ key_id[32] ‖ instance[32] ‖ XChaCha20-Poly1305 blob
 * with the TEE's sealing key for key_id, and associated data "mse-seal-1" ‖ instance ‖ fingerprint. The instance hash
 * stands outside only so that another document can be told from damage; it is covered by the associated data.
 * The plaintext is nine fields in fixed order, each u32 big-endian size and bytes (SEALED_FIELDS).
 *
 * Not prevented: the host puts an older copy back, or runs one copy twice (section 7 says what that means).
 */
#ifndef MSE_ENCLAVE_SEALED_STATE_H
#define MSE_ENCLAVE_SEALED_STATE_H

#include <stdbool.h>

#include "enclave/attested/grant.h"
#include "enclave/attested/identity.h"

#define SEALED_LABEL "mse-seal-1"
#define SEALED_SIZE_MAX (40u << 20) /* two secrets of a 16 MiB request, and the rest */

/* [field, largest size] in the order of the plaintext. */
#define SEALED_FIELDS(X) \
	X(RATLS_KEY, 1024) \
	X(X25519_KEY, 32) \
	X(CERTIFICATE, IDENTITY_CERTIFICATE_SIZE_MAX) \
	X(DOCUMENT, INSTANCE_SIZE_MAX) \
	X(TICKET, TICKET_SIZE_MAX) \
	X(CODE_KEY, 32) \
	X(SECRETS, 16u << 20) \
	X(SEALED_SECRETS, 16u << 20) \
	X(TLS_KEY, 64u << 10)

enum sealed_field {
#define X(name, size) SEALED_##name,
	SEALED_FIELDS(X)
#undef X
	    SEALED_FIELD_COUNT
};

struct sealed_part {
	const uint8_t *data;
	size_t size;
};

/* Pure: fields <-> plaintext. Parts of a parse are borrowed from data. */
must_check int sealed_plain_format(const struct sealed_part parts[static SEALED_FIELD_COUNT], struct secret *ret,
				   struct err *err);
must_check int sealed_plain_parse(const void *data, size_t size, struct sealed_part ret[static SEALED_FIELD_COUNT],
				  struct err *err);

/* Writes the file, all or nothing. */
must_check int sealed_state_save(struct tee *tee, const char *dir, const struct instance_input *input,
				 const struct identity *identity, const struct grant *grant, struct err *err);

bool sealed_state_exists(const char *dir);

/* Removes what writes that were cut short left beside the file. */
must_check int sealed_state_sweep(const char *dir, struct err *err);

/*
 * Opens it. ERR_CONFLICT "instance-changed: …" when it was sealed with another document, ERR_UNTRUSTED when it does not
 * open. *ret_identity and *ret_grant are INIT values; on failure both are to be done by the caller all the same.
 */
must_check int sealed_state_load(struct tee *tee, const char *dir, const struct instance_input *input,
				 struct identity *ret_identity, struct grant *ret_grant, struct err *err);

#endif
