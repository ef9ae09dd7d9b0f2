/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "enclave/attested/sealed_state.h"

static const size_t maxima[SEALED_FIELD_COUNT] = {
#define X(name, size) [SEALED_##name] = (size),
    SEALED_FIELDS(X)
#undef X
};

static void fields_round_trip(void **state)
{
	struct sealed_part parts[SEALED_FIELD_COUNT] = {0};
	struct sealed_part back[SEALED_FIELD_COUNT];
	scoped(secret_done) struct secret plain = SECRET_INIT;
	struct err err = ERR_INIT;

	(void)state;
	parts[SEALED_DOCUMENT] = (struct sealed_part){(const uint8_t *)"document", 8};
	parts[SEALED_TLS_KEY] = (struct sealed_part){(const uint8_t *)"pem", 3};
	assert_ok(sealed_plain_format(parts, &plain, &err), &err);
	assert_int_equal(plain.size, 4 * SEALED_FIELD_COUNT + 11);
	assert_ok(sealed_plain_parse(plain.data, plain.size, back, &err), &err);
	for (size_t i = 0; i < SEALED_FIELD_COUNT; i++) {
		assert_int_equal(back[i].size, parts[i].size);
		if (parts[i].size > 0)
			assert_memory_equal(back[i].data, parts[i].data, parts[i].size);
	}
}

static void each_field_has_its_maximum(void **state)
{
	static uint8_t bytes[(16u << 20) + 1];

	(void)state;
	for (size_t i = 0; i < SEALED_FIELD_COUNT; i++) {
		struct sealed_part parts[SEALED_FIELD_COUNT] = {0};
		struct sealed_part back[SEALED_FIELD_COUNT];
		scoped(secret_done) struct secret plain = SECRET_INIT;
		scoped(secret_done) struct secret none = SECRET_INIT;
		struct err err = ERR_INIT;

		parts[i] = (struct sealed_part){bytes, maxima[i]};
		assert_ok(sealed_plain_format(parts, &plain, &err), &err);
		assert_ok(sealed_plain_parse(plain.data, plain.size, back, &err), &err);
		parts[i].size++;
		assert_fails(sealed_plain_format(parts, &none, &err), &err, ERR_LIMIT, "bytes, at most");
	}
}

static void every_truncation_and_a_tail_are_refused(void **state)
{
	struct sealed_part parts[SEALED_FIELD_COUNT] = {0};
	struct sealed_part back[SEALED_FIELD_COUNT];
	scoped(secret_done) struct secret plain = SECRET_INIT;
	uint8_t longer[200] = {0};
	struct err err = ERR_INIT;

	(void)state;
	parts[SEALED_CODE_KEY] = (struct sealed_part){longer, 32};
	parts[SEALED_TLS_KEY] = (struct sealed_part){longer, 5};
	assert_ok(sealed_plain_format(parts, &plain, &err), &err);
	for (size_t size = 0; size < plain.size; size++)
		assert_fails(sealed_plain_parse(plain.data, size, back, &err), &err, ERR_INVALID, "field");
	memcpy(longer, plain.data, plain.size);
	assert_fails(sealed_plain_parse(longer, plain.size + 1, back, &err), &err, ERR_INVALID, "1 bytes after");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields_round_trip),
	    cmocka_unit_test(each_field_has_its_maximum),
	    cmocka_unit_test(every_truncation_and_a_tail_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
