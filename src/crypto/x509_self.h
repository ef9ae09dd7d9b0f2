/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a certificate that only those of unknown makers have; inside crypto/ only. See x509_parse.h. */
#ifndef MSE_CRYPTO_X509_SELF_H
#define MSE_CRYPTO_X509_SELF_H

#include "crypto/x509_parse.h"

must_check int x509_self_take_algorithm(struct der *reader, struct err *err);
/* Fills in spki, key_kind and, for P-256, point. */
must_check int x509_self_take_key(struct der *tbs, struct x509_cert *cert, struct err *err);
/* Keeps nothing: x509_verify_self reads it where it is. */
must_check int x509_self_keep_signature(struct der signature, struct x509_cert *cert, struct err *err);

#endif
