/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated evidence: known by its marker under whatever root, refused unless the policy allows that exact root. */
#include "unit.h"

#include <jansson.h>
#include <string.h>

#include "attest/trust.h"
#include "tee/sim_quote.h"
#include "test_judge.h"

static struct sim_pki *pki;
static struct buf chain, signer_chain, quote;
static struct test_question question;
static struct attest_bytes sim_root;

static struct attest_bytes bytes_of(const struct buf *buf)
{
	return (struct attest_bytes){buf->data, buf->size};
}

/* What mse-sim makes, and a question that trusts no root at all besides Intel's. */
static void make(const struct sim_pki_options *options)
{
	static const uint8_t MRENCLAVE[32] = {1, 2, 3};
	struct err err = ERR_INIT;

	sim_pki_free(pki);
	pki = NULL;
	buf_done(&signer_chain);
	buf_done(&quote);
	signer_chain = BUF_INIT(1u << 20);
	quote = BUF_INIT(1u << 20);
	memset(question.report_data, 0x44, 64);
	assert_ok(sim_pki_new(options, TEST_TIME, &pki, &err), &err);
	assert_ok(sim_pki_chain_pem(pki, SIM_CERT_TCB_SIGNER, &signer_chain, &err), &err);
	assert_ok(sim_quote_make(pki, MRENCLAVE, 0, 0, question.report_data, &quote, &err), &err);
	question = (struct test_question){
	    .time = TEST_TIME,
	    .quote = bytes_of(&quote),
	    .collateral =
		{
		    .tcb_info = bytes_of(sim_pki_item(pki, SIM_ITEM_TCB_INFO)),
		    .tcb_info_issuer_chain = bytes_of(&signer_chain),
		    .qe_identity = bytes_of(sim_pki_item(pki, SIM_ITEM_QE_IDENTITY)),
		    .qe_identity_issuer_chain = bytes_of(&signer_chain),
		    .root_ca_crl = bytes_of(sim_pki_item(pki, SIM_ITEM_ROOT_CRL)),
		    .pck_crl = bytes_of(sim_pki_item(pki, SIM_ITEM_PCK_CRL)),
		},
	};
	memset(question.report_data, 0x44, 64);
	sim_root = bytes_of(sim_pki_cert(pki, SIM_CERT_ROOT));
}

static void allow(struct attest_bytes *root)
{
	question.policy.simulation_roots = root;
	question.policy.simulation_root_count = 1;
}

static int teardown(void **state)
{
	(void)state;
	sim_pki_free(pki);
	pki = NULL;
	buf_done(&chain);
	buf_done(&signer_chain);
	buf_done(&quote);
	return 0;
}

static void test_refused_unless_told(void **state)
{
	struct attest_verdict *verdict;

	(void)state;
	make(NULL);
	test_expect(&question, "simulated");
	verdict = test_judge(&question);
	assert_true(verdict->simulated);
	attest_verdict_free(verdict);
}

/* A marked root is refused as a root of hardware: nothing is judged. */
static void test_marked_root_as_hardware(void **state)
{
	const struct attest_roots roots = {.hardware = &sim_root, .hardware_count = 1};
	const struct attest_evidence evidence = {.quote = question.quote};
	const struct attest_binding binding = {.report_data = {question.report_data, 64}};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = NULL;

	(void)state;
	make(NULL);
	assert_int_equal(attest_collateral_new(&question.collateral, &collateral, &why), 0);
	assert_int_equal(
	    attest_verify(&evidence, &binding, collateral, &roots, TEST_TIME, &question.policy, &verdict, &why), -1);
	assert_non_null(strstr(why, "marker"));
	assert_null(verdict);
	attest_collateral_free(collateral);
}

/* The test CA's root without the marker, as its maker could issue it for the same key. */
static void trust_twin(struct buf *twin)
{
	struct test_evidence plain;

	test_evidence_init(&plain);
	test_cert_make(&plain.root, twin);
	test_evidence_done(&plain);
	question.root = bytes_of(twin);
}

/* The marker counts however the root came to be trusted: here as hardware, by its key. */
static void test_marker_under_trusted_key(void **state)
{
	struct test_evidence e;
	struct buf twin = BUF_INIT(0);
	struct attest_verdict *verdict;

	(void)state;
	test_evidence_init(&e);
	test_evidence_mark_simulated(&e);
	test_evidence_build(&e);
	test_question_init(&question, &e);
	trust_twin(&twin);
	test_expect(&question, "simulated");
	verdict = test_judge(&question);
	assert_true(verdict->simulated);
	assert_int_equal(test_find_check(verdict, "root")->result, ATTEST_PASSED);
	attest_verdict_free(verdict);
	test_evidence_done(&e);
	buf_done(&twin);
}

static void test_allowed_with_its_root(void **state)
{
	struct attest_verdict *verdict;
	char *text;
	json_t *json;

	(void)state;
	make(NULL);
	allow(&sim_root);
	test_expect(&question, "none");
	verdict = test_judge(&question);
	assert_true(verdict->simulated);
	assert_true(verdict->facts.debug);
	assert_non_null(strstr(test_find_check(verdict, "debug")->text, "simulation"));
	text = attest_verdict_text(verdict);
	assert_int_equal(strncmp(text, "SIMULATED: no hardware protects this\nACCEPTED", 45), 0);
	free(text);
	text = attest_verdict_json(verdict);
	assert_int_equal(strncmp(text, "{\n  \"notice\": \"SIMULATED: no hardware protects this\"", 52), 0);
	json = json_loads(text, 0, NULL);
	assert_true(json_is_true(json_object_get(json, "simulated")));
	assert_string_equal(json_string_value(json_object_get(json, "verdict")), "accept");
	json_decref(json);
	free(text);
	attest_verdict_free(verdict);
}

static void test_another_root(void **state)
{
	struct sim_pki *other = NULL;
	struct attest_bytes other_root;
	struct err err = ERR_INIT;

	(void)state;
	make(NULL);
	assert_ok(sim_pki_new(NULL, TEST_TIME, &other, &err), &err);
	other_root = bytes_of(sim_pki_cert(other, SIM_CERT_ROOT));
	allow(&other_root);
	test_expect(&question, "simulated");
	sim_pki_free(other);
}

/* A look-alike of hardware: no marker. Its root makes it a simulation all the same, and without it it is nothing. */
static void test_without_marker(void **state)
{
	struct sim_pki_options options = SIM_PKI_OPTIONS_INIT;
	struct attest_verdict *verdict;

	(void)state;
	options.no_marker = true;
	make(&options);
	test_expect(&question, "root-untrusted");
	allow(&sim_root);
	verdict = test_judge(&question);
	assert_true(verdict->accepted);
	assert_true(verdict->simulated);
	attest_verdict_free(verdict);
}

/* The exact certificate, not merely its key. */
static void test_exact_root(void **state)
{
	struct test_evidence e;
	struct test_cert again;
	struct buf der = BUF_INIT(0);
	struct buf twin = BUF_INIT(0);
	struct attest_bytes root;

	(void)state;
	test_evidence_init(&e);
	test_evidence_mark_simulated(&e);
	test_evidence_build(&e);
	test_question_init(&question, &e);
	root = question.root;
	trust_twin(&twin);
	test_expect(&question, "simulated");
	allow(&root);
	test_expect(&question, "none");
	again = e.root;
	again.serial = 99;
	test_cert_make(&again, &der);
	root = bytes_of(&der);
	test_expect(&question, "simulated");
	buf_done(&der);
	buf_done(&twin);
	test_evidence_done(&e);
}

/* The marker in one certificate of the chain is enough. */
static void test_marker_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct test_evidence e;
		struct buf twin = BUF_INIT(0);
		struct test_cert *const certs[] = {&e.root, &e.ca, &e.pck_cert, &e.signer};

		test_evidence_init(&e);
		test_cert_add_extension(certs[i], TRUST_SIMULATION_OID, false, "", 0);
		test_evidence_build(&e);
		test_question_init(&question, &e);
		trust_twin(&twin);
		test_expect(&question, "simulated");
		test_evidence_done(&e);
		buf_done(&twin);
	}
}

/* In one of the two chains of the collateral too. */
static void test_marker_in_collateral(void **state)
{
	struct test_evidence plain, marked;

	(void)state;
	test_evidence_init(&plain);
	test_evidence_build(&plain);
	test_evidence_init(&marked);
	test_cert_add_extension(&marked.signer, TRUST_SIMULATION_OID, false, "", 0);
	test_evidence_build(&marked); /* with the same keys */
	test_question_init(&question, &plain);
	test_expect(&question, "none");
	question.collateral.tcb_info_issuer_chain = bytes_of(&marked.signer_chain);
	test_expect(&question, "simulated");
	test_question_init(&question, &plain);
	question.collateral.qe_identity_issuer_chain = bytes_of(&marked.signer_chain);
	test_expect(&question, "simulated");
	test_evidence_done(&plain);
	test_evidence_done(&marked);
}

/* DEBUG is allowed because the simulation is, and not otherwise; status and revocation count as for hardware. */
static void test_nothing_else_is_looser(void **state)
{
	struct sim_pki_options options = SIM_PKI_OPTIONS_INIT;

	(void)state;
	options.revoke_pck = true;
	make(&options);
	allow(&sim_root);
	test_expect(&question, "pck-revoked");
	options.revoke_pck = false;
	options.tcb_levels[0] = (struct sim_tcb_level){.status = "OutOfDate", .date = "2020-01-01T00:00:00Z"};
	options.tcb_level_count = 1;
	make(&options);
	allow(&sim_root);
	test_expect(&question, "tcb-status");
	question.report_data[0] ^= 1;
	question.policy.exceptions = &(struct attest_exception){
	    .reason = "x", .until = TEST_TIME, .tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_OUT_OF_DATE)};
	question.policy.exception_count = 1;
	test_expect(&question, "binding");
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_refused_unless_told),
	    TEST(test_marked_root_as_hardware),
	    TEST(test_marker_under_trusted_key),
	    TEST(test_allowed_with_its_root),
	    TEST(test_another_root),
	    TEST(test_without_marker),
	    TEST(test_exact_root),
	    TEST(test_marker_anywhere),
	    TEST(test_marker_in_collateral),
	    TEST(test_nothing_else_is_looser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
