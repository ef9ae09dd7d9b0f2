/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real RA-TLS certificates, ../shared/vectors: what the verifier says of each. Skipped with a line when the folder is
 * not there; test_ratls_any.c is the twin that always runs.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "mse/attest.h"

#define FILE_MAX (1u << 20)
#define FILES 10

struct vector {
	char dir[512];
	struct buf files[FILES];
	size_t count;
	struct attest_collateral *collateral;
	struct attest_certificate question;
};

static struct attest_bytes load(struct vector *vector, const char *name)
{
	struct buf *file = &vector->files[vector->count++];
	char path[768];
	struct err err = ERR_INIT;

	*file = BUF_INIT(FILE_MAX);
	(void)snprintf(path, sizeof(path), "%s/%s", vector->dir, name);
	if (fs_read(path, file, &err) < 0)
		return (struct attest_bytes){0};
	return (struct attest_bytes){file->data, file->size};
}

static void vector_open(struct vector *vector, const char *name)
{
	const char *source = getenv("MSE_TEST_SOURCE_DIR");
	struct attest_collateral_bytes bytes = {0};
	const char *why = "";

	*vector = (struct vector){0};
	(void)snprintf(vector->dir, sizeof(vector->dir), "%s/../shared/vectors/%s", source ? source : ".", name);
	if (!fs_is_dir(vector->dir)) {
		print_message("skipped: '%s' is not there\n", vector->dir);
		skip();
	}
	vector->question.certificate = load(vector, "ratls.pem");
	bytes.tcb_info = load(vector, "tcb_info.json");
	bytes.tcb_info_issuer_chain = load(vector, "tcb_info_issuer_chain.pem");
	bytes.qe_identity = load(vector, "qe_identity.json");
	bytes.qe_identity_issuer_chain = load(vector, "qe_identity_issuer_chain.pem");
	bytes.root_ca_crl = load(vector, "root_ca_crl.der");
	bytes.pck_crl = load(vector, "pck_crl.der");
	assert_int_equal(attest_collateral_new(&bytes, &vector->collateral, &why), 0);
}

static void vector_close(struct vector *vector)
{
	attest_collateral_free(vector->collateral);
	for (size_t i = 0; i < vector->count; i++)
		buf_done(&vector->files[i]);
}

static struct attest_verdict *judge(const struct vector *vector, const char *time_text,
				    const struct attest_policy *policy)
{
	struct attest_verdict *verdict = NULL;
	struct err err = ERR_INIT;
	const char *why = "";
	int64_t time;

	assert_ok(clock_parse_utc(time_text, &time, &err), &err);
	if (attest_verify_certificate(&vector->question, vector->collateral, NULL, time, policy, &verdict, &why) < 0)
		fail_msg("%s: no verdict: %s", vector->dir, why);
	return verdict;
}

static void expect(const struct vector *vector, const char *time_text, const struct attest_policy *policy,
		   const char *error, const char *form)
{
	struct attest_verdict *verdict = judge(vector, time_text, policy);

	if (strcmp(verdict->error_text, error) != 0)
		fail_msg("%s: '%s' (%s: %s), expected '%s'", vector->dir, verdict->error_text,
			 verdict->failed ? verdict->failed->name : "", verdict->failed ? verdict->failed->text : "",
			 error);
	assert_string_equal(verdict->certificate_form, form);
	attest_verdict_free(verdict);
}

static const struct attest_check *find_check(const struct attest_verdict *verdict, const char *name)
{
	for (size_t i = 0; i < verdict->check_count; i++)
		if (strcmp(verdict->checks[i].name, name) == 0)
			return &verdict->checks[i];
	fail_msg("no check '%s'", name);
	return &verdict->checks[0];
}

/* The certificate, its binding and the TEE's own signatures hold; only dates are wrong. */
static void assert_sound(const struct vector *vector, const char *time_text)
{
	struct attest_verdict *verdict = judge(vector, time_text, NULL);

	assert_int_equal(find_check(verdict, "certificate")->result, ATTEST_PASSED);
	assert_int_equal(find_check(verdict, "certificate-evidence")->result, ATTEST_PASSED);
	assert_int_equal(find_check(verdict, "binding")->result, ATTEST_PASSED);
	attest_verdict_free(verdict);
}

static void test_sgx_expired(void **state)
{
	struct vector vector;

	(void)state;
	vector_open(&vector, "sgx/teetools-ratls-expired-cert");
	expect(&vector, "2023-06-10T00:00:00Z", NULL, "ratls-certificate", "sgx");
	assert_sound(&vector, "2023-06-10T00:00:00Z");
	vector_close(&vector);
}

/* Its collateral was collected piecemeal: at no time does everything hold. */
static void test_sgx_of_the_original(void **state)
{
	struct vector vector;

	(void)state;
	vector_open(&vector, "sgx/mse-evidence");
	expect(&vector, "2023-06-10T00:00:00Z", NULL, "not-yet-valid", "sgx");
	expect(&vector, "2023-06-25T00:00:00Z", NULL, "crl-expired", "sgx");
	assert_sound(&vector, "2023-06-10T00:00:00Z");
	vector_close(&vector);
}

static void test_tdx_expired(void **state)
{
	struct vector vector;

	(void)state;
	vector_open(&vector, "tdx/teetools-ratls-outofdate");
	expect(&vector, "2025-07-22T09:13:34Z", NULL, "ratls-certificate", "tdx");
	assert_sound(&vector, "2025-07-22T09:13:34Z");
	vector_close(&vector);
}

/* It carries its own certificates, but no revocation list. */
static void test_snp(void **state)
{
	static const struct attest_policy WITHOUT_LIST = {.allow_missing_crl = true};
	struct attest_verdict *verdict;
	struct vector vector;

	(void)state;
	vector_open(&vector, "sev-snp/teetools-ratls-v5");
	expect(&vector, "2026-04-20T00:00:00Z", NULL, "crl-missing", "sev-snp");
	expect(&vector, "2026-04-20T00:00:00Z", &WITHOUT_LIST, "none", "sev-snp");
	verdict = judge(&vector, "2026-04-20T00:00:00Z", &WITHOUT_LIST);
	assert_int_equal(verdict->loosening_count, 1);
	assert_string_equal(verdict->loosenings[0].name, "allow-missing-crl");
	assert_int_equal(verdict->facts.tee, ATTEST_TEE_SEV_SNP);
	attest_verdict_free(verdict);
	expect(&vector, "2026-04-10T00:00:00Z", &WITHOUT_LIST, "ratls-certificate", "sev-snp");
	vector_close(&vector);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sgx_expired),
	    cmocka_unit_test(test_sgx_of_the_original),
	    cmocka_unit_test(test_tdx_expired),
	    cmocka_unit_test(test_snp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
