/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_server.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "net/tls_common.h"

#define SECURITY_BITS_MIN 112 /* of RSA with 2048 bits */

struct tls_identity {
	atomic_int refs;
	X509 *leaf;
	STACK_OF(X509) * issuers;
	EVP_PKEY *key;
	uint8_t spki_sha256[32];
};

struct tls_server {
	SSL_CTX *ctx;
	tls_choose choose;
	void *arg;
};

DEFINE_SCOPED_PTR(struct tls_identity, tls_identity_unref);

/* ---- identities ---- */

struct tls_identity *tls_identity_ref(struct tls_identity *identity)
{
	(void)atomic_fetch_add(&identity->refs, 1);
	return identity;
}

void tls_identity_unref(struct tls_identity *identity)
{
	if (!identity || atomic_fetch_sub(&identity->refs, 1) > 1)
		return;
	X509_free(identity->leaf);
	sk_X509_pop_free(identity->issuers, X509_free);
	EVP_PKEY_free(identity->key);
	free(identity);
}

static struct tls_identity *identity_new(void)
{
	struct tls_identity *identity = calloc(1, sizeof(*identity));

	if (!identity)
		return NULL;
	atomic_init(&identity->refs, 1);
	identity->issuers = sk_X509_new_null();
	if (!identity->issuers) {
		free(identity);
		return NULL;
	}
	return identity;
}

static int add_certificate(struct tls_identity *identity, X509 *certificate, struct err *err)
{
	if (!identity->leaf) {
		identity->leaf = certificate;
		return 0;
	}
	if (sk_X509_num(identity->issuers) + 1 >= TLS_CHAIN_MAX) {
		X509_free(certificate);
		return err_set(err, ERR_LIMIT, "more than %d certificates", TLS_CHAIN_MAX);
	}
	if (sk_X509_push(identity->issuers, certificate) > 0)
		return 0;
	X509_free(certificate);
	return err_no_memory(err);
}

/* OpenSSL would refuse each handshake with it. */
static int check_strength(const struct tls_identity *identity, struct err *err)
{
	if (EVP_PKEY_get_security_bits(identity->key) >= SECURITY_BITS_MIN)
		return 0;
	return err_set(err, ERR_INVALID, "the %s key is too weak: it has %d bits, wanted %s",
		       EVP_PKEY_get0_type_name(identity->key), EVP_PKEY_get_bits(identity->key),
		       EVP_PKEY_is_a(identity->key, "RSA") ? "2048 or more" : "224 or more");
}

static int finish_identity(struct tls_identity *identity, struct err *err)
{
	ERR_clear_error();
	if (check_strength(identity, err) < 0)
		return -1;
	if (X509_check_private_key(identity->leaf, identity->key) != 1)
		return tls_fail(err, ERR_INVALID, "the private key does not fit the certificate");
	return tls_spki_sha256(identity->leaf, identity->spki_sha256, err);
}

static void bio_freep(BIO **bio)
{
	BIO_free_all(*bio);
}

/* An empty password, so that OpenSSL never asks at the terminal. */
static int no_password(char *data, int size, int is_writing, void *arg)
{
	(void)data;
	(void)size;
	(void)is_writing;
	(void)arg;
	return 0;
}

static int read_chain(BIO *bio, struct tls_identity *identity, struct err *err)
{
	X509 *certificate;

	while ((certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL))) {
		if (add_certificate(identity, certificate, err) < 0)
			return -1;
	}
	if (!identity->leaf)
		return tls_fail(err, ERR_INVALID, "no certificate in the chain");
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return tls_fail(err, ERR_INVALID, "malformed certificate in the chain");
	ERR_clear_error();
	return 0;
}

static bool has(const void *pem, size_t size, const char *text)
{
	return memmem(pem, size, text, strlen(text)) != NULL;
}

/* What people take for the other, or forget, before OpenSSL says "no start line" and "unsupported". */
static int check_pem(const void *chain, size_t chain_size, const void *key, size_t key_size, struct err *err)
{
	static const char a_certificate[] = "-----BEGIN CERTIFICATE-----";
	static const char a_key[] = "PRIVATE KEY-----";
	const bool has_key = has(key, key_size, a_key);

	if (!has(chain, chain_size, "-----BEGIN ") && !has(key, key_size, "-----BEGIN "))
		return err_set(err, ERR_INVALID, "neither is PEM text: there is no '-----BEGIN …-----'");
	if (!has(chain, chain_size, a_certificate) && has(chain, chain_size, a_key))
		return err_set(err, ERR_INVALID, "no certificate in the chain: it has a private key%s",
			       has_key ? "" : ", are the two swapped?");
	if (!has_key)
		return err_set(err, ERR_INVALID, "no private key%s",
			       has(key, key_size, a_certificate) ? ": it has a certificate" : "");
	if (has(key, key_size, "ENCRYPTED"))
		return err_set(
		    err, ERR_INVALID,
		    "the private key is encrypted, wanted one without a passphrase ('openssl pkey' makes it)");
	return 0;
}

/* NULL if it is not one of this kind. */
static EVP_PKEY *read_key_of(const EVP_PKEY *kind, BIO *bio)
{
	EVP_PKEY *key = NULL;
	OSSL_DECODER_CTX *decoder = OSSL_DECODER_CTX_new_for_pkey(&key, "PEM", NULL, EVP_PKEY_get0_type_name(kind),
								  EVP_PKEY_KEYPAIR, NULL, NULL);

	if (decoder && OSSL_DECODER_CTX_set_pem_password_cb(decoder, no_password, NULL) == 1)
		IGNORE_RESULT(OSSL_DECODER_from_bio(decoder, bio));
	OSSL_DECODER_CTX_free(decoder);
	return key;
}

/* The certificate says of what kind it is: to be ready for every kind takes OpenSSL 3.0 half a millisecond. */
static EVP_PKEY *read_key(const X509 *leaf, BIO *bio)
{
	const EVP_PKEY *kind = X509_get0_pubkey(leaf);
	EVP_PKEY *key = kind ? read_key_of(kind, bio) : NULL;

	if (key && X509_check_private_key(leaf, key) == 1)
		return key;
	EVP_PKEY_free(key);
	(void)BIO_reset(bio);
	ERR_clear_error();
	return PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);
}

int tls_identity_from_pem(const void *chain_pem, size_t chain_size, const void *key_pem, size_t key_size,
			  struct tls_identity **ret_identity, struct err *err)
{
	scoped(tls_identity_unrefp) struct tls_identity *identity = identity_new();
	scoped(bio_freep) BIO *chain = NULL;
	scoped(bio_freep) BIO *key = NULL;

	if (chain_size > TLS_CHAIN_MAX * (size_t)65536 || key_size > 65536)
		return err_set(err, ERR_LIMIT, "certificate chain or key too large");
	if (chain_size == 0 || key_size == 0)
		return err_set(err, ERR_INVALID, "no %s: empty",
			       chain_size ? "private key" : "certificate in the chain");
	if (check_pem(chain_pem, chain_size, key_pem, key_size, err) < 0)
		return -1;
	chain = BIO_new_mem_buf(chain_pem, (int)chain_size);
	key = BIO_new_mem_buf(key_pem, (int)key_size);
	if (!identity || !chain || !key)
		return err_no_memory(err);
	ERR_clear_error();
	if (read_chain(chain, identity, err) < 0)
		return -1;
	identity->key = read_key(identity->leaf, key);
	if (!identity->key)
		return tls_fail(err, ERR_INVALID, "malformed private key");
	if (finish_identity(identity, err) < 0)
		return -1;
	*ret_identity = TAKE_PTR(identity);
	return 0;
}

int tls_identity_from_der(const struct tls_der *chain, size_t count, void *evp_key, struct tls_identity **ret_identity,
			  struct err *err)
{
	scoped(tls_identity_unrefp) struct tls_identity *identity = identity_new();

	if (!identity || EVP_PKEY_up_ref(evp_key) != 1)
		return err_no_memory(err);
	identity->key = evp_key;
	ERR_clear_error();
	for (size_t i = 0; i < count; i++) {
		const unsigned char *at = chain[i].data;
		X509 *certificate = d2i_X509(NULL, &at, (long)chain[i].size);

		if (!certificate || at != chain[i].data + chain[i].size) {
			X509_free(certificate);
			return tls_fail(err, ERR_INVALID, "malformed certificate");
		}
		if (add_certificate(identity, certificate, err) < 0)
			return -1;
	}
	if (!identity->leaf)
		return err_set(err, ERR_INVALID, "no certificate in the chain");
	if (finish_identity(identity, err) < 0)
		return -1;
	*ret_identity = TAKE_PTR(identity);
	return 0;
}

static int64_t seconds_of(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

void tls_identity_validity(const struct tls_identity *identity, int64_t *ret_from, int64_t *ret_until)
{
	*ret_from = seconds_of(X509_get0_notBefore(identity->leaf));
	*ret_until = seconds_of(X509_get0_notAfter(identity->leaf));
}

void tls_identity_spki_sha256(const struct tls_identity *identity, uint8_t ret[static 32])
{
	memcpy(ret, identity->spki_sha256, 32);
}

/* ---- the server ---- */

static bool copy_name(const char *from, char *ret)
{
	size_t size = strlen(from);

	if (size == 0 || size > TLS_NAME_MAX)
		return false;
	for (size_t i = 0; i < size; i++)
		ret[i] = from[i] >= 'A' && from[i] <= 'Z' ? (char)(from[i] + 'a' - 'A') : from[i];
	ret[size] = 0;
	return true;
}

/* Called by OpenSSL once per handshake, with or without a name. */
static int on_name(SSL *ssl, int *ret_alert, void *arg)
{
	const struct tls_server *server = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	char *room = tls_conn_sni_room(tls_conn_of_ssl(ssl));
	scoped(tls_identity_unrefp) struct tls_identity *identity = NULL;

	*ret_alert = SSL_AD_UNRECOGNIZED_NAME;
	if (name && !copy_name(name, room))
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	identity = server->choose(name ? room : NULL, server->arg);
	if (!identity)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret_alert = SSL_AD_INTERNAL_ERROR;
	if (SSL_use_cert_and_key(ssl, identity->leaf, identity->key, identity->issuers, 1) != 1)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	tls_identity_spki_sha256(identity, tls_conn_own_key(tls_conn_of_ssl(ssl)));
	return SSL_TLSEXT_ERR_OK;
}

static int on_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_size, const unsigned char *offered,
		   unsigned int offered_size, void *arg)
{
	static const unsigned char ours[] = "\x02h2\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, ret_size, ours, sizeof(ours) - 1, offered, offered_size) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/*
 * RFC 8446 9.1 and B.4, decision 0013. AES-128 is as strong as the P-256 and X25519 that its key comes from, and costs
 * both sides a tenth less than the AES-256 that OpenSSL's clients name first. Whoever names ChaCha20 first has no AES
 * in hardware.
 */
static bool set_suites(SSL_CTX *ctx)
{
	(void)SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	return SSL_CTX_set_ciphersuites(
		   ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1;
}

void tls_server_free(struct tls_server *server)
{
	if (!server)
		return;
	SSL_CTX_free(server->ctx);
	free(server);
}

int tls_server_new(tls_choose choose, void *arg, struct tls_server **ret_server, struct err *err)
{
	struct tls_server *server = calloc(1, sizeof(*server));

	if (!server)
		return err_no_memory(err);
	server->choose = choose;
	server->arg = arg;
	server->ctx = tls_context_new(true, 0, 0, err);
	if (!server->ctx) {
		free(server);
		return -1;
	}
	if (!set_suites(server->ctx)) {
		tls_server_free(server);
		return tls_fail(err, ERR_INTERNAL, "cannot set the TLS cipher suites");
	}
	(void)SSL_CTX_set_tlsext_servername_callback(server->ctx, on_name);
	(void)SSL_CTX_set_tlsext_servername_arg(server->ctx, server);
	SSL_CTX_set_alpn_select_cb(server->ctx, on_alpn, NULL);
	*ret_server = server;
	return 0;
}

void *tls_server_context(const struct tls_server *server)
{
	return server->ctx;
}
