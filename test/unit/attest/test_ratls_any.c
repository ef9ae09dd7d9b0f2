/* SPDX-License-Identifier: Apache-2.0 */
/* RA-TLS certificates of every maker (attestation-evidence.md section 4), with evidence of the test CAs. */
#include "unit.h"

#include <string.h>

#include "amd_evidence.h"
#include "attest/ratls.h"
#include "crypto/hash.h"
#include "der_write.h"
#include "test_judge.h"

#define NAME "maker"

static struct test_evidence e;
static struct test_cert p256; /* for keys on P-256 */
static struct amd_cert other; /* for the others; key AMD_KEY_COUNT: not used */
static struct attest_certificate question;
static struct attest_policy policy;
static struct buf certificate;
static struct buf claims;
static uint8_t tls_key[32];
static int64_t when;

static int setup(void **state)
{
	(void)state;
	test_evidence_init(&e);
	memset(e.report + 320, 0, 64);
	p256 = (struct test_cert){.name = NAME,
				  .issuer_name = NAME,
				  .serial = 1,
				  .not_before = TEST_TIME - TEST_DAY,
				  .not_after = TEST_TIME + TEST_DAY,
				  .path_length = -1,
				  .key = TEST_KEY_RATLS,
				  .issuer_key = TEST_KEY_RATLS};
	other = (struct amd_cert){.name = NAME,
				  .issuer_name = NAME,
				  .serial = 1,
				  .not_before = TEST_TIME - TEST_DAY,
				  .not_after = TEST_TIME + TEST_DAY,
				  .path_length = -1,
				  .key = AMD_KEY_COUNT};
	question = (struct attest_certificate){0};
	policy = (struct attest_policy){0};
	certificate = BUF_INIT(64u << 10);
	claims = BUF_INIT(4096);
	when = TEST_TIME;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	test_evidence_done(&e);
	test_cert_done(&p256);
	for (size_t i = 0; i < other.extension_count; i++)
		buf_done(&other.extensions[i].value);
	buf_done(&certificate);
	buf_done(&claims);
	return 0;
}

static void again(void)
{
	IGNORE_RESULT(teardown(NULL));
	IGNORE_RESULT(setup(NULL));
}

static void use_other(enum amd_key_id key, enum amd_scheme scheme)
{
	other.key = other.issuer_key = key;
	other.scheme = other.inner_scheme = scheme;
}

static void get_spki_hash(uint8_t ret[static 32])
{
	struct buf spki = BUF_INIT(4096);
	struct err err = ERR_INIT;

	if (other.key != AMD_KEY_COUNT) {
		amd_put_spki(&spki, other.key);
		sha256(spki.data, spki.size, ret);
	} else {
		assert_ok(p256_spki_sha256(test_key(p256.key), ret, &err), &err);
	}
	buf_done(&spki);
}

static void get_point_hash(uint8_t ret[static 32])
{
	uint8_t point[65];

	p256_point(test_key(p256.key), point);
	sha256(point, sizeof(point), ret);
}

static void add_extension(const char *oid, bool critical, const void *value, size_t size)
{
	if (other.key != AMD_KEY_COUNT)
		amd_cert_add_extension(&other, oid, critical, value, size);
	else
		test_cert_add_extension(&p256, oid, critical, value, size);
}

static void finish(void)
{
	if (other.key != AMD_KEY_COUNT)
		amd_cert_make(&other, &certificate);
	else
		test_cert_make(&p256, &certificate);
	question.certificate = (struct attest_bytes){certificate.data, certificate.size};
	get_spki_hash(tls_key);
	if (!question.tls_key)
		question.tls_key = tls_key;
}

/* Evidence as it is, in this extension. */
static void build(const char *oid)
{
	test_evidence_build(&e);
	add_extension(oid, false, e.quote.data, e.quote.size);
	finish();
}

static struct attest_verdict *judge(void)
{
	const struct attest_bytes root = {e.root_der.data, e.root_der.size};
	const struct attest_roots roots = {.hardware = &root, .hardware_count = 1};
	struct test_question collateral_of;
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = "";

	test_question_init(&collateral_of, &e);
	if (attest_collateral_new(&collateral_of.collateral, &collateral, &why) < 0 ||
	    attest_verify_certificate(&question, collateral, &roots, when, &policy, &verdict, &why) < 0)
		fail_msg("no verdict: %s", why);
	attest_collateral_free(collateral);
	return verdict;
}

/* The verdict's error, and in which check. */
static void expect(const char *error, const char *check)
{
	struct attest_verdict *verdict = judge();

	if (strcmp(verdict->error_text, error) != 0 || (check && strcmp(verdict->failed->name, check) != 0))
		fail_msg("verdict is '%s' (%s: %s), expected '%s'", verdict->error_text,
			 verdict->failed ? verdict->failed->name : "", verdict->failed ? verdict->failed->text : "",
			 error);
	attest_verdict_free(verdict);
}

static void accepts(const char *form)
{
	struct attest_verdict *verdict = judge();

	if (!verdict->accepted)
		fail_msg("refused: %s (%s)", verdict->failed->name, verdict->failed->text);
	assert_string_equal(verdict->certificate_form, form);
	assert_true(verdict->has_certificate_key);
	assert_memory_equal(verdict->certificate_key, tls_key, 32);
	assert_false(verdict->has_identity);
	assert_string_not_equal(verdict->warning, ""); /* no nonce */
	attest_verdict_free(verdict);
}

static void test_cosmian(void **state)
{
	(void)state;
	get_point_hash(e.report + 320);
	build(RATLS_QUOTE_OID);
	accepts("sgx");
	tls_key[0] ^= 1;
	expect("tls-key", "tls-key");
	again();
	get_point_hash(e.report + 320);
	e.report[321] ^= 1;
	build(RATLS_QUOTE_OID);
	expect("binding", "binding");
	again();
	build(RATLS_QUOTE_OID); /* all zero */
	expect("binding", "binding");
}

/* Evidence of one TEE in the extension of another. */
static void test_wrong_extension(void **state)
{
	(void)state;
	get_point_hash(e.report + 320);
	build(RATLS_TDX_OID);
	expect("ratls-certificate", "certificate-evidence");
	again();
	get_point_hash(e.report + 320);
	build(RATLS_SNP_OID);
	expect("malformed", NULL);
}

/* The second half of REPORTDATA: zero, what the caller expects, or anything if he says so. */
static void test_extra(void **state)
{
	uint8_t extra[32];
	struct attest_verdict *verdict;

	(void)state;
	memset(extra, 0x77, sizeof(extra));
	get_point_hash(e.report + 320);
	memset(e.report + 352, 0x77, 32);
	build(RATLS_QUOTE_OID);
	expect("binding", "binding");
	question.extra = (struct attest_bytes){extra, 32};
	accepts("sgx");
	extra[31] ^= 1;
	expect("binding", "binding");
	question.extra = (struct attest_bytes){0};
	question.any_extra = true;
	verdict = judge();
	assert_true(verdict->accepted);
	assert_int_equal(verdict->loosening_count, 2); /* the test's root too */
	assert_string_equal(verdict->loosenings[1].name, "report-data-extra");
	attest_verdict_free(verdict);
	/* An expected one that is not there. */
	again();
	get_point_hash(e.report + 320);
	build(RATLS_QUOTE_OID);
	question.extra = (struct attest_bytes){extra, 32};
	expect("binding", "binding");
}

static void test_gramine_legacy(void **state)
{
	(void)state;
	get_spki_hash(e.report + 320);
	build(RATLS_GRAMINE_OID);
	accepts("gramine-legacy");
	again();
	add_extension(RATLS_INSTANCE_OID, false, "x", 1); /* means nothing beside evidence of this form */
	get_spki_hash(e.report + 320);
	build(RATLS_GRAMINE_OID);
	accepts("gramine-legacy");
	again();
	get_point_hash(e.report + 320); /* Cosmian's binding in Gramine's extension */
	build(RATLS_GRAMINE_OID);
	expect("binding", "binding");
}

/* Gramine's own keys are on P-384; RSA was possible too. */
static void test_other_keys(void **state)
{
	static const struct {
		enum amd_key_id key;
		enum amd_scheme scheme;
	} KEYS[] = {
	    {AMD_KEY_OTHER_EC, AMD_ECDSA}, {AMD_KEY_ARK, AMD_PKCS1_SHA384}, {AMD_KEY_RSA_2048, AMD_PKCS1_SHA384}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(KEYS); i++) {
		again();
		use_other(KEYS[i].key, KEYS[i].scheme);
		get_spki_hash(e.report + 320);
		build(RATLS_GRAMINE_OID);
		accepts("gramine-legacy");
		question.tls_key = NULL;
		again();
		use_other(KEYS[i].key, KEYS[i].scheme);
		other.break_signature = true;
		get_spki_hash(e.report + 320);
		build(RATLS_GRAMINE_OID);
		expect("ratls-certificate", "certificate");
	}
	again();
	use_other(AMD_KEY_ARK, AMD_PSS);
	build(RATLS_GRAMINE_OID);
	expect("ratls-certificate", "certificate");
	/* The algorithm that was signed is not the one that is written outside. */
	again();
	use_other(AMD_KEY_OTHER_EC, AMD_ECDSA);
	other.inner_scheme = AMD_PKCS1_SHA384;
	build(RATLS_GRAMINE_OID);
	expect("ratls-certificate", "certificate");
	/* Cosmian's binding is of a point on P-256: another curve has none. */
	again();
	use_other(AMD_KEY_OTHER_EC, AMD_ECDSA);
	build(RATLS_QUOTE_OID);
	expect("ratls-certificate", "certificate");
}

/* A key of one kind under the name of the other kind's algorithm, with a signature of its own kind that fits. */
static void test_named_otherwise(void **state)
{
	static const struct {
		enum amd_key_id key;
		enum amd_scheme scheme;
	} KEYS[] = {{AMD_KEY_OTHER_EC, AMD_PKCS1_SHA384}, {AMD_KEY_ARK, AMD_ECDSA}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(KEYS); i++) {
		again();
		use_other(KEYS[i].key, KEYS[i].scheme);
		get_spki_hash(e.report + 320);
		build(RATLS_GRAMINE_OID);
		expect("ratls-certificate", "certificate");
	}
}

/* ------------------------------------------------------------------------------------------ tagged evidence */

static void put_head(struct buf *buf, uint8_t major, uint32_t number)
{
	const uint8_t bytes[5] = {(uint8_t)(major << 5 | 26), (uint8_t)(number >> 24), (uint8_t)(number >> 16),
				  (uint8_t)(number >> 8), (uint8_t)number};

	der_put_raw(buf, bytes, sizeof(bytes));
}

static void put_string(struct buf *buf, uint8_t major, const void *data, size_t size)
{
	put_head(buf, major, (uint32_t)size);
	der_put_raw(buf, data, size);
}

struct key_claim {
	uint32_t algorithm;
	uint8_t hash[33];
	size_t hash_size;
	unsigned times;
};

static struct key_claim right_claim(void)
{
	struct key_claim claim = {.algorithm = 1, .hash_size = 32, .times = 1};

	get_spki_hash(claim.hash);
	return claim;
}

static void make_claims(const struct key_claim *claim)
{
	struct buf value = BUF_INIT(256);

	put_head(&value, 4, 2);
	put_head(&value, 0, claim->algorithm);
	put_string(&value, 2, claim->hash, claim->hash_size);
	put_head(&claims, 5, 1 + claim->times);
	put_string(&claims, 3, "nonce", 5); /* unknown: passed over */
	put_head(&claims, 4, 2);
	put_head(&claims, 0, 1);
	put_head(&claims, 1, 2);
	for (unsigned i = 0; i < claim->times; i++) {
		put_string(&claims, 3, "pubkey-hash", 11);
		put_string(&claims, 2, value.data, value.size);
	}
	buf_done(&value);
}

static void build_tagged(const struct key_claim *claim, uint32_t tag, size_t cut)
{
	struct buf value = BUF_INIT(64u << 10);

	make_claims(claim);
	sha256(claims.data, claims.size, e.report + 320);
	test_evidence_build(&e);
	put_head(&value, 6, tag);
	put_head(&value, 4, 2);
	put_string(&value, 2, e.quote.data, e.quote.size);
	put_string(&value, 2, claims.data, claims.size);
	add_extension(TAGGED_EVIDENCE_OID, false, value.data, value.size - cut);
	finish();
	buf_done(&value);
}

static void test_tagged(void **state)
{
	struct key_claim claim;

	(void)state;
	use_other(AMD_KEY_OTHER_EC, AMD_ECDSA);
	claim = right_claim();
	build_tagged(&claim, 60000, 0);
	accepts("tagged-evidence");
	again();
	claim = right_claim();
	build_tagged(&claim, 60000, 0);
	accepts("tagged-evidence");
	/* any_extra is not for this form: zeros are wanted. */
	again();
	claim = right_claim();
	e.report[352] = 1;
	build_tagged(&claim, 60000, 0);
	question.any_extra = true;
	expect("binding", "binding");
}

static void test_tagged_refused(void **state)
{
	struct key_claim claim = right_claim();

	(void)state;
	claim.hash[0] ^= 1;
	build_tagged(&claim, 60000, 0);
	expect("binding", "claims");
	again();
	claim = right_claim();
	claim.algorithm = 7;
	build_tagged(&claim, 60000, 0);
	expect("binding", "claims");
	again();
	claim = right_claim();
	claim.hash_size = 31;
	build_tagged(&claim, 60000, 0);
	expect("binding", "claims");
	again();
	claim = right_claim();
	claim.hash_size = 33;
	build_tagged(&claim, 60000, 0);
	expect("binding", "claims");
	for (unsigned i = 0; i < 4; i++) {
		again();
		claim = right_claim();
		claim.times = i == 0 ? 0 : i == 1 ? 2 : 1;
		build_tagged(&claim, i == 2 ? 60001 : 60000, i == 3);
		expect("ratls-certificate", "certificate");
	}
}

/* The quote is of other claims than those beside it. */
static void test_tagged_other_claims(void **state)
{
	struct key_claim claim = right_claim();
	struct buf value = BUF_INIT(64u << 10);

	(void)state;
	make_claims(&claim);
	memset(e.report + 320, 0x55, 32);
	test_evidence_build(&e);
	put_head(&value, 6, 60000);
	put_head(&value, 4, 2);
	put_string(&value, 2, e.quote.data, e.quote.size);
	put_string(&value, 2, claims.data, claims.size);
	add_extension(TAGGED_EVIDENCE_OID, false, value.data, value.size);
	finish();
	buf_done(&value);
	expect("binding", "binding");
}

/* ------------------------------------------------------------------------------------------ the certificate */

static void test_certificate(void **state)
{
	(void)state;
	/* Two with evidence, of whatever kind. */
	get_point_hash(e.report + 320);
	test_evidence_build(&e);
	add_extension(RATLS_QUOTE_OID, false, e.quote.data, e.quote.size);
	add_extension(RATLS_GRAMINE_OID, false, e.quote.data, e.quote.size);
	finish();
	expect("ratls-certificate", "certificate");
	again();
	get_point_hash(e.report + 320);
	test_evidence_build(&e);
	add_extension(RATLS_QUOTE_OID, false, e.quote.data, e.quote.size);
	add_extension("1.3.6.1.4.1.62397.1.1", false, "x", 1);
	finish();
	expect("ratls-certificate", "certificate");
	/* The same one twice. */
	again();
	test_evidence_build(&e);
	add_extension(RATLS_QUOTE_OID, false, e.quote.data, e.quote.size);
	add_extension(RATLS_QUOTE_OID, false, e.quote.data, e.quote.size);
	finish();
	expect("ratls-certificate", "certificate");
	/* None, one that is not served, a critical one, an unknown critical one. */
	again();
	test_evidence_build(&e);
	finish();
	expect("ratls-certificate", "certificate");
	again();
	build("1.2.840.113556.10.1.2");
	expect("ratls-certificate", "certificate");
	again();
	test_evidence_build(&e);
	add_extension(RATLS_QUOTE_OID, true, e.quote.data, e.quote.size);
	finish();
	expect("ratls-certificate", "certificate");
	again();
	add_extension("1.2.3.4", true, "x", 1);
	get_point_hash(e.report + 320);
	build(RATLS_QUOTE_OID);
	expect("ratls-certificate", "certificate");
	/* Signed by another key, or for another name. */
	again();
	p256.issuer_key = TEST_KEY_OTHER;
	get_point_hash(e.report + 320);
	build(RATLS_QUOTE_OID);
	expect("ratls-certificate", "certificate");
	again();
	p256.issuer_name = "another";
	get_point_hash(e.report + 320);
	build(RATLS_QUOTE_OID);
	expect("ratls-certificate", "certificate");
}

static void test_dates(void **state)
{
	(void)state;
	get_point_hash(e.report + 320);
	build(RATLS_QUOTE_OID);
	when = TEST_TIME + TEST_DAY;
	accepts("sgx");
	when++;
	expect("ratls-certificate", "certificate-dates");
	when = TEST_TIME - TEST_DAY - 1;
	expect("ratls-certificate", "certificate-dates");
}

/* notBefore is the certificate's age: its maker's word, and all there is. */
static void test_age(void **state)
{
	struct attest_verdict *verdict;

	(void)state;
	get_point_hash(e.report + 320);
	build(RATLS_QUOTE_OID);
	question.age_max_s = TEST_DAY;
	verdict = judge();
	assert_true(verdict->accepted);
	assert_int_equal(verdict->valid_until, TEST_TIME);
	attest_verdict_free(verdict);
	question.age_max_s = TEST_DAY - 1;
	expect("stale", "age");
}

/* The first failed step of the quote shows as in any other verdict. */
static void test_quote_inside(void **state)
{
	static const struct attest_measurement WANTED = {.size = 32};
	struct attest_verdict *verdict;

	(void)state;
	test_evidence_build(&e);
	add_extension(RATLS_QUOTE_OID, false, e.quote.data, 500);
	finish();
	expect("truncated", "quote-format");
	verdict = judge();
	for (size_t i = 0; i < verdict->check_count; i++)
		assert_string_not_equal(verdict->checks[i].name, "certificate-evidence");
	attest_verdict_free(verdict);
	again();
	get_point_hash(e.report + 320);
	e.pck_crl.revoked = 200;
	build(RATLS_QUOTE_OID);
	expect("pck-revoked", NULL);
	again();
	get_point_hash(e.report + 320);
	build(RATLS_QUOTE_OID);
	policy.measurements = &WANTED;
	policy.measurement_count = 1;
	expect("measurement", "measurement");
}

static void refuses_call(const struct attest_certificate *bad)
{
	const struct attest_collateral_bytes none = {0};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = NULL;

	assert_int_equal(attest_collateral_new(&none, &collateral, &why), 0);
	assert_int_equal(attest_verify_certificate(bad, collateral, NULL, TEST_TIME, NULL, &verdict, &why), -1);
	assert_non_null(why);
	assert_null(verdict);
	attest_collateral_free(collateral);
}

/* A certificate that could be judged, but not with this. */
static void test_bad_settings(void **state)
{
	static const uint8_t BYTES[33] = {1};
	const struct attest_certificate some = {.certificate = {BYTES, sizeof(BYTES)}};
	const struct attest_bytes garbage = {(const uint8_t *)"garbage", 7};
	const struct attest_roots unreadable = {.hardware = &garbage, .hardware_count = 1};
	const struct attest_collateral_bytes none = {0};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = NULL;

	(void)state;
	assert_int_equal(attest_collateral_new(&none, &collateral, &why), 0);
	assert_int_equal(attest_verify_certificate(&some, NULL, NULL, TEST_TIME, NULL, &verdict, &why), -1);
	assert_string_equal(why, "the collateral is missing");
	assert_int_equal(attest_verify_certificate(&some, collateral, &unreadable, TEST_TIME, NULL, &verdict, &why),
			 -1);
	assert_string_equal(why, "a root certificate cannot be read");
	assert_null(verdict);
	attest_collateral_free(collateral);
}

static void test_bad_calls(void **state)
{
	static const uint8_t BYTES[33] = {1};
	const struct attest_bytes some = {BYTES, sizeof(BYTES)};

	(void)state;
	refuses_call(NULL);
	refuses_call(&(struct attest_certificate){.certificate = {0}});
	refuses_call(&(struct attest_certificate){.certificate = {NULL, 33}});
	refuses_call(&(struct attest_certificate){.certificate = {BYTES, 0}});
	refuses_call(&(struct attest_certificate){.certificate = some, .extra = {BYTES, 33}});
	refuses_call(&(struct attest_certificate){.certificate = some, .extra = {BYTES, 0}});
	refuses_call(&(struct attest_certificate){.certificate = some, .extra = {NULL, 32}});
	refuses_call(&(struct attest_certificate){.certificate = some, .extra = {BYTES, 32}, .any_extra = true});
	refuses_call(&(struct attest_certificate){.certificate = some, .age_max_s = -1});
	refuses_call(&(struct attest_certificate){.certificate = some, .age_max_s = INT64_MAX});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_cosmian),        TEST(test_wrong_extension), TEST(test_extra),
	    TEST(test_gramine_legacy), TEST(test_other_keys),      TEST(test_named_otherwise),
	    TEST(test_tagged),         TEST(test_tagged_refused),  TEST(test_tagged_other_claims),
	    TEST(test_certificate),    TEST(test_dates),           TEST(test_age),
	    TEST(test_quote_inside),   TEST(test_bad_calls),       TEST(test_bad_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
