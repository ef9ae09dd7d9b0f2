/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fresh evidence of SEV-SNP: the certificate's report may be of an older TCB, under another VCEK, which it then brings
 * along; the machine is the same and has a name.
 */
#include "unit.h"

#include <string.h>

#include "amd_judge.h"
#include "attest/ratls.h"
#include "crypto/hash.h"
#include "der_write.h"
#include "format/snp_extension.h"
#include "test_channel.h"

#define DER_MAX (64u << 10)
#define ALL (1 << SNP_CERT_ARK | 1 << SNP_CERT_ASK | 1 << SNP_CERT_VCEK | 1 << SNP_CERT_VLEK)

static struct test_channel channel;
static struct amd_evidence old, now; /* of the certificate, of the answer */

static void begin(bool vlek)
{
	test_channel_init(&channel);
	amd_evidence_init(&old, SNP_PRODUCT_MILAN, 5, vlek);
	amd_evidence_init(&now, SNP_PRODUCT_MILAN, 5, vlek);
	memset(old.report + 0x0c0, 0, 32); /* HOST_DATA */
	memset(now.report + 0x0c0, 0, 32);
}

static int setup(void **state)
{
	(void)state;
	begin(false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	test_channel_done(&channel);
	amd_evidence_done(&old);
	amd_evidence_done(&now);
	return 0;
}

/* which: bits of enum snp_cert_kind that the certificate carries; -1: none. */
static void build_certificate(int which)
{
	struct buf san = BUF_INIT(DER_MAX);
	struct err err = ERR_INIT;
	uint8_t point[65];

	p256_point(test_key(channel.cert.key), point);
	sha256(point, sizeof(point), old.report + AMD_AT_REPORT_DATA);
	memset(old.report + AMD_AT_REPORT_DATA + 32, 0x99, 32);
	amd_evidence_build(&old);
	amd_evidence_table(&old, which);
	der_put(&san, 0x82, channel.instance.domain, strlen(channel.instance.domain));
	der_wrap(&san, 0, 0x30);
	assert_ok(instance_format(&channel.instance, &channel.instance_document, &err), &err);
	test_cert_add_extension(&channel.cert, "2.5.29.17", false, san.data, san.size);
	test_cert_add_extension(&channel.cert, RATLS_SNP_OID, false, old.extension.data, old.extension.size);
	test_cert_add_extension(&channel.cert, RATLS_INSTANCE_OID, false, channel.instance_document.data,
				channel.instance_document.size);
	test_cert_make(&channel.cert, &channel.cert_der);
	assert_ok(p256_spki_sha256(test_key(channel.cert.key), channel.tls_key, &err), &err);
	buf_done(&san);
}

static void build_answer(void)
{
	struct fresh_claim *claim = &channel.claim;
	struct fresh_tree *tree = NULL;
	struct err err = ERR_INIT;
	uint8_t leaf[1][32];

	memcpy(claim->nonce, channel.nonce, 32);
	memcpy(claim->exporter, channel.exporter, 32);
	memcpy(claim->tls_key, channel.tls_key, 32);
	memcpy(claim->identity, old.report + AMD_AT_REPORT_DATA, 64);
	sha256(channel.instance_document.data, channel.instance_document.size, claim->instance);
	fresh_leaf(claim, leaf[0]);
	assert_ok(fresh_tree_new((const uint8_t(*)[32])leaf, 1, &tree, &err), &err);
	fresh_tree_report_data(tree, now.report + AMD_AT_REPORT_DATA);
	fresh_tree_free(tree);
	amd_evidence_build(&now);
	channel.answer.role = ATTEST_ROLE_APPLICATION;
	channel.answer.tee = MESSAGE_TEE_SNP;
	assert_ok(buf_add(&channel.answer.quote, now.report, AMD_REPORT_SIZE, &err), &err);
	assert_ok(buf_add(&channel.answer.certificate, channel.cert_der.data, channel.cert_der.size, &err), &err);
	test_channel_format(&channel);
}

/* The collateral is that of the fresh report. */
static struct attest_verdict *ask(void)
{
	const struct attest_fresh fresh = {.answer = {channel.body.data, channel.body.size},
					   .nonce = channel.nonce,
					   .exporter = channel.exporter,
					   .tls_key = channel.tls_key,
					   .role = ATTEST_ROLE_APPLICATION,
					   .instance = &channel.expected};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	struct amd_question question;
	const char *why = "";

	amd_question_init(&question, &now);
	if (attest_collateral_new(&question.collateral, &collateral, &why) < 0 ||
	    attest_verify_fresh(&fresh, collateral, &(struct attest_roots){&question.root, 1, false}, AMD_TIME,
				&channel.policy, &verdict, &why) < 0)
		fail_msg("no verdict: %s", why);
	attest_collateral_free(collateral);
	return verdict;
}

static void expect(int which, const char *error)
{
	build_certificate(which);
	build_answer();
	test_expect_verdict(ask(), error);
	IGNORE_RESULT(teardown(NULL));
	begin(false);
}

static void test_good(void **state)
{
	(void)state;
	expect(-1, "none");
	expect(ALL, "none");
}

/* Made under one microcode, asked under the next: a VCEK is of one TCB, so there are two. */
static void lower(struct amd_evidence *evidence)
{
	evidence->kds.spl[8]--;
	evidence->report[AMD_AT_REPORTED_TCB + 7]--;
}

static void test_older_key_is_carried(void **state)
{
	(void)state;
	lower(&old);
	expect(ALL, "none");
	lower(&old); /* the collateral's VCEK is the newer one */
	expect(-1, "tcb-mismatch");
}

/* What a policy asks of the platform is asked of the fresh report. */
static void test_minimum(void **state)
{
	struct attest_policy_snp snp = {.require_committed = true};

	(void)state;
	snp.tcb_min.microcode = now.report[AMD_AT_REPORTED_TCB + 7];
	channel.policy.snp = &snp;
	lower(&old);
	old.report[AMD_AT_COMMITTED_TCB + 7]--; /* provisional then */
	expect(ALL, "none");
	channel.policy.snp = &snp;
	lower(&now);
	expect(ALL, "tcb-status");
}

static void test_machine(void **state)
{
	(void)state;
	old.kds.hwid[0] ^= 1;
	old.report[AMD_AT_CHIP_ID] ^= 1;
	expect(ALL, "machine-changed");
}

/* A VLEK is of no one chip: reports under it that mask CHIP_ID could be of two machines. */
static void test_masked_chip(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		IGNORE_RESULT(teardown(NULL));
		begin(true);
		memset(old.report + AMD_AT_CHIP_ID, i & 1 ? 0x77 : 0, 64);
		memset(now.report + AMD_AT_CHIP_ID, i & 2 ? 0x77 : 0, 64);
		build_certificate(ALL);
		build_answer();
		test_expect_verdict(ask(), i == 3 ? "none" : "machine-changed");
	}
}

static void test_declared_tee(void **state)
{
	(void)state;
	build_certificate(ALL);
	build_answer();
	channel.answer.tee = MESSAGE_TEE_SGX;
	test_channel_format(&channel);
	{
		struct attest_verdict *verdict = ask();

		assert_false(verdict->accepted);
		attest_verdict_free(verdict);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_good),    TEST(test_older_key_is_carried), TEST(test_minimum),
	    TEST(test_machine), TEST(test_masked_chip),          TEST(test_declared_tee),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
