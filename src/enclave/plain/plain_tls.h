/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate and key of the plain server, which follow their files: whoever renews them (certbot) tells nobody. The
 * files are looked at when a client comes, at most once a second, and by stat alone until one has changed; an idle
 * server does not wake up for them. A pair that cannot be used leaves the earlier one in place.
 *
 * Running connections keep what they were opened with. Thread-safe.
 */
#ifndef MSE_ENCLAVE_PLAIN_TLS_H
#define MSE_ENCLAVE_PLAIN_TLS_H

#include <stdint.h>

#include "net/tls_server.h"

#define PLAIN_TLS_LOOK_NS 1000000000LL /* between two looks */
/* A change is read at two looks: what is being written meanwhile may have the same size and time once it is whole. */
#define PLAIN_TLS_READS 2

struct plain_tls;

/* Paths of PEM files, relative to the working directory of now. ERR_INVALID and others name the file. */
must_check int plain_tls_new(const char *cert_path, const char *key_path, struct plain_tls **ret, struct err *err);
void plain_tls_free(struct plain_tls *tls); /* NULL is fine */

/* A line if the certificate is not valid now. Before there is a second thread; of a later one it is said by itself. */
void plain_tls_tell_validity(const struct plain_tls *tls);

/* A new reference to what is shown at now_ns (monotonic). May read two small files; never fails. */
struct tls_identity *plain_tls_identity(struct plain_tls *tls, int64_t now_ns);

#endif
