/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_client.h"

#include <poll.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/fd.h"
#include "format/uri.h"
#include "net/dial.h"
#include "net/proxy_v2.h"
#include "net/tls_common.h"

#define TIMEOUT_MS 10000
#define CA_PEM_MAX (4u << 20)
#define DER_MAX (256u << 10)

struct tls_client {
	int fd;
	SSL_CTX *ctx;
	struct tls_conn *conn;
	uint8_t *leaf;
	size_t leaf_size;
	uint8_t spki_sha256[32];
};

/* ---- trust ---- */

static int trust_ca(SSL_CTX *ctx, const void *pem, size_t size, struct err *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	BIO *bio = size <= CA_PEM_MAX ? BIO_new_mem_buf(pem, (int)size) : NULL;
	size_t count = 0;
	bool added = true;
	X509 *certificate;

	if (!bio)
		return err_set(err, ERR_LIMIT, "%zu bytes of CA certificates", size);
	while (added && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		added = X509_STORE_add_cert(store, certificate) == 1;
		X509_free(certificate);
		count++;
	}
	BIO_free(bio);
	if (!added || count == 0)
		return tls_fail(err, ERR_INVALID, "malformed CA certificate");
	ERR_clear_error();
	return 0;
}

static const char *sni_of(const struct tls_client_options *options)
{
	if (options->sni)
		return options->sni;
	return options->host && !host_is_address(options->host) ? options->host : NULL;
}

/* Whom the certificate must name. */
static int expect_name(SSL *ssl, const struct tls_client_options *options, struct err *err)
{
	const char *name = options->verify_name ? options->verify_name : sni_of(options);
	bool set;

	if (!name)
		name = options->host;
	if (!name)
		return err_set(err, ERR_INVALID, "no name to verify");
	if (host_is_address(name))
		set = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
	else
		set = SSL_set1_host(ssl, name) == 1;
	return set ? 0 : tls_fail(err, ERR_INVALID, "name to verify");
}

static int set_trust(struct tls_client *client, const struct tls_client_options *options, struct err *err)
{
	switch (options->verify) {
	case TLS_VERIFY_NONE:
		SSL_CTX_set_verify(client->ctx, SSL_VERIFY_NONE, NULL);
		return 0;
	case TLS_VERIFY_CA:
		if (trust_ca(client->ctx, options->ca_pem, options->ca_pem_size, err) < 0)
			return -1;
		break;
	case TLS_VERIFY_SYSTEM:
		if (SSL_CTX_set_default_verify_paths(client->ctx) != 1)
			return tls_fail(err, ERR_INTERNAL, "the system's certificates");
		break;
	}
	SSL_CTX_set_verify(client->ctx, SSL_VERIFY_PEER, NULL);
	return 0;
}

/* ---- opening ---- */

static int make_connection(struct tls_client *client, const struct tls_client_options *options, struct err *err)
{
	static const unsigned char alpn[] = "\x08http/1.1";
	const char *sni = sni_of(options);
	SSL *ssl;

	client->ctx = tls_context_new(false, options->version_min, options->version_max, err);
	if (!client->ctx || set_trust(client, options, err) < 0 ||
	    tls_conn_new(client->ctx, client->fd, false, &client->conn, err) < 0)
		return -1;
	ssl = tls_conn_ssl(client->conn);
	if (SSL_set_alpn_protos(ssl, alpn, sizeof(alpn) - 1) != 0 || (sni && SSL_set_tlsext_host_name(ssl, sni) != 1))
		return tls_fail(err, ERR_INVALID, "name of the server");
	return options->verify == TLS_VERIFY_NONE ? 0 : expect_name(ssl, options, err);
}

/* Why a handshake failed, as a caller would act on it. */
static int explain(struct tls_client *client, unsigned long first, struct err *err)
{
	SSL *ssl = tls_conn_ssl(client->conn);
	const long verified = SSL_get_verify_result(ssl);
	const int reason = ERR_GET_REASON(first);

	if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
		return err_set(err, ERR_UNTRUSTED, "the server's certificate: %s",
			       X509_verify_cert_error_string(verified));
	if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION ||
	    reason == SSL_R_WRONG_SSL_VERSION || reason == SSL_R_BAD_PROTOCOL_VERSION_NUMBER)
		return err_set(err, ERR_UNSUPPORTED, "the server does not speak the TLS version that is wanted (1.3)");
	return -1;
}

static int shake_hands(struct tls_client *client, int64_t deadline_ns, struct err *err)
{
	for (;;) {
		unsigned long first = 0;

		if (dial_check(deadline_ns, err) < 0)
			return err_prefix(err, "TLS handshake");
		const enum tls_io io = tls_conn_handshake_reason(client->conn, &first, err);

		switch (io) {
		case TLS_IO_DONE:
			return 0;
		case TLS_IO_WANT_READ:
		case TLS_IO_WANT_WRITE:
			if (dial_wait(client->fd, io == TLS_IO_WANT_READ ? POLLIN : POLLOUT, deadline_ns, err) < 0)
				return err_prefix(err, "TLS handshake");
			break;
		case TLS_IO_CLOSED:
			return err_set(err, ERR_IO, "TLS handshake: the server has closed the connection");
		case TLS_IO_FAILED:
			return explain(client, first, err);
		}
	}
}

static int keep_leaf(struct tls_client *client, struct err *err)
{
	X509 *leaf = SSL_get0_peer_certificate(tls_conn_ssl(client->conn));
	uint8_t *der = NULL;
	const int size = leaf ? i2d_X509(leaf, &der) : -1;

	if (size <= 0 || size > (int)DER_MAX) {
		OPENSSL_free(der);
		return tls_fail(err, ERR_UNTRUSTED, "no usable certificate from the server");
	}
	client->leaf = malloc((size_t)size);
	if (client->leaf)
		memcpy(client->leaf, der, (size_t)size);
	client->leaf_size = (size_t)size;
	OPENSSL_free(der);
	if (!client->leaf)
		return err_no_memory(err);
	return tls_spki_sha256(leaf, client->spki_sha256, err);
}

static int send_proxy_header(int fd, struct err *err)
{
	const struct proxy_v2_addresses local = {.family = PROXY_V2_UNKNOWN};
	scoped(buf_done) struct buf header = BUF_INIT(PROXY_V2_SIZE_MAX);

	if (proxy_v2_format(&local, &header, err) < 0)
		return -1;
	/* 16 bytes into an empty socket buffer: never blocks, never in part. */
	return tls_send_plain(fd, header.data, header.size, err);
}

static int open_client(struct tls_client *client, const struct tls_client_options *options, struct err *err)
{
	const int64_t timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
	const int64_t deadline_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS;
	const int dialled = options->unix_path ? dial_unix(options->unix_path, deadline_ns, &client->fd, err)
					       : dial_tcp(options->host, options->port, deadline_ns, &client->fd, err);

	if (dialled < 0 || (options->send_proxy_v2_local && send_proxy_header(client->fd, err) < 0) ||
	    make_connection(client, options, err) < 0 || shake_hands(client, deadline_ns, err) < 0)
		return -1;
	return keep_leaf(client, err);
}

int tls_client_open(const struct tls_client_options *options, struct tls_client **ret_client, struct err *err)
{
	scoped(tls_client_closep) struct tls_client *client = calloc(1, sizeof(*client));

	if (!client)
		return err_no_memory(err);
	client->fd = -1;
	if (open_client(client, options, err) < 0)
		return -1;
	*ret_client = TAKE_PTR(client);
	return 0;
}

void tls_client_close(struct tls_client *client)
{
	if (!client)
		return;
	if (client->conn)
		tls_conn_close_notify(client->conn);
	tls_conn_free(client->conn);
	SSL_CTX_free(client->ctx);
	fd_close(client->fd);
	free(client->leaf);
	free(client);
}

/* ---- use ---- */

int tls_client_write(struct tls_client *client, const void *data, size_t size, int64_t deadline_ns, struct err *err)
{
	const uint8_t *next = data;

	while (size > 0) {
		size_t put = 0;

		if (dial_check(deadline_ns, err) < 0)
			return -1;
		const enum tls_io io = tls_conn_write(client->conn, next, size, &put, err);

		switch (io) {
		case TLS_IO_DONE:
			next += put;
			size -= put;
			break;
		case TLS_IO_WANT_READ:
		case TLS_IO_WANT_WRITE:
			if (dial_wait(client->fd, io == TLS_IO_WANT_READ ? POLLIN : POLLOUT, deadline_ns, err) < 0)
				return -1;
			break;
		case TLS_IO_CLOSED:
			return err_set(err, ERR_IO, "the server has closed the connection");
		case TLS_IO_FAILED:
			return -1;
		}
	}
	return 0;
}

int tls_client_read(struct tls_client *client, void *ret_data, size_t size, size_t *ret_got, int64_t deadline_ns,
		    struct err *err)
{
	for (;;) {
		size_t got = 0;

		/* Who always has something to say must not keep us beyond it. */
		if (dial_check(deadline_ns, err) < 0)
			return -1;
		const enum tls_io io = tls_conn_read(client->conn, ret_data, size, &got, err);

		switch (io) {
		case TLS_IO_DONE:
		case TLS_IO_CLOSED:
			*ret_got = io == TLS_IO_DONE ? got : 0;
			return 0;
		case TLS_IO_WANT_READ:
		case TLS_IO_WANT_WRITE:
			if (dial_wait(client->fd, io == TLS_IO_WANT_READ ? POLLIN : POLLOUT, deadline_ns, err) < 0)
				return -1;
			break;
		case TLS_IO_FAILED:
			return -1;
		}
	}
}

static enum tls_step step_of(enum tls_io io)
{
	switch (io) {
	case TLS_IO_DONE:
		return TLS_STEP_DONE;
	case TLS_IO_WANT_READ:
		return TLS_STEP_WANT_READ;
	case TLS_IO_WANT_WRITE:
		return TLS_STEP_WANT_WRITE;
	case TLS_IO_CLOSED:
		return TLS_STEP_CLOSED;
	case TLS_IO_FAILED:
		break;
	}
	return TLS_STEP_FAILED;
}

enum tls_step tls_client_try_read(struct tls_client *client, void *ret_data, size_t size, size_t *ret_got,
				  struct err *err)
{
	return step_of(tls_conn_read(client->conn, ret_data, size, ret_got, err));
}

enum tls_step tls_client_try_write(struct tls_client *client, const void *data, size_t size, size_t *ret_put,
				   struct err *err)
{
	return step_of(tls_conn_write(client->conn, data, size, ret_put, err));
}

void tls_client_end(struct tls_client *client)
{
	tls_conn_close_notify(client->conn);
}

bool tls_client_is_readable(struct tls_client *client)
{
	struct pollfd poll_fd = {.fd = client->fd, .events = POLLIN};

	return tls_conn_has_pending(client->conn) || poll(&poll_fd, 1, 0) != 0;
}

int tls_client_exporter(struct tls_client *client, const char *label, const void *context, size_t context_size,
			uint8_t ret[static TLS_EXPORTER_SIZE], struct err *err)
{
	return tls_conn_exporter(client->conn, label, context, context_size, ret, err);
}

const uint8_t *tls_client_leaf(const struct tls_client *client, size_t *ret_size)
{
	*ret_size = client->leaf_size;
	return client->leaf;
}

void tls_client_spki_sha256(const struct tls_client *client, uint8_t ret[static 32])
{
	memcpy(ret, client->spki_sha256, 32);
}

bool tls_client_is_resumed(const struct tls_client *client)
{
	return SSL_session_reused(tls_conn_ssl(client->conn)) != 0;
}

int tls_client_version(const struct tls_client *client)
{
	return SSL_version(tls_conn_ssl(client->conn));
}

int tls_client_fd(const struct tls_client *client)
{
	return client->fd;
}
