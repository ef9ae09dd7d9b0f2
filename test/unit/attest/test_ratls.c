/* SPDX-License-Identifier: Apache-2.0 */
/* The RA-TLS certificate, V1 to V6 of attested-channel.md section 3; attestation-evidence.md section 5 cases 44 and 45.
 */
#include "unit.h"

#include <string.h>

#include "attest/ratls.h"
#include "channel_setup.h"
#include "crypto/hash.h"

static void expect(const char *error)
{
	test_channel_build(&channel);
	test_expect_ratls(&channel, error);
	again();
}

static void test_good(void **state)
{
	struct attest_verdict *verdict;
	uint8_t hash[32];

	(void)state;
	test_channel_build(&channel);
	verdict = test_channel_ratls(&channel);
	assert_true(verdict->accepted);
	assert_true(verdict->has_identity && verdict->has_instance);
	assert_memory_equal(verdict->identity, channel.certificate_evidence.report + 320, 64);
	sha256(channel.instance_document.data, channel.instance_document.size, hash);
	assert_memory_equal(verdict->instance_hash, hash, 32);
	assert_string_equal(verdict->instance_document, buf_text(&channel.instance_document));
	assert_int_equal(verdict->certificate_not_after, channel.cert.not_after);
	assert_int_equal(verdict->valid_until, 1750032000); /* the instance's */
	attest_verdict_free(verdict);
}

/* Ours may run on TDX too; evidence of another TEE or form in its place is none of ours. */
static void test_forms(void **state)
{
	struct attest_verdict *verdict;

	(void)state;
	test_evidence_done(&channel.certificate_evidence);
	test_evidence_init_kind(&channel.certificate_evidence, TEST_TDX_V4);
	channel.quote_oid = RATLS_TDX_OID;
	test_channel_build(&channel);
	verdict = test_channel_ratls(&channel);
	assert_true(verdict->accepted);
	assert_string_equal(verdict->certificate_form, "tdx");
	assert_int_equal(verdict->facts.tee, ATTEST_TEE_TDX);
	attest_verdict_free(verdict);
	again();
	channel.quote_oid = RATLS_TDX_OID;
	expect("ratls-certificate");
	channel.quote_oid = RATLS_GRAMINE_OID;
	expect("ratls-certificate");
}

static void test_certificate_form(void **state)
{
	static const uint8_t CA_TRUE[] = {0x30, 3, 1, 1, 0xff};

	(void)state;
	channel.cert.ca = true; /* as the original's certificates */
	expect("none");
	channel.cert.break_signature = true;
	expect("ratls-certificate");
	channel.cert.issuer_key = TEST_KEY_OTHER;
	expect("ratls-certificate");
	channel.cert.issuer_name = "somebody else";
	expect("ratls-certificate");
	channel.cert.trailing_byte = true;
	expect("ratls-certificate");
	channel.cert.key_usage = 0x04;
	expect("ratls-certificate");
	test_cert_add_extension(&channel.cert, "1.2.3.4", true, CA_TRUE, sizeof(CA_TRUE));
	expect("ratls-certificate");
	test_cert_add_extension(&channel.cert, RATLS_QUOTE_OID, false, "x", 1);
	expect("ratls-certificate"); /* two quotes */
	test_cert_add_extension(&channel.cert, RATLS_TDX_OID, false, "x", 1);
	expect("ratls-certificate");
	test_cert_add_extension(&channel.cert, RATLS_INSTANCE_OID, false, "{}", 2);
	expect("ratls-certificate"); /* two documents */
	channel.quote_oid = "1.2.840.113741.1337.5";
	expect("ratls-certificate");
	channel.quote_critical = true;
	expect("ratls-certificate");
	channel.instance_critical = true;
	expect("ratls-certificate");
}

static void test_extended_usage(void **state)
{
	static const uint8_t CLIENT[] = {0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2};
	static const uint8_t SERVER[] = {0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1};
	static const uint8_t BROKEN[] = {0x30, 10, 6, 9, 0x2b, 6, 1, 5, 5, 7, 3, 1};
	static const uint8_t SET[] = {0x31, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1};
	static const uint8_t LONGER[] = {0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1, 5, 0};

	(void)state;
	test_cert_add_extension(&channel.cert, "2.5.29.37", true, SERVER, sizeof(SERVER));
	expect("none");
	test_cert_add_extension(&channel.cert, "2.5.29.37", false, CLIENT, sizeof(CLIENT));
	expect("ratls-certificate");
	test_cert_add_extension(&channel.cert, "2.5.29.37", false, BROKEN, sizeof(BROKEN));
	expect("ratls-certificate");
	test_cert_add_extension(&channel.cert, "2.5.29.37", false, SET, sizeof(SET));
	expect("ratls-certificate");
	test_cert_add_extension(&channel.cert, "2.5.29.37", false, LONGER, sizeof(LONGER));
	expect("ratls-certificate");
}

static void test_needs(void **state)
{
	struct attest_needs needs;
	const char *why = NULL;
	struct buf pem = BUF_INIT(0);
	struct buf spaced = BUF_INIT(1u << 20);
	struct err err = ERR_INIT;
	struct attest_bytes bytes;

	(void)state;
	test_evidence_mark_simulated(&channel.certificate_evidence);
	test_channel_build(&channel);
	test_pem(&channel.cert_der, &pem);
	test_must(buf_add(&spaced, " \t\r\n\0\n", 6, &err), &err);
	test_must(buf_add(&spaced, pem.data, pem.size, &err), &err);
	for (size_t i = 0; i < 4; i++) {
		const struct buf *const FORMS[] = {&channel.cert_der, &pem, &channel.certificate_evidence.quote,
						   &spaced};
		const struct buf *from = FORMS[i];

		bytes = (struct attest_bytes){from->data, from->size};
		assert_int_equal(attest_needs(&bytes, &needs, &why), 0);
		assert_string_equal(needs.fmspc, "30606a000000");
		assert_string_equal(needs.ca, "platform");
		assert_true(needs.simulated);
		bytes.size--;
		assert_int_equal(attest_needs(&bytes, &needs, &why),
				 i == 1 || i == 3 ? 0 : -1); /* PEM: the last newline */
	}
	bytes = (struct attest_bytes){spaced.data, 6};
	assert_int_equal(attest_needs(&bytes, &needs, &why), -1);
	assert_int_equal(attest_needs(NULL, &needs, &why), -1);
	assert_string_equal(why, "the evidence is missing");
	assert_int_equal(attest_needs(&(struct attest_bytes){NULL, 5}, &needs, &why), -1);
	assert_string_equal(why, "the evidence is missing");
	why = NULL;
	assert_int_equal(attest_needs(&(struct attest_bytes){pem.data, 0}, &needs, &why), -1);
	assert_string_equal(why, "the evidence is missing");
	bytes = (struct attest_bytes){pem.data, pem.size};
	assert_int_equal(attest_needs(&bytes, NULL, &why), -1);
	assert_int_equal(attest_needs(&bytes, &needs, NULL), -1);
	buf_done(&spaced);
	buf_done(&pem);
}

/* Explicit parameters, a compressed point, a point off the curve: bytes of the SubjectPublicKeyInfo changed. */
static void test_certificate_key(void **state)
{
	static const uint8_t CURVE[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
	uint8_t *at;

	(void)state;
	test_channel_build(&channel);
	at = memmem(channel.cert_der.data, channel.cert_der.size, CURVE, sizeof(CURVE));
	assert_non_null(at);
	at[7] = 0x06;
	test_expect_ratls(&channel, "ratls-certificate");
	at[7] = 0x07;
	at[11] = 0x02;
	test_expect_ratls(&channel, "ratls-certificate");
	at[11] = 0x04;
	at[12] ^= 1;
	test_expect_ratls(&channel, "ratls-certificate");
	at[12] ^= 1;
	test_expect_ratls(&channel, "none");
}

static void test_certificate_dates(void **state)
{
	(void)state;
	channel.cert.not_before = channel.cert.not_after = TEST_TIME;
	expect("none");
	channel.cert.not_after = TEST_TIME - 1;
	expect("ratls-certificate");
	channel.cert.not_before = TEST_TIME + 1;
	expect("ratls-certificate");
}

static void test_garbage(void **state)
{
	(void)state;
	test_channel_build(&channel);
	for (size_t cut = 1; cut < channel.cert_der.size; cut += 97) {
		channel.ratls.certificate.size = cut;
		test_expect_ratls(&channel, "ratls-certificate");
	}
	channel.ratls.certificate = (struct attest_bytes){(const uint8_t *)"-----BEGIN CERTIFICATE-----", 27};
	test_expect_ratls(&channel, "ratls-certificate");
}

static void test_pem_of_several(void **state)
{
	struct buf pem = BUF_INIT(0);

	(void)state;
	test_channel_build(&channel);
	test_pem(&channel.cert_der, &pem);
	channel.ratls.certificate = (struct attest_bytes){pem.data, pem.size};
	test_expect_ratls(&channel, "none");
	test_pem(&channel.cert_der, &pem);
	channel.ratls.certificate = (struct attest_bytes){pem.data, pem.size};
	test_expect_ratls(&channel, "ratls-certificate");
	buf_done(&pem);
}

static void test_binding(void **state)
{
	(void)state;
	channel.keep_report_data = true; /* REPORTDATA of something else */
	expect("binding");
	channel.keep_report_data = true;
	memset(channel.certificate_evidence.report + 320, 0, 64);
	expect("binding");
}

/* A quote of another kind is no identity, though its first half be right. */
static void test_other_kinds(void **state)
{
	static const char *const TAGS[] = {"mse-attest-1", "mse-key-1", "mse-"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(TAGS); i++) {
		uint8_t point[65];
		uint8_t *report_data = channel.certificate_evidence.report + 320;

		p256_point(test_key(TEST_KEY_RATLS), point);
		sha256(point, sizeof(point), report_data);
		memset(report_data + 32, 0, 32);
		memcpy(report_data + 32, TAGS[i], strlen(TAGS[i]));
		channel.keep_report_data = true;
		expect("binding");
	}
}

static void test_quote_is_judged(void **state)
{
	(void)state;
	channel.certificate_evidence.report[48] |= 2;
	expect("debug");
	channel.certificate_evidence.pck.components[0] = 6;
	expect("tcb-status");
	channel.certificate_evidence.pck_crl.revoked = channel.certificate_evidence.pck_cert.serial;
	expect("pck-revoked");
}

static void test_instance_document(void **state)
{
	static const char *const TEXTS[] = {
	    "{}",
	    "",
	    "{\"certificate\":\"\"}",
	    "{ \"certificate\":\"\",\"config_domain\":\"a\",\"domain\":\"a\",\"expires\":\"\",\"log_key\":\"\","
	    "\"subject\":\"CN=a\",\"tls\":\"self\",\"uuid\":\"6d6e4d2a-6f0d-4a43-9bb9-2c6f4a7f0d11\",\"version\":"
	    "\"1\"}",
	};

	(void)state;
	channel.no_instance = true;
	expect("instance-missing");
	for (size_t i = 0; i < COUNT_OF(TEXTS); i++) {
		channel.instance_text = TEXTS[i];
		expect("instance-malformed");
	}
}

static void test_instance_fields(void **state)
{
	static const char HASH[] = "0000000000000000000000000000000000000000000000000000000000000001";

	(void)state;
	channel.expected.domain = "other.mse.localhost";
	expect("instance-field:domain");
	channel.expected.tls = "owner";
	expect("instance-field:tls");
	channel.expected.certificate = HASH;
	expect("instance-field:certificate");
	channel.expected.config_domain = "other.mse.localhost";
	expect("instance-field:config_domain");
	channel.expected.expires = "2025-06-17T00:00:00Z";
	expect("instance-field:expires");
	channel.expected.expires = "2025-06-16T00:00:00Z";
	expect("none");
	channel.expected.log_key = HASH;
	expect("instance-field:log_key");
	channel.expected.subject = "CN=other";
	expect("instance-field:subject");
	channel.expected.uuid = "6d6e4d2a-6f0d-4a43-9bb9-2c6f4a7f0d12";
	expect("instance-field:uuid");
	/* By the verifier's clock, whatever is expected. */
	(void)strcpy(channel.instance.expires, "2025-06-15T15:06:40Z"); /* TEST_TIME */
	expect("none");
	(void)strcpy(channel.instance.expires, "2025-06-15T15:06:39Z");
	channel.expected.expires = "2025-06-15T15:06:39Z";
	expect("instance-field:expires");
}

static void test_san(void **state)
{
	(void)state;
	channel.sans[0] = NULL;
	expect("instance-field:san");
	channel.san_else = "https://further.example/"; /* beside the right one */
	expect("instance-field:san");
	channel.sans[0] = "other.mse.localhost";
	expect("instance-field:san");
	channel.sans[1] = "further.mse.localhost";
	expect("instance-field:san");
	channel.sans[1] = channel.sans[0];
	expect("instance-field:san"); /* twice the same */
	(void)strcpy(channel.instance.domain, "app.example.com");
	channel.expected.domain = "app.example.com";
	expect("instance-field:san"); /* the configuration domain alone */
	(void)strcpy(channel.instance.domain, "app.example.com");
	channel.expected.domain = "app.example.com";
	channel.sans[1] = "other.example.com";
	expect("instance-field:san"); /* the configuration domain and another */
	(void)strcpy(channel.instance.domain, "app.example.com");
	channel.expected.domain = "app.example.com";
	channel.sans[0] = "app.example.com";
	channel.sans[1] = "other.example.com";
	expect("instance-field:san"); /* the domain and another */
	(void)strcpy(channel.instance.domain, "app.example.com");
	channel.expected.domain = "app.example.com";
	channel.sans[1] = "app.example.com";
	expect("none");
}

static void test_tls_modes(void **state)
{
	(void)state;
	channel.expected.tls = NULL;
	expect("none");
	channel.instance.tls = INSTANCE_TLS_OPERATOR;
	channel.expected.tls = NULL;
	expect("instance-field:tls");
	channel.instance.tls = INSTANCE_TLS_OWNER;
	channel.expected.tls = NULL;
	expect("none");
}

/* V6. A key that is given is compared: nothing but a fresh quote says whose another one is. */
static void test_tls_key(void **state)
{
	(void)state;
	test_channel_build(&channel);
	channel.tls_key[0] ^= 1;
	test_expect_ratls(&channel, "tls-key");
	channel.ratls.tls_key = NULL; /* a certificate from a file */
	test_expect_ratls(&channel, "none");
	again();
	channel.instance.tls = INSTANCE_TLS_OWNER;
	channel.expected.tls = "owner";
	test_channel_build(&channel);
	test_expect_ratls(&channel, "none");
	channel.tls_key[0] ^= 1;
	test_expect_ratls(&channel, "tls-key");
	channel.ratls.role = ATTEST_ROLE_CONFIGURATION;
	test_expect_ratls(&channel, "tls-key");
	channel.ratls.tls_key = NULL;
	test_expect_ratls(&channel, "none");
}

static void test_missing_arguments(void **state)
{
	const struct attest_collateral_bytes none = {0};
	const struct attest_bytes garbage = {(const uint8_t *)"garbage", 7};
	const struct attest_roots unreadable = {.hardware = &garbage, .hardware_count = 1};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	struct attest_ratls ratls;
	const char *why = NULL;

	(void)state;
	test_channel_build(&channel);
	assert_int_equal(attest_collateral_new(&none, &collateral, &why), 0);
	for (size_t i = 0; i < 7; i++) {
		ratls = channel.ratls;
		if (i == 0)
			ratls.certificate = (struct attest_bytes){0};
		else if (i == 1)
			ratls.instance = NULL;
		else if (i == 2)
			channel.expected.domain = "";
		else if (i == 3)
			channel.expected.domain = NULL;
		else if (i == 4)
			ratls.certificate.size = 0;
		else if (i == 5)
			ratls.certificate.data = NULL;
		else
			ratls.role = 3;
		assert_int_equal(attest_verify_ratls(&ratls, collateral, NULL, TEST_TIME, NULL, &verdict, &why), -1);
		channel.expected.domain = channel.instance.domain;
	}
	assert_int_equal(attest_verify_ratls(NULL, collateral, NULL, TEST_TIME, NULL, &verdict, &why), -1);
	assert_int_equal(attest_verify_ratls(&channel.ratls, NULL, NULL, TEST_TIME, NULL, &verdict, &why), -1);
	assert_int_equal(attest_verify_ratls(&channel.ratls, collateral, &unreadable, TEST_TIME, NULL, &verdict, &why),
			 -1);
	assert_string_equal(why, "a root certificate cannot be read");
	assert_null(verdict);
	attest_collateral_free(collateral);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_good),
	    TEST(test_forms),
	    TEST(test_extended_usage),
	    TEST(test_certificate_form),
	    TEST(test_needs),
	    TEST(test_certificate_key),
	    TEST(test_certificate_dates),
	    TEST(test_garbage),
	    TEST(test_pem_of_several),
	    TEST(test_binding),
	    TEST(test_other_kinds),
	    TEST(test_quote_is_judged),
	    TEST(test_instance_document),
	    TEST(test_instance_fields),
	    TEST(test_san),
	    TEST(test_tls_modes),
	    TEST(test_tls_key),
	    TEST(test_missing_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
