/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two sides of TLS share. Private to net/: the rest of the tree sees tls_server.h and tls_client.h. A tls_conn
 * owns its SSL object and buffers; the socket and the SSL_CTX stay the caller's, and must outlive it.
 */
#ifndef MSE_NET_TLS_COMMON_H
#define MSE_NET_TLS_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/tls_server.h"

#define TLS_UNASKED_MAX 16 /* messages of TLS behind the handshake (tickets, key updates) without data between */
#define TLS_CALL_BYTES_MAX \
	(256u << 10) /* that a client takes from its socket in one call, which ends with WANT_READ then */

/* A connection of either side, on a non-blocking socket. One thread at a time. */
struct tls_conn;

enum tls_io {
	TLS_IO_DONE,
	TLS_IO_WANT_READ,
	TLS_IO_WANT_WRITE,
	TLS_IO_CLOSED, /* the peer has closed in order */
	TLS_IO_FAILED, /* *err says why; the connection is of no use any more */
};

/* ctx is an SSL_CTX. fd stays the caller's. */
must_check int tls_conn_new(void *ctx, int fd, bool is_server, struct tls_conn **ret_conn, struct err *err);
void tls_conn_free(struct tls_conn *conn);

enum tls_io tls_conn_handshake(struct tls_conn *conn, struct err *err);
/* The same; on failure *ret_reason is OpenSSL's first error (ERR_GET_REASON). */
enum tls_io tls_conn_handshake_reason(struct tls_conn *conn, unsigned long *ret_reason, struct err *err);
enum tls_io tls_conn_read(struct tls_conn *conn, void *ret_data, size_t size, size_t *ret_got, struct err *err);
enum tls_io tls_conn_write(struct tls_conn *conn, const void *data, size_t size, size_t *ret_put, struct err *err);
/* The same; more: so many bytes the caller writes next, at once, and all may travel together. */
enum tls_io tls_conn_write_more(struct tls_conn *conn, const void *data, size_t size, size_t more, size_t *ret_put,
				struct err *err);
bool tls_conn_has_pending(const struct tls_conn *conn); /* bytes read from the socket, not yet handed over */
/* The last read took all that the socket had: whoever waits for more is told of it. */
bool tls_conn_is_drained(const struct tls_conn *conn);
/* OpenSSL's buffers (34 KiB) stay between two calls, or go when they are empty. A new connection does not keep them. */
void tls_conn_keep_buffers(struct tls_conn *conn, bool keeps);
void tls_conn_close_notify(struct tls_conn *conn); /* tries once */

must_check int tls_conn_exporter(struct tls_conn *conn, const char *label, const void *context, size_t context_size,
				 uint8_t ret[static TLS_EXPORTER_SIZE], struct err *err);

/* The name the client sent, in lower case; "" if none. Set by the server's choice of an identity. */
const char *tls_conn_sni(const struct tls_conn *conn);
char *tls_conn_sni_room(struct tls_conn *conn); /* TLS_NAME_MAX + 1 bytes */

/* The connection's ALPN is h2. */
bool tls_conn_is_http2(const struct tls_conn *conn);
/* Server: the name (size bytes) is the client's SNI, or one that the certificate which was shown is for. */
bool tls_conn_shows(const struct tls_conn *conn, const char *name, size_t size);

/* SHA-256 of the SPKI that the server showed in this handshake, TLS_KEY_HASH_SIZE bytes; it writes them there. */
uint8_t *tls_conn_own_key(struct tls_conn *conn);

void *tls_conn_ssl(const struct tls_conn *conn); /* SSL */
struct tls_conn *tls_conn_of_ssl(const void *ssl);

/* What every context of ours has: version range (0: TLS 1.3), nothing to resume, no renegotiation. NULL: err. */
void *tls_context_new(bool is_server, int version_min, int version_max, struct err *err);

/* SSL_CTX of a server (tls_server.c). */
void *tls_server_context(const struct tls_server *server);

/* SHA-256 of the DER SubjectPublicKeyInfo of an X509. */
must_check int tls_spki_sha256(void *certificate, uint8_t ret[static 32], struct err *err);

/* Writes to a socket outside TLS, without SIGPIPE; all at once or it fails. */
must_check int tls_send_plain(int fd, const void *data, size_t size, struct err *err);

/* Puts OpenSSL's first queued error behind the text, empties the queue, returns -1. */
int tls_fail(struct err *err, enum err_code code, const char *what);

#endif
