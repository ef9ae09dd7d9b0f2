/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket below OpenSSL: never raises SIGPIPE (OpenSSL's own socket BIO calls write(2)), and stops reading when its
 * owner says so. Records that others follow at once are collected, and leave in one call: OpenSSL writes each by
 * itself, and for large replies the calls cost more than the encryption. Private to net/tls*.c.
 */
#ifndef MSE_NET_TLS_BIO_H
#define MSE_NET_TLS_BIO_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/bio.h>

struct tls_bio {
	int fd;          /* the owner's */
	size_t left;     /* bytes that may yet be read; at 0 the socket seems empty, until the owner gives more */
	bool is_refused; /* nothing is read any more: reading fails */
	bool is_drained; /* the last read took all there was */
	size_t more;     /* bytes that the owner writes next, at once: what is written now may wait for them */
	char *stage;     /* what waits; NULL: nothing does. The BIO's */
	size_t stage_size;
	size_t stage_start;
	size_t stage_end;
};

/* For its owner, at the end. */
void tls_bio_done(struct tls_bio *io);

/* io is the owner's and outlives the BIO. NULL: out of memory. */
BIO *tls_bio_new(struct tls_bio *io);

#endif
