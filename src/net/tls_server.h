/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of TLS 1.3 (attested-channel.md section 4): no older version, no resumption of any kind, no
 * tickets, no early data, ALPN h2 and http/1.1. Which certificate is shown is asked at every handshake, so it may
 * change at run time without touching connections that stand.
 */
#ifndef MSE_NET_TLS_SERVER_H
#define MSE_NET_TLS_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define TLS_EXPORTER_SIZE 32
#define TLS_CHAIN_MAX 8 /* certificates of one identity */
#define TLS_NAME_MAX 253
#define TLS_KEY_HASH_SIZE 32

/* A certificate chain with its private key. Counted; immutable once made; any thread. */
struct tls_identity;

/* chain: leaf first, then its issuers. The key must fit the leaf (ERR_INVALID). The caller wipes its own copy. */
must_check int tls_identity_from_pem(const void *chain_pem, size_t chain_size, const void *key_pem, size_t key_size,
				     struct tls_identity **ret_identity, struct err *err);

struct tls_der {
	const uint8_t *data;
	size_t size;
};

/* evp_key is OpenSSL's EVP_PKEY (p256_evp of crypto/p256.h); a reference is taken. */
must_check int tls_identity_from_der(const struct tls_der *chain, size_t count, void *evp_key,
				     struct tls_identity **ret_identity, struct err *err);

/* When its certificate is valid, in seconds of Unix time. */
void tls_identity_validity(const struct tls_identity *identity, int64_t *ret_from, int64_t *ret_until);

/* SHA-256 of the leaf's DER SubjectPublicKeyInfo: "tls_key" of attested-channel.md section 2. */
void tls_identity_spki_sha256(const struct tls_identity *identity, uint8_t ret[static 32]);

struct tls_identity *tls_identity_ref(struct tls_identity *identity);
void tls_identity_unref(struct tls_identity *identity); /* NULL is fine */

/*
 * Chooses for one handshake: returns a new reference, or NULL, which refuses it (alert unrecognized_name). sni is in
 * lower case, NULL if none was sent. Runs on any thread, several at once; must not block.
 */
typedef struct tls_identity *(*tls_choose)(const char *sni, void *arg);

struct tls_server;

must_check int tls_server_new(tls_choose choose, void *arg, struct tls_server **ret_server, struct err *err);
void tls_server_free(struct tls_server *server); /* after the last connection */

#endif
