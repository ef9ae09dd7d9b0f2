/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_common.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/number.h"
#include "net/tls_bio.h"

struct tls_conn {
	SSL *ssl;
	struct tls_bio io;
	bool is_client;
	bool is_shaken;   /* the handshake is over */
	bool has_failed;  /* SSL_shutdown must not be called then */
	unsigned unasked; /* messages of TLS itself since the last data */
	char sni[TLS_NAME_MAX + 1];
	uint8_t own_key[TLS_KEY_HASH_SIZE];
};

int tls_fail(struct err *err, enum err_code code, const char *what)
{
	const unsigned long first = ERR_peek_error();
	const char *reason = first ? ERR_reason_error_string(first) : NULL;

	ERR_clear_error();
	return err_set(err, code, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
}

int tls_spki_sha256(void *certificate, uint8_t ret[static 32], struct err *err)
{
	uint8_t *der = NULL;
	const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY((X509 *)certificate), &der);
	int done;

	if (size <= 0)
		return tls_fail(err, ERR_INVALID, "certificate's public key");
	done = EVP_Digest(der, (size_t)size, ret, NULL, EVP_sha256(), NULL);
	OPENSSL_free(der);
	return done == 1 ? 0 : tls_fail(err, ERR_INTERNAL, "SHA-256");
}

int tls_send_plain(int fd, const void *data, size_t size, struct err *err)
{
	const ssize_t put = send(fd, data, size, MSG_NOSIGNAL);

	if (put < 0)
		return err_set_errno(err, "cannot write");
	return (size_t)put == size ? 0 : err_set(err, ERR_IO, "wrote %zd of %zu bytes", put, size);
}

/* ---- contexts ---- */

void *tls_context_new(bool is_server, int version_min, int version_max, struct err *err)
{
	SSL_CTX *ctx = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());

	if (!ctx) {
		(void)tls_fail(err, ERR_NO_MEMORY, "cannot make a TLS context");
		return NULL;
	}
	/* attested-channel.md section 4: nothing that could be resumed, in either direction. */
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					   SSL_OP_CLEANSE_PLAINTEXT);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	if (SSL_CTX_set_min_proto_version(ctx, version_min ? version_min : TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(ctx, version_max ? version_max : TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_num_tickets(ctx, 0) != 1 || SSL_CTX_set_max_early_data(ctx, 0) != 1) {
		SSL_CTX_free(ctx);
		(void)tls_fail(err, ERR_INTERNAL, "cannot set up a TLS context");
		return NULL;
	}
	return ctx;
}

/* ---- connections ---- */

/*
 * Tickets and key updates behind the handshake never end a call of SSL_read: who streams them would keep the caller
 * from its deadline for ever. A few are fine (two tickets are usual); then nothing more is read.
 */
static void on_message(int is_written, int version, int content_type, const void *data, size_t size, SSL *ssl,
		       void *arg)
{
	struct tls_conn *conn = SSL_get_app_data(ssl);

	(void)version;
	(void)data;
	(void)size;
	(void)arg;
	if (!is_written && content_type == SSL3_RT_HANDSHAKE && conn->is_shaken && ++conn->unasked > TLS_UNASKED_MAX)
		conn->io.is_refused = true;
}

/* One call may take so much from the socket; a server's sockets are bounded by their clients' own limits. */
static void begin_call(struct tls_conn *conn)
{
	/* Mostly there is none, and to clear the whole queue costs more than to look. */
	if (ERR_peek_error() != 0)
		ERR_clear_error();
	errno = 0;
	if (conn->is_client)
		conn->io.left = TLS_CALL_BYTES_MAX;
}

int tls_conn_new(void *ctx, int fd, bool is_server, struct tls_conn **ret_conn, struct err *err)
{
	struct tls_conn *conn = calloc(1, sizeof(*conn));
	BIO *bio;

	if (!conn)
		return err_no_memory(err);
	conn->io.fd = fd;
	conn->io.left = SIZE_MAX;
	conn->is_client = !is_server;
	conn->ssl = SSL_new(ctx);
	bio = conn->ssl ? tls_bio_new(&conn->io) : NULL;
	if (!bio || SSL_set_app_data(conn->ssl, conn) != 1) {
		BIO_free(bio);
		tls_conn_free(conn);
		return tls_fail(err, ERR_NO_MEMORY, "cannot make a TLS connection");
	}
	SSL_set_msg_callback(conn->ssl, on_message);
	SSL_set_bio(conn->ssl, bio, bio);
	/* What a handshake says is no secret, and each of its flights would wipe 16 KiB of buffer. */
	(void)SSL_clear_options(conn->ssl, SSL_OP_CLEANSE_PLAINTEXT);
	if (is_server)
		SSL_set_accept_state(conn->ssl);
	else
		SSL_set_connect_state(conn->ssl);
	*ret_conn = conn;
	return 0;
}

void tls_conn_free(struct tls_conn *conn)
{
	if (!conn)
		return;
	SSL_free(conn->ssl);
	tls_bio_done(&conn->io);
	free(conn);
}

/* What an SSL call that returned result <= 0 means. */
static enum tls_io outcome(struct tls_conn *conn, int result, const char *what, struct err *err)
{
	const int os_errno = errno;

	if (conn->io.is_refused) {
		conn->has_failed = true;
		ERR_clear_error();
		(void)err_set(err, ERR_LIMIT, "%s: more than %d messages of TLS without any data", what,
			      TLS_UNASKED_MAX);
		return TLS_IO_FAILED;
	}
	switch (SSL_get_error(conn->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return TLS_IO_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_IO_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_IO_CLOSED;
	case SSL_ERROR_SYSCALL:
		conn->has_failed = true;
		errno = os_errno ? os_errno : ECONNRESET;
		ERR_clear_error();
		(void)err_set_errno(err, "%s", what);
		return TLS_IO_FAILED;
	default:
		conn->has_failed = true;
		(void)tls_fail(err, ERR_IO, what);
		return TLS_IO_FAILED;
	}
}

enum tls_io tls_conn_handshake(struct tls_conn *conn, struct err *err)
{
	unsigned long ignored;

	return tls_conn_handshake_reason(conn, &ignored, err);
}

enum tls_io tls_conn_handshake_reason(struct tls_conn *conn, unsigned long *ret_reason, struct err *err)
{
	int result;

	begin_call(conn);
	result = SSL_do_handshake(conn->ssl);
	conn->is_shaken = result == 1;
	if (result == 1) {
		(void)SSL_set_options(conn->ssl, SSL_OP_CLEANSE_PLAINTEXT);
		return TLS_IO_DONE;
	}
	*ret_reason = ERR_peek_error();
	return outcome(conn, result, "TLS handshake", err);
}

enum tls_io tls_conn_read(struct tls_conn *conn, void *ret_data, size_t size, size_t *ret_got, struct err *err)
{
	int result;

	begin_call(conn);
	result = SSL_read_ex(conn->ssl, ret_data, size, ret_got);
	if (result == 1 && !conn->io.is_refused) {
		conn->unasked = 0;
		return TLS_IO_DONE;
	}
	return outcome(conn, result, "cannot read", err);
}

enum tls_io tls_conn_write_more(struct tls_conn *conn, const void *data, size_t size, size_t more, size_t *ret_put,
				struct err *err)
{
	int result;

	begin_call(conn);
	conn->io.more = more;
	result = SSL_write_ex(conn->ssl, data, size, ret_put);
	conn->io.more = 0;
	if (result == 1)
		return TLS_IO_DONE;
	return outcome(conn, result, "cannot write", err);
}

enum tls_io tls_conn_write(struct tls_conn *conn, const void *data, size_t size, size_t *ret_put, struct err *err)
{
	return tls_conn_write_more(conn, data, size, 0, ret_put, err);
}

bool tls_conn_is_drained(const struct tls_conn *conn)
{
	return conn->io.is_drained;
}

void tls_conn_keep_buffers(struct tls_conn *conn, bool keeps)
{
	if (keeps) {
		(void)SSL_clear_mode(conn->ssl, SSL_MODE_RELEASE_BUFFERS);
		return;
	}
	(void)SSL_set_mode(conn->ssl, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_free_buffers(conn->ssl);
}

bool tls_conn_has_pending(const struct tls_conn *conn)
{
	return SSL_has_pending(conn->ssl) == 1;
}

void tls_conn_close_notify(struct tls_conn *conn)
{
	if (conn->has_failed || !SSL_is_init_finished(conn->ssl))
		return;
	ERR_clear_error();
	(void)SSL_shutdown(conn->ssl);
	ERR_clear_error();
}

int tls_conn_exporter(struct tls_conn *conn, const char *label, const void *context, size_t context_size,
		      uint8_t ret[static TLS_EXPORTER_SIZE], struct err *err)
{
	uint8_t value[TLS_EXPORTER_SIZE];

	ERR_clear_error();
	if (!SSL_is_init_finished(conn->ssl) || SSL_version(conn->ssl) != TLS1_3_VERSION ||
	    SSL_export_keying_material(conn->ssl, value, sizeof(value), label, strlen(label), context, context_size,
				       1) != 1)
		return tls_fail(err, ERR_INTERNAL, "TLS exporter not available");
	memcpy(ret, value, sizeof(value));
	return 0;
}

const char *tls_conn_sni(const struct tls_conn *conn)
{
	return conn->sni;
}

char *tls_conn_sni_room(struct tls_conn *conn)
{
	return conn->sni;
}

uint8_t *tls_conn_own_key(struct tls_conn *conn)
{
	return conn->own_key;
}

void *tls_conn_ssl(const struct tls_conn *conn)
{
	return conn->ssl;
}

struct tls_conn *tls_conn_of_ssl(const void *ssl)
{
	return SSL_get_app_data((const SSL *)ssl);
}

bool tls_conn_is_http2(const struct tls_conn *conn)
{
	const unsigned char *name;
	unsigned int size;

	SSL_get0_alpn_selected(conn->ssl, &name, &size);
	return size == 2 && memcmp(name, "h2", 2) == 0;
}

bool tls_conn_shows(const struct tls_conn *conn, const char *name, size_t size)
{
	X509 *shown = SSL_get_certificate(conn->ssl);

	if (strlen(conn->sni) == size && strncasecmp(conn->sni, name, size) == 0)
		return true;
	return shown && X509_check_host(shown, name, size, 0, NULL) == 1;
}
