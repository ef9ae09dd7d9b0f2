/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RA-TLS private key (attested-channel.md G1): one object, static in ratls_key.c, made from the CPU's randomness
 * (or out of the sealed state) once per process. It signs two things only: the TBSCertificate of its own certificate,
 * and what TLS 1.3 makes its server sign. There is no function here that signs anything else, none that returns the
 * key but the one for sealing, and no other file of the runtime names crypto/p256.h's signing functions: a test
 * looks at the symbols.
 *
 * Not thread-safe: used while the process starts and ends; install_in_tls takes a reference that TLS threads share.
 */
#ifndef MSE_ENCLAVE_RATLS_KEY_H
#define MSE_ENCLAVE_RATLS_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/scoped.h"
#include "crypto/secret.h"
#include "format/instance.h"
#include "net/tls_server.h"

#define RATLS_POINT_SIZE 65

#define RATLS_OID_QUOTE_SGX "1.2.840.113741.1337.6"
#define RATLS_OID_INSTANCE "1.2.840.113741.1337.100"

/* What section 3 "Contents" lets vary. All borrowed for the call. */
struct ratls_contents {
	const struct instance *instance; /* parsed from document */
	const struct buf *document;
	const struct buf *quote;
	const char *quote_oid;
	int64_t now; /* Unix seconds; notBefore is a little earlier */
};

/* Makes the key; *ret_point is its public half. Once. */
must_check int ratls_key_generate(uint8_t ret_point[static RATLS_POINT_SIZE], struct err *err);

/* To and from the sealed state (section 7), PKCS #8. Nothing else may call these two. */
must_check int ratls_key_save(struct secret *ret_der, struct err *err);
must_check int ratls_key_load(const struct secret *der, uint8_t ret_point[static RATLS_POINT_SIZE], struct err *err);

/* Adds the DER of the self-signed certificate to ret. */
must_check int ratls_key_make_certificate(const struct ratls_contents *contents, struct buf *ret_der, struct err *err);

/* The TLS identity that shows this certificate and signs its handshakes. Caller: tls_identity_unref. */
must_check int ratls_key_install_in_tls(const struct buf *certificate, struct tls_identity **ret_identity,
					struct err *err);

/* Drops the key; TLS identities that hold it go on until they are unreferenced. */
void ratls_key_wipe(void);

#endif
