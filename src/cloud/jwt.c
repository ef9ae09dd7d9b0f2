/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/jwt.h"

#include <string.h>

#include "format/base64.h"
#include "format/hex.h"
#include "format/json.h"

#define JWT_DEPTH 4
#define KID_BYTES ((JWT_KID_SIZE - 1) / 2)

int jwt_kid(const struct p256_key *key, char ret[static JWT_KID_SIZE], struct err *err)
{
	uint8_t hash[32];

	if (p256_spki_sha256(key, hash, err) < 0)
		return -1;
	hex_encode(hash, KID_BYTES, ret);
	return 0;
}

static int add_part(const json_t *value, struct buf *ret, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(JWT_SIZE_MAX);

	if (json_format(value, &text, err) < 0)
		return -1;
	return base64url_encode(text.data, text.size, ret, err);
}

int jwt_sign(const struct p256_key *key, const char *type, const json_t *claims, struct buf *ret, struct err *err)
{
	scoped(json_decrefp) json_t *header = NULL;
	uint8_t signature[P256_SIGNATURE_SIZE];
	char kid[JWT_KID_SIZE];

	if (jwt_kid(key, kid, err) < 0)
		return -1;
	header = json_pack("{s:s, s:s, s:s}", "alg", "ES256", "typ", type, "kid", kid);
	if (!header)
		return err_no_memory(err);
	if (add_part(header, ret, err) < 0 || buf_add_byte(ret, '.', err) < 0 || add_part(claims, ret, err) < 0 ||
	    p256_sign_raw(key, ret->data, ret->size, signature, err) < 0 || buf_add_byte(ret, '.', err) < 0)
		return -1;
	return base64url_encode(signature, sizeof(signature), ret, err);
}

static int refuse(struct err *err, const char *why)
{
	return err_set(err, ERR_UNAUTHENTICATED, "the access token %s", why);
}

static int parse_part(const char *text, size_t size, json_t **ret, struct err *err)
{
	scoped(buf_done) struct buf bytes = BUF_INIT(JWT_SIZE_MAX);

	if (base64url_decode(text, size, &bytes, err) < 0 ||
	    json_parse_strict(buf_text(&bytes), bytes.size, JWT_DEPTH, ret, err) < 0)
		return refuse(err, "is malformed");
	return 0;
}

static int check_header(const struct p256_key *key, const char *type, const json_t *header, struct err *err)
{
	const char *alg, *typ, *kid;
	char own_kid[JWT_KID_SIZE];

	if (jwt_kid(key, own_kid, err) < 0)
		return -1;
	if (json_get_text(header, "alg", 16, &alg, err) < 0 || json_get_text(header, "typ", 16, &typ, err) < 0 ||
	    json_get_text(header, "kid", 64, &kid, err) < 0)
		return refuse(err, "has a malformed header");
	if (strcmp(alg, "ES256") != 0 || strcmp(typ, type) != 0)
		return refuse(err, "is of another kind");
	if (strcmp(kid, own_kid) != 0)
		return refuse(err, "was signed by another key");
	return 0;
}

static int check_signature(const struct p256_key *key, const char *token, size_t signed_size, const char *text,
			   struct err *err)
{
	scoped(buf_done) struct buf signature = BUF_INIT(P256_SIGNATURE_SIZE);
	uint8_t point[P256_POINT_SIZE];

	if (base64url_decode(text, strlen(text), &signature, err) < 0 || signature.size != P256_SIGNATURE_SIZE)
		return refuse(err, "has a malformed signature");
	p256_point(key, point);
	if (p256_verify_raw(point + 1, token, signed_size, signature.data, err) < 0)
		return refuse(err, "has a wrong signature");
	return 0;
}

int jwt_verify(const struct p256_key *key, const char *type, const char *token, json_t **ret_claims, struct err *err)
{
	scoped(json_decrefp) json_t *header = NULL;
	scoped(json_decrefp) json_t *claims = NULL;
	const char *first, *second;

	if (strlen(token) > JWT_SIZE_MAX)
		return refuse(err, "is too long");
	first = strchr(token, '.');
	second = first ? strchr(first + 1, '.') : NULL;
	if (!second)
		return refuse(err, "is malformed");
	if (parse_part(token, (size_t)(first - token), &header, err) < 0 || check_header(key, type, header, err) < 0 ||
	    check_signature(key, token, (size_t)(second - token), second + 1, err) < 0 ||
	    parse_part(first + 1, (size_t)(second - first - 1), &claims, err) < 0)
		return -1;
	*ret_claims = TAKE_PTR(claims);
	return 0;
}

int jwt_check_claims(const json_t *claims, const char *issuer, const char *audience, int64_t now, struct err *err)
{
	const char *iss, *aud;
	int64_t exp;

	if (json_get_text(claims, "iss", 512, &iss, err) < 0 || json_get_text(claims, "aud", 512, &aud, err) < 0 ||
	    json_get_int(claims, "exp", 0, INT64_MAX, &exp, err) < 0)
		return refuse(err, "lacks a claim");
	if (strcmp(iss, issuer) != 0 || strcmp(aud, audience) != 0)
		return refuse(err, "is meant for another service");
	if (exp <= now)
		return refuse(err, "has expired: login again");
	return 0;
}

int jwt_jwk(const struct p256_key *key, json_t **ret, struct err *err)
{
	scoped(buf_done) struct buf x = BUF_INIT(64);
	scoped(buf_done) struct buf y = BUF_INIT(64);
	uint8_t point[P256_POINT_SIZE];
	char kid[JWT_KID_SIZE];
	json_t *value;

	p256_point(key, point);
	if (jwt_kid(key, kid, err) < 0 || base64url_encode(point + 1, 32, &x, err) < 0 ||
	    base64url_encode(point + 33, 32, &y, err) < 0)
		return -1;
	value = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "kty", "EC", "crv", "P-256", "use", "sig", "alg",
			  "ES256", "kid", kid, "x", buf_text(&x), "y", buf_text(&y));
	if (!value)
		return err_no_memory(err);
	*ret = value;
	return 0;
}
