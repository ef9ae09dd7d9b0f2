/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "cloud/jwt.h"
#include "format/base64.h"

#define NOW 1800000000

struct keys {
	struct p256_key *own, *other;
};

static int make_keys(void **state)
{
	struct keys *keys = calloc(1, sizeof(*keys));
	struct err err = ERR_INIT;

	assert_non_null(keys);
	assert_ok(p256_generate(&keys->own, &err), &err);
	assert_ok(p256_generate(&keys->other, &err), &err);
	*state = keys;
	return 0;
}

static int free_keys(void **state)
{
	struct keys *keys = *state;

	p256_free(keys->own);
	p256_free(keys->other);
	free(keys);
	return 0;
}

static json_t *good_claims(void)
{
	json_t *claims = json_pack("{s:s, s:s, s:I, s:s}", "iss", "https://i/", "aud", "https://a/", "exp",
				   (json_int_t)NOW + 10, "sub", "u");

	assert_non_null(claims);
	return claims;
}

static void sign(const struct p256_key *key, const char *type, struct buf *ret)
{
	scoped(json_decrefp) json_t *claims = good_claims();
	struct err err = ERR_INIT;

	assert_ok(jwt_sign(key, type, claims, ret, &err), &err);
}

static void what_is_signed_is_verified(void **state)
{
	const struct keys *keys = *state;
	scoped(buf_done) struct buf token = BUF_INIT(JWT_SIZE_MAX);
	scoped(json_decrefp) json_t *claims = NULL;
	struct err err = ERR_INIT;

	sign(keys->own, "at+jwt", &token);
	assert_ok(jwt_verify(keys->own, "at+jwt", buf_text(&token), &claims, &err), &err);
	assert_ok(jwt_check_claims(claims, "https://i/", "https://a/", NOW, &err), &err);
	assert_string_equal(json_string_value(json_object_get(claims, "sub")), "u");
}

static void another_key_or_type_is_refused(void **state)
{
	const struct keys *keys = *state;
	scoped(buf_done) struct buf token = BUF_INIT(JWT_SIZE_MAX);
	struct err err = ERR_INIT;
	json_t *claims = NULL;

	sign(keys->own, "JWT", &token);
	assert_fails(jwt_verify(keys->own, "at+jwt", buf_text(&token), &claims, &err), &err, ERR_UNAUTHENTICATED,
		     "another kind");
	assert_fails(jwt_verify(keys->other, "JWT", buf_text(&token), &claims, &err), &err, ERR_UNAUTHENTICATED,
		     "another key");
	assert_null(claims);
}

static void any_changed_character_is_refused(void **state)
{
	const struct keys *keys = *state;
	scoped(buf_done) struct buf token = BUF_INIT(JWT_SIZE_MAX);
	struct err err = ERR_INIT;
	json_t *claims = NULL;

	sign(keys->own, "JWT", &token);
	for (size_t i = 0; i < token.size; i++) {
		const uint8_t was = token.data[i];

		token.data[i] = was == 'A' ? 'B' : 'A';
		if (jwt_verify(keys->own, "JWT", buf_text(&token), &claims, &err) == 0)
			fail_msg("byte %zu changed, and accepted", i);
		token.data[i] = was;
	}
}

static void no_algorithm_but_ours(void **state)
{
	static const char *const headers[] = {"{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
					      "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}"};
	const struct keys *keys = *state;
	struct err err = ERR_INIT;
	char kid[JWT_KID_SIZE];
	json_t *claims = NULL;

	assert_ok(jwt_kid(keys->own, kid, &err), &err);
	for (size_t i = 0; i < COUNT_OF(headers); i++) {
		scoped(buf_done) struct buf token = BUF_INIT(JWT_SIZE_MAX);
		char text[200];
		const char *hole = strchr(headers[i], '%');
		const int size =
		    snprintf(text, sizeof(text), "%.*s%s%s", (int)(hole - headers[i]), headers[i], kid, hole + 2);

		assert_ok(base64url_encode(text, (size_t)size, &token, &err), &err);
		assert_ok(buf_add_text(&token, ".e30.", &err), &err);
		assert_fails(jwt_verify(keys->own, "JWT", buf_text(&token), &claims, &err), &err, ERR_UNAUTHENTICATED,
			     "another kind");
	}
}

static void claims_are_checked(void **state)
{
	scoped(json_decrefp) json_t *claims = good_claims();
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(jwt_check_claims(claims, "https://x/", "https://a/", NOW, &err), &err, ERR_UNAUTHENTICATED,
		     "another service");
	assert_fails(jwt_check_claims(claims, "https://i/", "https://x/", NOW, &err), &err, ERR_UNAUTHENTICATED,
		     "another service");
	assert_ok(jwt_check_claims(claims, "https://i/", "https://a/", NOW + 9, &err), &err);
	assert_fails(jwt_check_claims(claims, "https://i/", "https://a/", NOW + 10, &err), &err, ERR_UNAUTHENTICATED,
		     "expired");
	assert_int_equal(json_object_del(claims, "exp"), 0);
	assert_fails(jwt_check_claims(claims, "https://i/", "https://a/", NOW, &err), &err, ERR_UNAUTHENTICATED,
		     "lacks");
}

#define WITH_KEYS(test) cmocka_unit_test_setup_teardown(test, make_keys, free_keys)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_KEYS(what_is_signed_is_verified),       WITH_KEYS(another_key_or_type_is_refused),
	    WITH_KEYS(any_changed_character_is_refused), WITH_KEYS(no_algorithm_but_ours),
	    cmocka_unit_test(claims_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
