/* SPDX-License-Identifier: Apache-2.0 */
/* Throw-away certificates for tests of TLS, made by the openssl program in a folder of the test's own. */
#ifndef MSE_TEST_CERTS_H
#define MSE_TEST_CERTS_H

#include "base/buf.h"
#include "net/tls_server.h"

#define CERTS_PEM_MAX 65536

/* A self-signed P-256 certificate for the DNS names a.localhost and *.a.localhost and 127.0.0.1. */
struct certs {
	char *dir;
	struct buf cert_pem;
	struct buf key_pem;
	struct tls_identity *identity;
};

must_check int certs_make(struct certs *ret, struct err *err);
void certs_done(struct certs *certs); /* removes the folder */

#endif
