/* SPDX-License-Identifier: Apache-2.0 */
/* The fresh answer, F3 to F9 of attested-channel.md section 4; numbers are those of its section 11. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "attest/ratls.h"
#include "channel_setup.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"

static void expect(const char *error)
{
	test_channel_build(&channel);
	test_expect_fresh(&channel, error);
	again();
}

static void test_good(void **state)
{
	struct attest_verdict *verdict;
	uint8_t hash[32];

	(void)state;
	test_channel_build(&channel);
	verdict = test_channel_fresh(&channel);
	assert_true(verdict->accepted);
	assert_true(verdict->has_ticket && verdict->has_identity && verdict->has_instance);
	assert_int_equal(verdict->deployed, TEST_TIME - 100);
	assert_int_equal(verdict->role, 2);
	sha256(channel.answer.ticket.data, channel.answer.ticket.size, hash);
	assert_memory_equal(verdict->ticket_hash, hash, 32);
	assert_memory_equal(verdict->facts.sgx.mrenclave, verdict->certificate_facts.sgx.mrenclave, 32);
	assert_memory_equal(verdict->facts.report_data, channel.fresh_evidence.report + 320, 64);
	assert_string_equal(verdict->warning, "");
	attest_verdict_free(verdict);
}

/* 1, 2, 4, 5: other nonce, connection, key, instance or ticket: one name for all. */
static void test_binding(void **state)
{
	uint8_t *const values[] = {channel.nonce, channel.exporter};

	(void)state;
	test_channel_build(&channel);
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		values[i][31] ^= 1;
		test_expect_fresh(&channel, "fresh-binding");
		values[i][31] ^= 1;
	}
	test_expect_fresh(&channel, "none");
	memset(channel.exporter, 0, 32);
	test_expect_fresh(&channel, "fresh-binding");
	again();
	for (size_t i = 0; i < 4; i++) {
		struct fresh_claim claim;

		test_channel_build(&channel);
		claim = channel.claim;
		again();
		channel.claim = claim;
		channel.keep_claim = true;
		if (i > 0)
			(i == 1   ? channel.claim.identity
			 : i == 2 ? channel.claim.instance
				  : channel.claim.ticket_hash)[0] ^= 1;
		expect(i == 0 ? "none" : "fresh-binding");
	}
	/* The ticket swapped after the quote was made. */
	channel.fresh.owner_key = NULL;
	test_channel_build(&channel);
	channel.answer.ticket.data[150] ^= 1;
	test_channel_format(&channel);
	channel.fresh.owner_key = NULL;
	test_expect_fresh(&channel, "fresh-binding");
}

/* 3, 21: somebody in the middle with a key of his own. */
static void test_tls_key(void **state)
{
	(void)state;
	test_channel_build(&channel);
	channel.tls_key[0] ^= 1;
	test_expect_fresh(&channel, "tls-key");
	again();
	channel.instance.tls = INSTANCE_TLS_OWNER;
	channel.expected.tls = "owner";
	test_channel_build(&channel);
	test_expect_fresh(&channel, "none");
	channel.tls_key[0] ^= 1;
	test_expect_fresh(&channel, "fresh-binding");
	/* While it waits for its keys, it shows the certificate's. */
	again();
	channel.instance.tls = INSTANCE_TLS_OWNER;
	channel.expected.tls = "owner";
	channel.declared_role = channel.claim.role = ATTEST_ROLE_CONFIGURATION;
	test_channel_build(&channel);
	channel.fresh.role = ATTEST_ROLE_CONFIGURATION;
	test_expect_fresh(&channel, "none");
	channel.tls_key[0] ^= 1;
	test_expect_fresh(&channel, "tls-key");
}

/* The TEE that the answer names is the one that its evidence is of. */
static void test_declared_tee(void **state)
{
	static const enum message_tee OTHERS[] = {MESSAGE_TEE_TDX, MESSAGE_TEE_SIM};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(OTHERS); i++) {
		channel.declared_tee = OTHERS[i];
		expect("attest-malformed");
	}
	channel.declared_tee = MESSAGE_TEE_SNP; /* read as a report then, which it is not */
	expect("malformed");
	test_channel_build(&channel);
	channel.policy.simulation_roots = &(struct attest_bytes){channel.certificate_evidence.root_der.data,
								 channel.certificate_evidence.root_der.size};
	channel.policy.simulation_root_count = 1;
	test_expect_fresh(&channel, "attest-malformed"); /* simulated, and does not say so */
	channel.answer.tee = MESSAGE_TEE_SIM;
	test_channel_format(&channel);
	test_expect_fresh(&channel, "none");
}

/* 8. */
static void test_role(void **state)
{
	(void)state;
	channel.declared_role = channel.claim.role = ATTEST_ROLE_CONFIGURATION;
	expect("role");
	channel.declared_role = channel.claim.role = 3;
	expect("role");
	channel.claim.role = ATTEST_ROLE_CONFIGURATION; /* it says 2 and is not */
	expect("fresh-binding");
	channel.claim.role = 3; /* one's own evidence sent back */
	expect("fresh-binding");
	channel.declared_role = channel.claim.role = ATTEST_ROLE_CONFIGURATION;
	channel.with_ticket = false;
	test_channel_build(&channel);
	channel.fresh.role = ATTEST_ROLE_CONFIGURATION;
	test_expect_fresh(&channel, "none"); /* waiting enclaves have no ticket yet */
}

/* 9. */
static void test_batches(void **state)
{
	static const size_t SIZES[] = {2, 3, 1024};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(SIZES); i++) {
		channel.batch = SIZES[i];
		expect("none");
		channel.batch = SIZES[i];
		test_channel_build(&channel);
		channel.answer.index ^= 1;
		test_channel_format(&channel);
		test_expect_fresh(&channel, "fresh-binding");
		channel.answer.index ^= 1;
		channel.answer.path[0][5] ^= 1;
		test_channel_format(&channel);
		test_expect_fresh(&channel, "fresh-binding");
		again();
	}
}

/* 10. */
static void test_proof(void **state)
{
	(void)state;
	channel.batch = 4;
	test_channel_build(&channel);
	channel.answer.index = 4;
	test_channel_format(&channel);
	test_expect_fresh(&channel, "proof");
	channel.answer.index = 3;
	channel.answer.path_count = 1;
	test_channel_format(&channel);
	test_expect_fresh(&channel, "proof");
	channel.answer.path_count = 3;
	test_channel_format(&channel);
	test_expect_fresh(&channel, "proof");
	channel.answer.depth = 3;
	test_channel_format(&channel);
	test_expect_fresh(&channel, "fresh-binding");
	channel.answer.depth = 1;
	channel.answer.path_count = 1;
	channel.answer.index = 1;
	test_channel_format(&channel);
	test_expect_fresh(&channel, "fresh-binding");
	channel.answer.depth = 11;
	channel.answer.path_count = 11;
	test_channel_format(&channel);
	test_expect_fresh(&channel, "proof");
}

/* 11: the enclave's clock plays no part, the verifier's does. */
static void test_age(void **state)
{
	static const int64_t DAYS[] = {-400, -2, 2, 400};

	(void)state;
	test_channel_build(&channel);
	channel.fresh.elapsed_ms = 30000;
	test_expect_fresh(&channel, "none");
	channel.fresh.elapsed_ms = 30001;
	test_expect_fresh(&channel, "stale");
	again();
	for (size_t i = 0; i < COUNT_OF(DAYS); i++) {
		channel.cert.not_before += DAYS[i] * TEST_DAY;
		channel.cert.not_after += DAYS[i] * TEST_DAY;
		expect("none");
	}
}

/* 12. */
static void test_certificate(void **state)
{
	(void)state;
	channel.cert.break_signature = true;
	expect("ratls-certificate");
	channel.expected.domain = "other.mse.localhost";
	expect("instance-field:domain");
	channel.no_instance = true;
	expect("instance-missing");
}

/* 13. */
static void test_ticket(void **state)
{
	uint8_t seed[32] = {1};

	(void)state;
	channel.with_ticket = false;
	expect("ticket-missing");
	memcpy(channel.owner_seed, seed, 32); /* another owner's */
	expect("ticket-signature");
	for (size_t i = 0; i < 3; i++) {
		struct ticket ticket;

		test_channel_build(&channel);
		ticket = channel.ticket;
		again();
		(i == 0 ? ticket.identity : i == 1 ? ticket.instance : ticket.fingerprint)[0] ^= 1;
		channel.ticket = ticket;
		expect("ticket-binding");
	}
	test_channel_build(&channel);
	channel.fresh.tickets_from = TEST_TIME - 100;
	test_expect_fresh(&channel, "none");
	channel.fresh.tickets_from = TEST_TIME - 99;
	test_expect_fresh(&channel, "ticket-older");
	channel.fresh.tickets_from = 0;
	channel.fresh.deployed_seen = TEST_TIME - 99;
	test_expect_fresh(&channel, "ticket-older");
	channel.fresh.deployed_seen = TEST_TIME - 100;
	test_expect_fresh(&channel, "none");
	again();
	channel.with_ticket = false; /* no owner key to check against: as its host told it */
	test_channel_build(&channel);
	channel.fresh.owner_key = NULL;
	test_expect_fresh(&channel, "none");
}

static void expect_deployed(const char *error, uint64_t deployed, int64_t wanted)
{
	const uint8_t seed[32] = {1};
	struct attest_verdict *verdict;

	channel.ticket.deployed = deployed;
	if (strcmp(error, "ticket-signature") == 0)
		memcpy(channel.owner_seed, seed, sizeof(seed)); /* another owner's */
	test_channel_build(&channel);
	verdict = test_channel_fresh(&channel);
	assert_string_equal(verdict->error_text, error);
	assert_int_equal(verdict->deployed, wanted);
	attest_verdict_free(verdict);
	again();
}

/* Said only where the owner signed it, and as a date that texts can have. */
static void test_deployed(void **state)
{
	struct ticket ticket;

	(void)state;
	expect_deployed("none", TEST_TIME, TEST_TIME);
	expect_deployed("none", UINT64_MAX, INT64_C(253402300799));
	expect_deployed("ticket-signature", TEST_TIME, 0);
	expect_deployed("ticket-signature", UINT64_MAX, 0);
	test_channel_build(&channel);
	ticket = channel.ticket;
	again();
	ticket.identity[0] ^= 1;
	channel.ticket = ticket;
	expect_deployed("ticket-binding", TEST_TIME, 0);
}

static void test_recorded_identity(void **state)
{
	uint8_t identity[64];

	(void)state;
	test_channel_build(&channel);
	memcpy(identity, channel.certificate_evidence.report + 320, 64);
	channel.fresh.identity = identity;
	test_expect_fresh(&channel, "none");
	identity[63] ^= 1;
	test_expect_fresh(&channel, "identity-changed");
}

/* 14: the answer cut short, and other breakages of its form. Base64 in the middle of it is all alike. */
static void test_malformed(void **state)
{
	size_t size;

	(void)state;
	test_channel_build(&channel);
	size = channel.body.size;
	for (size_t cut = 1; cut < size; cut += cut < 300 || cut + 300 > size ? 1 : 41) {
		channel.body.size = cut;
		test_expect_fresh(&channel, "attest-malformed");
	}
	channel.body.size = size;
	{
		char *version = strstr((char *)channel.body.data, "\"version\":1");

		version[10] = '2';
		test_expect_fresh(&channel, "attest-version");
		memcpy(version, "\"role\":2   ", 11);
		test_expect_fresh(&channel, "attest-malformed");
	}
}

/* 15: the certificate's quote in place of a fresh one. */
static void test_old_quote(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	test_channel_build(&channel);
	buf_clear(&channel.answer.quote);
	assert_ok(buf_add(&channel.answer.quote, channel.certificate_evidence.quote.data,
			  channel.certificate_evidence.quote.size, &err),
		  &err);
	test_channel_format(&channel);
	test_expect_fresh(&channel, "fresh-tag");
}

/* 18. */
static void test_fresh_quote_is_judged(void **state)
{
	struct attest_measurement measurement = {.size = 32};

	(void)state;
	channel.fresh_evidence.report[48] |= 2;
	expect("debug");
	channel.fresh_evidence.report[64] ^= 1;
	expect("measurement"); /* of another release than the certificate's */
	channel.fresh_evidence.pck.components[0] = 6;
	expect("tcb-status");
	channel.fresh_evidence.root.break_signature = true;
	expect("chain-invalid");
	channel.certificate_evidence.report[48] |= 2;
	expect("debug");
	test_channel_build(&channel);
	channel.policy.measurements = &measurement;
	channel.policy.measurement_count = 1;
	test_expect_fresh(&channel, "measurement");
}

/* MRTD that reads like the certificate's MRENCLAVE is none. */
static void test_measurement_of_another_tee(void **state)
{
	struct attest_verdict *verdict;

	(void)state;
	test_evidence_init_kind(&channel.fresh_evidence, TEST_TDX_V4);
	memset(test_evidence_body(&channel.fresh_evidence) + 136, 0, 48);
	memcpy(test_evidence_body(&channel.fresh_evidence) + 136, channel.certificate_evidence.report + 64, 32);
	channel.declared_tee = MESSAGE_TEE_TDX;
	test_channel_build(&channel);
	verdict = test_channel_fresh(&channel);
	assert_int_equal(test_find_check(verdict, "fresh.same-measurement")->error, ATTEST_ERROR_MEASUREMENT);
	attest_verdict_free(verdict);
}

/* The certificate's quote may be of before an update: it is reported, with a warning. */
static void test_older_certificate(void **state)
{
	struct attest_verdict *verdict;

	(void)state;
	channel.certificate_evidence.pck.components[0] = 6;
	test_channel_build(&channel);
	verdict = test_channel_fresh(&channel);
	assert_string_equal(verdict->error_text, "none");
	assert_int_equal(verdict->certificate_facts.tcb_status, ATTEST_TCB_OUT_OF_DATE);
	assert_int_equal(verdict->facts.tcb_status, ATTEST_TCB_UP_TO_DATE);
	assert_non_null(strstr(verdict->warning, "older TCB"));
	attest_verdict_free(verdict);
	again();
	channel.certificate_evidence.pck.components[0] = 4; /* but not Revoked */
	expect("tcb-revoked");
}

/* What a policy asks of the platform is asked of the fresh quote: the certificate's was of before the update. */
static void test_platform_of_older_certificate(void **state)
{
	static const uint8_t LEAST[16] = {5, 1, 3};
	const struct attest_policy_tdx tdx = {.tee_tcb_svn_min = LEAST};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		test_evidence_init_kind(&channel.certificate_evidence, TEST_TDX_V4);
		test_evidence_init_kind(&channel.fresh_evidence, TEST_TDX_V4);
		channel.declared_tee = MESSAGE_TEE_TDX;
		channel.quote_oid = RATLS_TDX_OID;
		channel.policy.tdx = &tdx;
		if (i > 0) /* TEE_TCB_SVN[2] */
			test_evidence_body(i == 1 ? &channel.certificate_evidence : &channel.fresh_evidence)[2] = 2;
		expect(i == 2 ? "tcb-status" : "none");
	}
}

/* 29. */
static void test_machine(void **state)
{
	struct attest_verdict *verdict;
	struct attest_policy_machine machine = {.kind = ATTEST_MACHINE_PPID, .id = {.size = 32}};

	(void)state;
	channel.fresh_evidence.pck.ppid[0] ^= 1;
	channel.fresh_evidence.pck_cert.serial = 100;
	channel.instance.tls = INSTANCE_TLS_OWNER;
	channel.expected.tls = "owner";
	expect("machine-changed");
	channel.fresh_evidence.pck.ppid[0] ^= 1;
	test_channel_build(&channel);
	channel.tls_key[5] ^= 1;
	test_expect_fresh(&channel, "tls-key");
	again();
	test_channel_build(&channel);
	verdict = test_channel_fresh(&channel);
	memcpy(machine.id.data, verdict->facts.machine.data, 32);
	attest_verdict_free(verdict);
	channel.policy.machines = &machine;
	channel.policy.machine_count = 1;
	test_expect_fresh(&channel, "none");
	machine.id.data[31] ^= 1;
	test_expect_fresh(&channel, "machine");
}

static void test_needs(void **state)
{
	struct buf spaced = BUF_INIT(1u << 20);
	struct attest_needs needs;
	const char *why = NULL;
	struct err err = ERR_INIT;
	struct attest_bytes bytes;

	(void)state;
	test_channel_build(&channel);
	bytes = (struct attest_bytes){channel.body.data, channel.body.size};
	assert_int_equal(attest_needs(&bytes, &needs, &why), 0);
	assert_string_equal(needs.fmspc, "30606a000000");
	assert_string_equal(needs.ca, "platform");
	assert_false(needs.simulated);
	test_must(buf_add_text(&spaced, "\n ", &err), &err);
	test_must(buf_add(&spaced, bytes.data, bytes.size, &err), &err);
	assert_int_equal(attest_needs(&(struct attest_bytes){spaced.data, spaced.size}, &needs, &why), 0);
	assert_string_equal(needs.ca, "platform");
	buf_done(&spaced);
	bytes.size /= 2;
	assert_int_equal(attest_needs(&bytes, &needs, &why), -1);
	assert_int_equal(attest_needs(&(struct attest_bytes){0}, &needs, &why), -1);
	assert_int_equal(attest_needs(NULL, &needs, &why), -1);
	assert_int_equal(attest_needs(&(struct attest_bytes){NULL, 8}, &needs, &why), -1);
	assert_int_equal(attest_needs(&(struct attest_bytes){(const uint8_t *)"", 0}, &needs, &why), -1);
	bytes.size = channel.body.size;
	assert_int_equal(attest_needs(&bytes, NULL, &why), -1);
	assert_int_equal(attest_needs(&bytes, &needs, NULL), -1);
}

static void test_missing_arguments(void **state)
{
	const struct attest_collateral_bytes none = {0};
	const struct attest_bytes garbage = {(const uint8_t *)"garbage", 7};
	const struct attest_roots unreadable = {.hardware = &garbage, .hardware_count = 1};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = NULL;

	(void)state;
	test_channel_build(&channel);
	channel.fresh.answer = (struct attest_bytes){channel.body.data, channel.body.size};
	assert_int_equal(attest_collateral_new(&none, &collateral, &why), 0);
	for (size_t i = 0; i < 8; i++) {
		struct attest_fresh fresh = channel.fresh;

		if (i == 0)
			fresh.nonce = NULL;
		else if (i == 1)
			fresh.exporter = NULL;
		else if (i == 2)
			fresh.tls_key = NULL;
		else if (i == 3)
			fresh.instance = NULL;
		else if (i == 4)
			fresh.role = 3;
		else if (i == 5)
			fresh.answer = (struct attest_bytes){0};
		else if (i == 6)
			fresh.answer.data = NULL;
		else
			fresh.answer.size = 0;
		assert_int_equal(attest_verify_fresh(&fresh, collateral, NULL, TEST_TIME, NULL, &verdict, &why), -1);
	}
	assert_int_equal(attest_verify_fresh(NULL, collateral, NULL, TEST_TIME, NULL, &verdict, &why), -1);
	assert_int_equal(attest_verify_fresh(&channel.fresh, NULL, NULL, TEST_TIME, NULL, &verdict, &why), -1);
	assert_int_equal(attest_verify_fresh(&channel.fresh, collateral, &unreadable, TEST_TIME, NULL, &verdict, &why),
			 -1);
	assert_string_equal(why, "a root certificate cannot be read");
	assert_null(verdict);
	attest_collateral_free(collateral);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_good),
	    TEST(test_binding),
	    TEST(test_tls_key),
	    TEST(test_declared_tee),
	    TEST(test_role),
	    TEST(test_batches),
	    TEST(test_proof),
	    TEST(test_age),
	    TEST(test_certificate),
	    TEST(test_ticket),
	    TEST(test_deployed),
	    TEST(test_recorded_identity),
	    TEST(test_malformed),
	    TEST(test_old_quote),
	    TEST(test_fresh_quote_is_judged),
	    TEST(test_measurement_of_another_tee),
	    TEST(test_older_certificate),
	    TEST(test_platform_of_older_certificate),
	    TEST(test_machine),
	    TEST(test_needs),
	    TEST(test_missing_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
