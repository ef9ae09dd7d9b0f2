/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation of ours failing in turn: then there is no verdict at all, or the right one; never one that takes good
 * evidence for bad or bad for good because memory ran out. (malloc and its like are wrapped at link time.)
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "failing_memory.h"
#include "test_channel.h"

static struct test_channel channel;
static struct test_question question;

static int setup(void **state)
{
	(void)state;
	test_channel_init(&channel);
	test_channel_build(&channel);
	test_question_init(&question, &channel.certificate_evidence);
	channel.fresh.answer = (struct attest_bytes){channel.body.data, channel.body.size};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	test_channel_done(&channel);
	return 0;
}

/* The bare quote of test_tdx, the certificate of test_certificate; both NULL: the fresh answer. */
static const struct attest_evidence *bare;
static const struct attest_certificate *certificate;

static int verify(const struct attest_collateral *collateral, const struct attest_roots *roots,
		  struct attest_verdict **ret_verdict, const char **ret_why)
{
	const struct attest_binding binding = {.report_data = {question.report_data, sizeof(question.report_data)}};

	if (certificate)
		return attest_verify_certificate(certificate, collateral, roots, TEST_TIME, NULL, ret_verdict, ret_why);
	if (bare)
		return attest_verify(bare, &binding, collateral, roots, TEST_TIME, NULL, ret_verdict, ret_why);
	return attest_verify_fresh(&channel.fresh, collateral, roots, TEST_TIME, NULL, ret_verdict, ret_why);
}

/* 0: a verdict, whose error is `error`; -1: none. */
static int ask(const char *error)
{
	const struct attest_roots roots = {.hardware = &question.root, .hardware_count = 1};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = NULL;
	char seen[ATTEST_NAME_SIZE] = "";
	int result = attest_collateral_new(&question.collateral, &collateral, &why);

	if (result == 0)
		result = verify(collateral, &roots, &verdict, &why);
	IGNORE_RESULT(memory_recover());
	attest_collateral_free(collateral);
	if (result < 0) {
		assert_null(verdict);
		assert_string_equal(why, "out of memory");
		return -1;
	}
	memcpy(seen, verdict->error_text, sizeof(seen));
	attest_verdict_free(verdict);
	assert_string_equal(seen, error);
	return 0;
}

static int ask_for(void *error)
{
	return ask(error);
}

static void each_allocation(const char *error)
{
	memory_fail_each(20, ask_for, (void *)(uintptr_t)error);
}

static void test_good(void **state)
{
	(void)state;
	each_allocation("none");
}

static void test_bad(void **state)
{
	(void)state;
	channel.exporter[0] ^= 1;
	each_allocation("fresh-binding");
}

/* As that of any maker: the certificate is read by another parser, its key verified by another function. */
static void test_certificate(void **state)
{
	const struct attest_certificate any = {.certificate = {channel.cert_der.data, channel.cert_der.size}};

	(void)state;
	certificate = &any;
	each_allocation("none");
	certificate = NULL;
}

/* A policy is there whole, or not at all. */
static void test_policy(void **state)
{
	static const char TEXT[] =
	    "{\"version\":1,\"advisories\":[\"a\",\"b\"],\"measurements\":["
	    "\"0000000000000000000000000000000000000000000000000000000000000000\"],"
	    "\"sgx\":{\"isvprodid\":1,\"isvfamilyid\":\"00000000000000000000000000000000\"},"
	    "\"deny\":[{\"reason\":\"x\",\"fmspc\":\"000000000000\"}],\"simulation_roots\":[\"x\"],"
	    "\"exceptions\":[{\"reason\":\"x\",\"until\":\"2026-06-01T00:00:00Z\",\"advisories\":[\"c\"]}]}";
	const struct attest_bytes bytes = {(const uint8_t *)TEXT, strlen(TEXT)};
	int result = -1;

	(void)state;
	for (long i = 0; result < 0; i++) {
		struct attest_policy *policy = NULL;
		char why[ATTEST_TEXT_SIZE] = "";

		memory_fail_after(i);
		result = attest_policy_parse(&bytes, &policy, why);
		assert_int_equal(result < 0, memory_recover());
		if (result < 0) {
			assert_null(policy);
			assert_string_equal(why, "out of memory");
		} else {
			assert_true(i > 10);
		}
		attest_policy_free(policy);
	}
}

static void judge_tdx(struct test_evidence *evidence, const char *error)
{
	struct attest_evidence quote;

	test_evidence_build(evidence);
	test_question_init(&question, evidence);
	quote = (struct attest_evidence){.quote = question.quote};
	bare = &quote;
	each_allocation(error);
	bare = NULL;
	test_evidence_done(evidence);
}

/* Modules and their levels are read; then the same where one of them is malformed. */
static void test_tdx(void **state)
{
	struct test_evidence evidence;

	(void)state;
	test_evidence_init_kind(&evidence, TEST_TDX_V5_1_5);
	judge_tdx(&evidence, "none");
	test_evidence_init_kind(&evidence, TEST_TDX_V4);
	test_replace(evidence.tcb_info_body, sizeof(evidence.tcb_info_body), "\"isvsvn\":2}", "\"isvsvn\":-1}");
	judge_tdx(&evidence, "collateral-malformed");
}

static void test_output(void **state)
{
	struct attest_verdict *verdict = test_judge(&question);
	char *text;

	(void)state;
	for (long i = 0; i < 4; i++) {
		memory_fail_after(i);
		text = attest_verdict_text(verdict);
		IGNORE_RESULT(memory_recover());
		if (text)
			assert_int_equal(strncmp(text, "ACCEPTED", 8), 0);
		free(text);
	}
	attest_verdict_free(verdict);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {TEST(test_good),   TEST(test_bad), TEST(test_certificate),
					   TEST(test_policy), TEST(test_tdx), TEST(test_output)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
