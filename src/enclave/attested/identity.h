/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who this enclave is: the RA-TLS key (in ratls_key.c), the X25519 key that sealed secrets are written to, the 64
 * bytes of REPORTDATA that bind both, and the certificate that shows it. Made new, or taken out of the sealed state
 * with the same bytes. Immutable once made.
 */
#ifndef MSE_ENCLAVE_IDENTITY_H
#define MSE_ENCLAVE_IDENTITY_H

#include "enclave/attested/instance_input.h"
#include "enclave/attested/ratls_key.h"
#include "tee/tee.h"

#define IDENTITY_SIZE 64
#define IDENTITY_CERTIFICATE_SIZE_MAX (64u << 10)

struct identity {
	uint8_t report_data[IDENTITY_SIZE]; /* "identity" of attested-channel.md: H(point) ‖ X25519 public key */
	uint8_t x25519_public[32];
	struct secret x25519_secret;
	struct buf certificate; /* DER */
	struct tls_identity *tls;
};

#define IDENTITY_INIT \
	((struct identity){.x25519_secret = SECRET_INIT, .certificate = BUF_INIT(IDENTITY_CERTIFICATE_SIZE_MAX)})

/* New keys, one quote, a new certificate. */
must_check int identity_make(struct tee *tee, const char *quote_oid, const struct instance_input *input, int64_t now,
			     struct identity *ret, struct err *err);

/* From what was sealed; certificate is copied as it is. */
must_check int identity_restore(const struct secret *ratls_der, const struct secret *x25519_secret,
				const void *certificate, size_t certificate_size, struct identity *ret,
				struct err *err);

/* Its secret half opens sealed secrets when the owner provisions, and never again. */
void identity_drop_x25519(struct identity *identity);

void identity_done(struct identity *identity); /* wipes, the RA-TLS key too */

#endif
