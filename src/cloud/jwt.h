/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Tokens of our own (RFC 7519, compact JWS, ES256 only). Reading accepts one algorithm, one key, one issuer
 * and one audience; nothing in a token chooses how it is checked. Pure but for the key.
 */
#ifndef MSE_CLOUD_JWT_H
#define MSE_CLOUD_JWT_H

#include <jansson.h>

#include "base/buf.h"
#include "crypto/p256.h"

#define JWT_SIZE_MAX 8192
#define JWT_KID_SIZE 33

/* The key's id in tokens and JWKS: the first 16 bytes of the hash of its SubjectPublicKeyInfo, in hex. */
must_check int jwt_kid(const struct p256_key *key, char ret[static JWT_KID_SIZE], struct err *err);

/* type: "at+jwt" or "JWT". */
must_check int jwt_sign(const struct p256_key *key, const char *type, const json_t *claims, struct buf *ret,
			struct err *err);

/* ERR_UNAUTHENTICATED unless type and signature are right; the claims themselves are the caller's to check. */
must_check int jwt_verify(const struct p256_key *key, const char *type, const char *token, json_t **ret_claims,
			  struct err *err);

/* iss, aud, exp (> now), iat. ERR_UNAUTHENTICATED. */
must_check int jwt_check_claims(const json_t *claims, const char *issuer, const char *audience, int64_t now,
				struct err *err);

/* The public half as a JWK (RFC 7517) for the JWKS. */
must_check int jwt_jwk(const struct p256_key *key, json_t **ret, struct err *err);

#endif
