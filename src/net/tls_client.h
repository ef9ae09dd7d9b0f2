/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One TLS connection to a server, made to be attested: TLS 1.3, nothing resumed, exporter, what the server showed.
 * One thread at a time. Every wait has a deadline, in nanoseconds of clock_monotonic_ns. SIGPIPE never comes.
 *
 * "localhost" and names under ".localhost" are 127.0.0.1, then ::1, without asking anyone (RFC 6761 6.3).
 */
#ifndef MSE_NET_TLS_CLIENT_H
#define MSE_NET_TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "net/tls_server.h" /* TLS_EXPORTER_SIZE */

enum tls_verify {
	TLS_VERIFY_NONE, /* the caller judges the certificate (attestation); the handshake's signature is still checked
			  */
	TLS_VERIFY_CA,   /* against ca_pem only */
	TLS_VERIFY_SYSTEM, /* against the system's roots */
};

struct tls_client_options {
	const char *host; /* name or numeric address; NULL with unix_path */
	uint16_t port;
	const char *unix_path;    /* instead of host and port */
	bool send_proxy_v2_local; /* begin with a PROXY v2 LOCAL header: what app sockets behind haproxy want */
	const char *sni;          /* NULL: host, unless it is an address */
	enum tls_verify verify;
	const char *verify_name; /* NULL: sni, else host; a name or an address */
	const void *ca_pem;
	size_t ca_pem_size;
	int version_min; /* 0: TLS 1.3. 0x0303 is TLS 1.2: for tests of servers */
	int version_max; /* 0: TLS 1.3 */
	int timeout_ms;  /* resolve (as far as getaddrinfo lets us), connect, handshake together; 0: 10 s */
};

struct tls_client;

/* ERR_UNAVAILABLE (nobody there), ERR_TIMEOUT, ERR_UNTRUSTED (certificate), ERR_UNSUPPORTED (no TLS 1.3), ERR_IO. */
must_check int tls_client_open(const struct tls_client_options *options, struct tls_client **ret_client,
			       struct err *err);
void tls_client_close(struct tls_client *client); /* NULL is fine */
DEFINE_SCOPED_PTR(struct tls_client, tls_client_close);

must_check int tls_client_write(struct tls_client *client, const void *data, size_t size, int64_t deadline_ns,
				struct err *err);

/* At least one byte, at most size; *ret_got 0 when the server has closed in order. Cut off: ERR_IO. */
must_check int tls_client_read(struct tls_client *client, void *ret_data, size_t size, size_t *ret_got,
			       int64_t deadline_ns, struct err *err);

/* One step without waiting, for callers that watch tls_client_fd themselves. A write may do less: *ret_put bytes. */
enum tls_step {
	TLS_STEP_DONE,
	TLS_STEP_WANT_READ,
	TLS_STEP_WANT_WRITE,
	TLS_STEP_CLOSED, /* the server has closed in order */
	TLS_STEP_FAILED, /* *err says why; the connection is of no use any more */
};
enum tls_step tls_client_try_read(struct tls_client *client, void *ret_data, size_t size, size_t *ret_got,
				  struct err *err);
enum tls_step tls_client_try_write(struct tls_client *client, const void *data, size_t size, size_t *ret_put,
				   struct err *err);
/* Tells the server that nothing more is written (close_notify); reading goes on. */
void tls_client_end(struct tls_client *client);

/* true if something waits to be read, or the server has gone: a kept connection should not be used then. */
bool tls_client_is_readable(struct tls_client *client);

/* RFC 8446 7.5. label without zero byte. Anything but success is a failure: never go on without. */
must_check int tls_client_exporter(struct tls_client *client, const char *label, const void *context,
				   size_t context_size, uint8_t ret[static TLS_EXPORTER_SIZE], struct err *err);

/* The server's leaf certificate; owned by client. */
const uint8_t *tls_client_leaf(const struct tls_client *client, size_t *ret_size);

/* SHA-256 of its DER SubjectPublicKeyInfo, exactly the bytes in the certificate: "tls_key". */
void tls_client_spki_sha256(const struct tls_client *client, uint8_t ret[static 32]);

bool tls_client_is_resumed(const struct tls_client *client);
int tls_client_version(const struct tls_client *client); /* 0x0304 is TLS 1.3 */
int tls_client_fd(const struct tls_client *client);      /* for poll */

#endif
