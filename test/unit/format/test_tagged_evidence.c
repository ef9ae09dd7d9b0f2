/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/buf.h"
#include "format/tagged_evidence.h"

static struct buf claims, evidence;

static void put(struct buf *buf, const void *data, size_t size)
{
	struct err err = ERR_INIT;

	assert_ok(buf_add(buf, data, size, &err), &err);
}

static void put_head(struct buf *buf, uint8_t major, size_t number)
{
	const uint8_t bytes[5] = {(uint8_t)(major << 5 | 26), (uint8_t)(number >> 24), (uint8_t)(number >> 16),
				  (uint8_t)(number >> 8), (uint8_t)number};

	put(buf, bytes, sizeof(bytes));
}

static void put_string(struct buf *buf, uint8_t major, const void *data, size_t size)
{
	put_head(buf, major, size);
	put(buf, data, size);
}

/* "pubkey-hash", three with names like it, and as many numbered claims besides. */
static void make_claims(size_t others)
{
	static const uint8_t HASH[32] = {1};
	struct buf pair = BUF_INIT(256);

	put_head(&pair, 4, 2);
	put_head(&pair, 0, 1);
	put_string(&pair, 2, HASH, sizeof(HASH));
	put_head(&claims, 5, others + 4);
	put_string(&claims, 3, "p", 1);
	put_head(&claims, 0, 0);
	put_string(&claims, 3, "pubkey-hasx", 11);
	put_head(&claims, 0, 0);
	put_string(&claims, 3, "pubkey-hasy", 11);
	put_head(&claims, 0, 0);
	for (size_t i = 0; i < others; i++) {
		put_head(&claims, 0, i);
		put_head(&claims, 0, i);
	}
	put_string(&claims, 3, "pubkey-hash", 11);
	put_string(&claims, 2, pair.data, pair.size);
	buf_done(&pair);
}

static void wrap(size_t quote_size)
{
	uint8_t *quote = test_calloc(1, quote_size + 1);

	put_head(&evidence, 6, TAGGED_EVIDENCE_TAG);
	put_head(&evidence, 4, 2);
	put_string(&evidence, 2, quote, quote_size);
	put_string(&evidence, 2, claims.data, claims.size);
	test_free(quote);
}

static int setup(void **state)
{
	(void)state;
	claims = BUF_INIT(1u << 20);
	evidence = BUF_INIT(1u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_done(&claims);
	buf_done(&evidence);
	return 0;
}

static void again(void)
{
	IGNORE_RESULT(teardown(NULL));
	IGNORE_RESULT(setup(NULL));
}

static void test_good(void **state)
{
	struct tagged_evidence parsed;
	struct err err = ERR_INIT;

	(void)state;
	make_claims(3);
	wrap(7);
	assert_ok(tagged_evidence_parse(evidence.data, evidence.size, &parsed, &err), &err);
	assert_int_equal(parsed.quote_size, 7);
	assert_int_equal(parsed.claims_size, claims.size);
	assert_memory_equal(parsed.claims, claims.data, claims.size);
	assert_int_equal(parsed.hash_algorithm, 1);
	assert_int_equal(parsed.key_hash_size, 32);
	assert_int_equal(parsed.key_hash[0], 1);
	/* Every shorter text is refused, and one with a byte more. */
	for (size_t size = 0; size < evidence.size; size++)
		assert_fails(tagged_evidence_parse(evidence.data, size, &parsed, &err), &err, ERR_INVALID, "");
	put(&evidence, "", 1);
	assert_fails(tagged_evidence_parse(evidence.data, evidence.size, &parsed, &err), &err, ERR_INVALID,
		     "1 bytes after its end");
}

/* Claims of others (RFC 8392): any number may name one, a negative one is another than its positive twin. */
static void test_negative_names(void **state)
{
	static const char BYTES[] =
	    "\xd9\xea\x60\x82\x41q\x58\x26\xa7\x00\x01\x20\x01\x21\x20\x38\xff\x02\x39\xff\xff\x03"
	    "\x3a\xff\xff\xff\xff\x04\x6bpubkey-hash\x45\x82\x01\x42\x07\x08";
	struct tagged_evidence parsed;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(tagged_evidence_parse(BYTES, sizeof(BYTES) - 1, &parsed, &err), &err);
	assert_int_equal(parsed.key_hash_size, 2);
}

static void test_limits(void **state)
{
	struct tagged_evidence parsed;
	struct err err = ERR_INIT;

	(void)state;
	make_claims(TAGGED_EVIDENCE_CLAIMS_MAX - 4);
	wrap(1);
	assert_ok(tagged_evidence_parse(evidence.data, evidence.size, &parsed, &err), &err);
	again();
	make_claims(TAGGED_EVIDENCE_CLAIMS_MAX - 3);
	wrap(1);
	assert_fails(tagged_evidence_parse(evidence.data, evidence.size, &parsed, &err), &err, ERR_LIMIT, "claims");
	again();
	make_claims(0);
	wrap(TAGGED_EVIDENCE_SIZE_MAX - 20 - claims.size);
	assert_int_equal(evidence.size, TAGGED_EVIDENCE_SIZE_MAX);
	assert_ok(tagged_evidence_parse(evidence.data, evidence.size, &parsed, &err), &err);
	again();
	make_claims(0);
	wrap(TAGGED_EVIDENCE_SIZE_MAX - 19 - claims.size);
	assert_fails(tagged_evidence_parse(evidence.data, evidence.size, &parsed, &err), &err, ERR_LIMIT, "bytes");
}

/* Whole texts in hex: each breaks one rule. */
static void test_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *named;
	} CASES[] = {
#define CASE(bytes, named) {bytes, sizeof(bytes) - 1, named}
	    CASE("\x82\x41q\x41"
		 "c",
		 "tagged evidence"),                                  /* no tag */
	    CASE("\x19\xea\x60\x82\x41q\x41\xa0", "tagged evidence"), /* the number alone */
	    CASE("\xd9\xea\x60\xa2\x41q\x41\xa0", "tagged evidence"), /* a map cut short */
	    CASE("\xd9\xea\x60\x82\x41q\x41\x80", "claims: another kind"),
	    CASE("\xd9\xea\x60\x82\x41q\x52\xa1\x6bpubkey-hash\x44\xa2\x01\x41\x01", "pubkey-hash"),
	    CASE("\xd9\xea\x61\x82\x41q\x41\xa0", "tag 60001"),
	    CASE("\xd9\xea\x60\x83\x41q\x41\xa0\x01", "not a pair"),
	    CASE("\xd9\xea\x60\x9f\x41q\x41\xa0\xff", "indefinite"),
	    CASE("\xd9\xea\x60\x82\x61q\x41\xa0", "quote"),
	    CASE("\xd9\xea\x60\x82\x41q\x01", "claims"),
	    CASE("\xd9\xea\x60\x82\x41q\x41\xa0", "pubkey-hash is missing"),
	    CASE("\xd9\xea\x60\x82\x41q\x42\xbf\xff", "indefinite"),
	    CASE("\xd9\xea\x60\x82\x41q\x43\xa1\xf6\x01", "neither a text nor a number"),
	    CASE("\xd9\xea\x60\x82\x41q\x43\xa1\x40\x01", "neither a text nor a number"),
	    CASE("\xd9\xea\x60\x82\x41q\x45\xa2\x01\x01\x01\x01", "twice"),
	    CASE("\xd9\xea\x60\x82\x41q\x45\xa2\x20\x01\x20\x01", "twice"),
	    CASE("\xd9\xea\x60\x82\x41q\x46\xa2\x20\x01\x38\x00\x01", "twice"),
	    CASE("\xd9\xea\x60\x82\x41q\x4e\xa1\x6bpubkey-hash\x01", "pubkey-hash"),
	    CASE("\xd9\xea\x60\x82\x41q\x4f\xa1\x6bpubkey-hash\x41\x01", "pubkey-hash"),
	    CASE("\xd9\xea\x60\x82\x41q\x51\xa1\x6bpubkey-hash\x43\x82\x01\x01", "hash"),
	    CASE("\xd9\xea\x60\x82\x41q\x51\xa1\x6bpubkey-hash\x43\x82\x20\x40", "algorithm"),
	    CASE("\xd9\xea\x60\x82\x41q\x51\xa1\x6bpubkey-hash\x43\x82\x01\x60", "hash"),
	    CASE("\xd9\xea\x60\x82\x41q\x52\xa1\x6bpubkey-hash\x44\x83\x01\x40\x01", "not a pair"),
	    CASE("\xd9\xea\x60\x82\x41q\x52\xa1\x6bpubkey-hash\x44\x82\x01\x40\x01", "after its end"),
	    CASE("\xd9\xea\x60\x82\x41q\x52\xa1\x6bpubkey-hash\x43\x82\x01\x40\x01", "after its end"),
	    CASE("\xd9\xea\x60\x82\x41q\x52\xa2\x6bpubkey-hash\x43\x82\x01\x40\x01", "cut short"),
	    CASE("\xd9\xea\x60\x82\x41q\x51\xa2\x6bpubkey-hash\x43\x82\x01\x40", "claims: CBOR is cut"),
	    CASE("\xd9\xea\x60\x82\x41q\x51\xa1\x6bpubkey-hash\x63\x82\x01\x40", "pubkey-hash"),
	};
	struct tagged_evidence parsed;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(CASES); i++) {
		if (tagged_evidence_parse(CASES[i].bytes, CASES[i].size, &parsed, &err) == 0)
			fail_msg("case %zu was taken", i);
		if (!strstr(err.text, CASES[i].named))
			fail_msg("case %zu: '%s' does not name '%s'", i, err.text, CASES[i].named);
	}
}

static void test_skip(void **state)
{
	/* {"a": [1, {2: tag(3)}, h'', -1, 1.5, null], "b": "x"} and one item behind it */
	static const uint8_t NESTED[] = "\xa2\x61"
					"a\x86\x01\xa1\x02\xc1\x03\x40\x20\xfb\x3f\xf8\0\0\0\0\0\0\xf6\x61"
					"b\x61x\x07";
	static const uint8_t CLAIMS_MORE[] = "\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01";
	struct cbor_reader reader = {NESTED, sizeof(NESTED) - 1};
	struct cbor_item item;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(cbor_skip(&reader, &err), &err);
	assert_ok(cbor_take(&reader, CBOR_UNSIGNED, "last", &item, &err), &err);
	assert_int_equal(item.number, 7);
	assert_int_equal(reader.size, 0);
	reader = (struct cbor_reader){CLAIMS_MORE, sizeof(CLAIMS_MORE) - 1};
	assert_fails(cbor_skip(&reader, &err), &err, ERR_INVALID, "cut short");
	/* Counts that would make the sum of what is left zero. */
	reader = (struct cbor_reader){(const uint8_t *)"\xbb\x80\0\0\0\0\0\0\0", 9};
	assert_fails(cbor_skip(&reader, &err), &err, ERR_INVALID, "cut short");
	reader = (struct cbor_reader){(const uint8_t *)"\x82\x9b\xff\xff\xff\xff\xff\xff\xff\xff", 10};
	assert_fails(cbor_skip(&reader, &err), &err, ERR_INVALID, "cut short");
}

static void test_text(void **state)
{
	struct cbor_item item = {.kind = CBOR_TEXT, .data = (const uint8_t *)"name", .size = 4};

	(void)state;
	assert_true(cbor_text_is(&item, "name"));
	assert_false(cbor_text_is(&item, "nam"));
	assert_false(cbor_text_is(&item, "nane"));
	item.kind = CBOR_BYTES;
	assert_false(cbor_text_is(&item, "name"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_good),    TEST(test_negative_names), TEST(test_limits),
					   TEST(test_refused), TEST(test_skip),           TEST(test_text)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
