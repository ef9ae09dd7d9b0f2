/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "crypto/der.h"

#define DER(...) ((struct der){(const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})})

static void refuses_next(struct der data)
{
	struct der content;
	uint8_t tag;
	struct err err = ERR_INIT;

	assert_int_equal(der_next(&data, &tag, &content, NULL, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
}

static void test_lengths(void **state)
{
	uint8_t large[4 + 256] = {DER_OCTET_STRING, 0x82, 0x01, 0x00};
	struct der reader = {large, sizeof(large)};
	struct der content, whole;
	uint8_t tag;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(der_next(&reader, &tag, &content, &whole, &err), &err);
	assert_int_equal(content.size, 256);
	assert_int_equal(whole.size, sizeof(large));
	assert_int_equal(reader.size, 0);
	refuses_next(DER(0x04));
	refuses_next(DER(0x04, 0x01));                      /* truncated */
	refuses_next(DER(0x04, 0x80, 0x00, 0x00));          /* indefinite */
	refuses_next(DER(0x04, 0x81, 0x01, 0x00));          /* not the shortest */
	refuses_next(DER(0x04, 0x82, 0x00, 0x80, 0x00));    /* leading zero */
	refuses_next(DER(0x04, 0x85, 1, 1, 1, 1, 1, 0x00)); /* five bytes of length */
	refuses_next(DER(0x1f, 0x81, 0x00, 0x00));          /* a tag of several bytes */
	refuses_next(DER(0x04, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00));
	refuses_next(DER(0x1f, 0x01, 0x00));                                /* whole but for its tag */
	refuses_next((struct der){(const uint8_t *)"\x04\x82\x01\x00", 3}); /* ends inside its length */
	memcpy(large, "\x04\x83\x00\x00\xff", 5);
	refuses_next((struct der){large, sizeof(large)});
	refuses_next((struct der){large, 0});
}

/* What is whole, but not what is asked for. */
static void test_other_sizes(void **state)
{
	static const uint8_t SHORT_TIME[] = {DER_UTC_TIME, 11, '2', '5', '0', '1', '0', '1', '0', '0', '0', '0', 'Z'};
	static const uint8_t LONG_TIME[] = {DER_UTC_TIME, 14,  '2', '5', '0', '1', '0', '1',
					    '0',          '0', '0', '0', '0', '0', 'Z', 'Z'};
	struct der reader, bytes;
	struct err err = ERR_INIT;
	int64_t number;
	bool value;

	(void)state;
	reader = DER(DER_INTEGER, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0);
	assert_int_equal(der_take_int(&reader, DER_INTEGER, "n", 0, 255, &number, &err), -1);
	reader = DER(DER_INTEGER, 0);
	assert_int_equal(der_take_unsigned(&reader, "n", &bytes, &err), -1);
	reader = DER(DER_INTEGER, 2, 0, 1);
	assert_int_equal(der_take_unsigned(&reader, "n", &bytes, &err), -1);
	reader = DER(DER_BOOLEAN, 0);
	assert_int_equal(der_take_bool(&reader, "b", &value, &err), -1);
	reader = DER(DER_BOOLEAN, 2, 0xff, 0xff);
	assert_int_equal(der_take_bool(&reader, "b", &value, &err), -1);
	reader = DER(DER_INTEGER, 1, 0xff);
	assert_int_equal(der_take_bool(&reader, "b", &value, &err), -1);
	reader = DER(DER_BIT_STRING, 0);
	assert_int_equal(der_take_bits(&reader, "s", &bytes, &err), -1);
	reader = DER(DER_BIT_STRING, 0, 0); /* the zero behind it is not its own */
	assert_int_equal(der_take_bits(&reader, "s", &bytes, &err), -1);
	reader = (struct der){SHORT_TIME, sizeof(SHORT_TIME)};
	assert_int_equal(der_take_time(&reader, "t", &number, &err), -1);
	reader = (struct der){LONG_TIME, sizeof(LONG_TIME)};
	assert_int_equal(der_take_time(&reader, "t", &number, &err), -1);
	assert_false(der_is_next(&(struct der){SHORT_TIME, 0}, DER_UTC_TIME));
	assert_false(der_equal((struct der){SHORT_TIME, 3}, (struct der){SHORT_TIME, 4}));
	assert_false(der_equal((struct der){SHORT_TIME, 4}, (struct der){SHORT_TIME, 3}));
}

static void expect_int(struct der data, int64_t value)
{
	struct err err = ERR_INIT;
	int64_t seen;

	assert_ok(der_take_int(&data, DER_INTEGER, "n", INT32_MIN, INT32_MAX, &seen, &err), &err);
	assert_int_equal(seen, value);
}

static void refuses_int(struct der data)
{
	struct err err = ERR_INIT;
	int64_t seen;

	assert_int_equal(der_take_int(&data, DER_INTEGER, "n", 0, 255, &seen, &err), -1);
}

static void test_integers(void **state)
{
	(void)state;
	expect_int(DER(2, 1, 0), 0);
	expect_int(DER(2, 1, 0x7f), 127);
	expect_int(DER(2, 2, 0x00, 0xff), 255);
	expect_int(DER(2, 1, 0xff), -1);
	expect_int(DER(2, 2, 0xff, 0x7f), -129);
	expect_int(DER(2, 4, 0x7f, 0xff, 0xff, 0xff), INT32_MAX);
	refuses_int(DER(2, 0));
	refuses_int(DER(2, 2, 0x00, 0x7f)); /* not the shortest */
	refuses_int(DER(2, 2, 0xff, 0xff));
	refuses_int(DER(2, 1, 0xff));       /* -1 is not 255 */
	refuses_int(DER(2, 2, 0x01, 0x00)); /* 256 */
	refuses_int(DER(2, 6, 1, 0, 0, 0, 0, 0));
	refuses_int(DER(10, 1, 1)); /* ENUMERATED */
}

static void test_booleans_and_bits(void **state)
{
	struct der yes = DER(1, 1, 0xff);
	struct der odd = DER(1, 1, 0x01);
	struct der unused = DER(3, 2, 1, 0x80);
	struct der none = DER(3, 0);
	struct der bits;
	bool value;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(der_take_bool(&yes, "b", &value, &err), &err);
	assert_true(value);
	assert_int_equal(der_take_bool(&odd, "b", &value, &err), -1);
	assert_int_equal(der_take_bits(&unused, "b", &bits, &err), -1);
	assert_int_equal(der_take_bits(&none, "b", &bits, &err), -1);
}

static int take_time(uint8_t tag, const char *text, int64_t *ret)
{
	uint8_t data[64] = {tag, (uint8_t)strlen(text)};
	struct der reader = {data, 2 + strlen(text)};
	struct err err = ERR_INIT;

	memcpy(data + 2, text, strlen(text));
	return der_take_time(&reader, "t", ret, &err);
}

static void test_times(void **state)
{
	static const char *const BAD_UTC[] = {
	    "250615150640",  "2506151506Z",   "250615150640+0000", "250230000000Z", "25061515064 Z", "20250615150640Z",
	    "250001000000Z", "250100000000Z", "250132000000Z",     "251301000000Z", "250101240000Z", "250101006000Z",
	    "250101000060Z", "250229000000Z", "691231235959Z",     "-10615150640Z", "250615150640z", "25061\00015064Z"};
	static const char *const BAD_GENERAL[] = {"20491231235959Z",  "21000229000000Z", "2050010100000Z",
						  "205001010000000Z", "20500101000000z", "2O500101000000Z"};
	int64_t seconds = 0;

	(void)state;
	assert_int_equal(take_time(DER_UTC_TIME, "250615150640Z", &seconds), 0);
	assert_int_equal(seconds, 1750000000);
	assert_int_equal(take_time(DER_UTC_TIME, "491231235959Z", &seconds), 0);
	assert_int_equal(seconds, 2524607999);
	assert_int_equal(take_time(DER_UTC_TIME, "700101000000Z", &seconds), 0);
	assert_int_equal(seconds, 0);
	assert_int_equal(take_time(DER_UTC_TIME, "240229000000Z", &seconds), 0);
	assert_int_equal(seconds, 1709164800);
	assert_int_equal(take_time(DER_UTC_TIME, "991231235959Z", &seconds), 0);
	assert_int_equal(seconds, 946684799);
	assert_int_equal(take_time(DER_GENERALIZED_TIME, "20500101000000Z", &seconds), 0);
	assert_int_equal(seconds, 2524608000);
	assert_int_equal(take_time(DER_GENERALIZED_TIME, "99991231235959Z", &seconds), 0);
	for (size_t i = 0; i < COUNT_OF(BAD_GENERAL); i++)
		assert_int_equal(take_time(DER_GENERALIZED_TIME, BAD_GENERAL[i], &seconds), -1);
	for (size_t i = 0; i < COUNT_OF(BAD_UTC); i++)
		assert_int_equal(take_time(DER_UTC_TIME, BAD_UTC[i], &seconds), -1);
}

static void test_oids(void **state)
{
	char text[DER_OID_TEXT_SIZE];
	uint8_t longest[64];
	struct err err = ERR_INIT;

	(void)state;
	/* The instance document's, as attested-channel.md section 3 writes it. */
	assert_ok(der_oid_text(DER(0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x64), text, &err), &err);
	assert_string_equal(text, "1.2.840.113741.1337.100");
	assert_ok(der_oid_text(DER(0x67), text, &err), &err);
	assert_string_equal(text, "2.23");
	assert_ok(der_oid_text(DER(0x88, 0x37), text, &err), &err);
	assert_string_equal(text, "2.999");
	assert_int_equal(der_oid_text((struct der){NULL, 0}, text, &err), -1);
	assert_int_equal(der_oid_text(DER(0x2a, 0x86), text, &err), -1);
	assert_int_equal(der_oid_text(DER(0x2a, 0x80, 0x01), text, &err), -1);
	memset(longest, 0xff, sizeof(longest));
	longest[63] = 0x7f;
	assert_int_equal(der_oid_text((struct der){longest, sizeof(longest)}, text, &err), -1);
	memset(longest, 0x7f, sizeof(longest));
	assert_int_equal(der_oid_text((struct der){longest, sizeof(longest)}, text, &err), -1);
}

/* Up to 32 bytes beside the zero of a sign. */
static void test_unsigned_sizes(void **state)
{
	static const struct {
		uint8_t size, first;
		int result;
	} ROWS[] = {{32, 1, 0}, {33, 0, 0}, {33, 1, -1}, {34, 0, -1}};
	uint8_t bytes[2 + 34];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct der reader = {bytes, (size_t)ROWS[i].size + 2}, number;
		struct err err = ERR_INIT;

		memset(bytes, 0xaa, sizeof(bytes));
		bytes[0] = DER_INTEGER;
		bytes[1] = ROWS[i].size;
		bytes[2] = ROWS[i].first;
		assert_int_equal(der_take_unsigned(&reader, "n", &number, &err), ROWS[i].result);
		if (ROWS[i].result == 0)
			assert_int_equal(number.size, DER_INTEGER_SIZE_MAX);
	}
}

static void test_signatures(void **state)
{
	uint8_t raw[64];
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(der_signature_raw(DER(0x30, 7, 2, 2, 0, 0x80, 2, 1, 5), raw, &err), &err);
	assert_int_equal(raw[31], 0x80);
	assert_int_equal(raw[63], 5);
	assert_int_equal(raw[0], 0);
	assert_int_equal(der_signature_raw(DER(0x30, 6, 2, 1, 0x80, 2, 1, 5), raw, &err), -1); /* negative */
	assert_int_equal(der_signature_raw(DER(0x30, 6, 2, 1, 1, 2, 1, 5, 0), raw, &err), -1);
	assert_int_equal(der_signature_raw(DER(0x30, 8, 2, 1, 1, 2, 1, 5, 5, 0), raw, &err), -1);
	assert_int_equal(der_signature_raw(DER(0x30, 3, 2, 1, 1), raw, &err), -1);
}

static void test_check(void **state)
{
	uint8_t nested[64];
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < 31; i++) {
		nested[2 * i] = DER_SEQUENCE;
		nested[2 * i + 1] = (uint8_t)(2 * (30 - i));
	}
	assert_int_equal(der_check((struct der){nested, 62}, 31, &err), 0);
	assert_int_equal(der_check((struct der){nested, 62}, 30, &err), -1);
	assert_int_equal(der_check(DER(0x30, 2, 4, 1), 4, &err), -1);
}

static void test_oid_is(void **state)
{
	static const struct {
		const char *text;
		uint8_t bytes[12];
		size_t size;
	} OIDS[] = {
	    {"2.5.29.19", {0x55, 0x1d, 0x13}, 3},
	    {"1.2.840.113741.1.13.1", {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01}, 9},
	    {"2.999.128", {0x88, 0x37, 0x81, 0x00}, 4},
	    {"0.6.9.42", {0x06, 0x09, 0x2a}, 3},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(OIDS); i++) {
		const struct der oid = {OIDS[i].bytes, OIDS[i].size};
		char seen[DER_OID_TEXT_SIZE];
		struct err err = ERR_INIT;

		assert_ok(der_oid_text(oid, seen, &err), &err);
		assert_string_equal(seen, OIDS[i].text);
		for (size_t n = 0; n < COUNT_OF(OIDS); n++)
			assert_int_equal(der_oid_is(oid, OIDS[n].text), n == i);
		assert_false(der_oid_is((struct der){oid.data, oid.size - 1}, OIDS[i].text));
		assert_false(der_oid_is((struct der){oid.data, oid.size + 1}, OIDS[i].text));
	}
	/* Padded: not the form of DER. */
	assert_false(der_oid_is((struct der){(const uint8_t *)"\x55\x80\x1d\x13", 4}, "2.5.29.19"));
	assert_false(der_oid_is((struct der){NULL, 0}, "2.5.29.19"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lengths),        cmocka_unit_test(test_other_sizes),
	    cmocka_unit_test(test_integers),       cmocka_unit_test(test_booleans_and_bits),
	    cmocka_unit_test(test_oids),           cmocka_unit_test(test_oid_is),
	    cmocka_unit_test(test_times),          cmocka_unit_test(test_oids),
	    cmocka_unit_test(test_unsigned_sizes), cmocka_unit_test(test_signatures),
	    cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
