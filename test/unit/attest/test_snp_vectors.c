/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real SEV-SNP evidence, ../shared/vectors/sev-snp: what the verifier says of each case equals its case.toml. Skipped
 * with a line when the folder is not there; test_snp.c is the twin that always runs, with evidence of a test CA.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/number.h"
#include "format/hex.h"
#include "format/toml.h"
#include "vector_case.h"

/* One folder of vectors, loaded. */
struct vector {
	struct vector_case base;
	const struct toml_node *body;
	int64_t time, from, until;
	struct attest_collateral_bytes bytes;
	struct attest_bytes report;
	struct attest_bytes ratls;
	struct attest_bytes extension;
	uint8_t report_data[64];
};

/* The vectors carry no revocation list. */
static const struct attest_policy WITHOUT_CRL = {.allow_missing_crl = true};
static const struct attest_policy PERMISSIVE = {.allow_missing_crl = true, .allow_debug = true};
static const struct attest_policy STRICT = {0};

static void vector_open(struct vector *vector, const char *root, const char *name)
{
	struct vector_case *base = &vector->base;
	struct err err = ERR_INIT;
	const char *hex;

	*vector = (struct vector){0};
	vector_case_open(base, root, name);
	vector->body = toml_find(base->expected, "body");
	vector->time = vector_time(base->head, "verification_time");
	vector->from = vector_time(base->head, "cert_valid_from");
	vector->until = vector_time(base->head, "cert_valid_until");
	vector->report = vector_case_load(base, "report");
	vector->bytes.vek = vector_case_load(base, "endorsement_key_cert");
	vector->bytes.ask = vector_case_load(base, "ask");
	vector->bytes.ark = vector_case_load(base, "ark");
	vector->ratls = vector_case_load(base, "ratls");
	vector->extension = vector_case_load(base, "extension_value");
	hex = toml_find_text(vector->body, "report_data");
	assert_ok(hex_decode(hex, strlen(hex), vector->report_data, sizeof(vector->report_data), &err), &err);
}

static void vector_close(struct vector *vector)
{
	vector_case_close(&vector->base);
}

static struct attest_verdict *judge(const struct vector *vector, int64_t time, const struct attest_policy *policy)
{
	const struct attest_evidence evidence = {.report = vector->report};
	const struct attest_binding binding = {.report_data = {vector->report_data, sizeof(vector->report_data)}};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	const char *why = "";

	assert_int_equal(attest_collateral_new(&vector->bytes, &collateral, &why), 0);
	if (attest_verify(&evidence, &binding, collateral, NULL, time, policy, &verdict, &why) < 0)
		fail_msg("%s: no verdict: %s", vector->base.dir, why);
	attest_collateral_free(collateral);
	return verdict;
}

static void assert_error(const struct vector *vector, int64_t time, const struct attest_policy *policy,
			 const char *wanted)
{
	vector_case_expect(&vector->base, judge(vector, time, policy), wanted);
}

static void assert_hex(const struct toml_node *table, const char *key, const uint8_t *seen, size_t size)
{
	const char *wanted = toml_find_text(table, key);
	char text[2 * 64 + 1];

	assert_non_null(wanted);
	hex_encode(seen, size, text);
	assert_string_equal(text, wanted);
}

static void assert_integer(const struct toml_node *table, const char *key, int64_t seen)
{
	const struct toml_node *node = toml_find(table, key);

	assert_non_null(node);
	assert_int_equal(seen, node->integer);
}

/* The vectors write 64-bit fields as "0x…" and TCB versions as the hex digits of the bytes, highest first. */
static void assert_word(const struct toml_node *table, const char *key, uint64_t seen)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "0x%llx", (unsigned long long)seen);
	assert_string_equal(text, toml_find_text(table, key));
}

static void check_facts(const struct vector *vector)
{
	const struct toml_node *body = vector->body;
	struct attest_verdict *verdict = judge(vector, vector->time, &PERMISSIVE);
	const struct attest_snp_facts *snp = &verdict->facts.snp;
	const uint8_t cpuid[3] = {snp->cpuid_family, snp->cpuid_model, snp->cpuid_stepping};

	assert_true(verdict->facts.parsed);
	assert_int_equal(verdict->facts.tee, ATTEST_TEE_SEV_SNP);
	assert_int_equal(verdict->facts.debug, toml_find(vector->base.expected, "debug")->boolean);
	assert_string_equal(snp->product, toml_find_text(vector->base.expected, "product"));
	assert_string_equal(snp->signing_key == 0 ? "VCEK" : "VLEK",
			    toml_find_text(vector->base.expected, "signing_key"));
	assert_int_equal(snp->csp_id[0] != '\0', snp->signing_key == 1);
	assert_integer(body, "guest_svn", snp->guest_svn);
	assert_word(body, "policy", snp->policy);
	assert_hex(body, "family_id", snp->family_id, 16);
	assert_hex(body, "image_id", snp->image_id, 16);
	assert_integer(body, "vmpl", snp->vmpl);
	assert_integer(body, "sig_algo", snp->signature_algorithm);
	assert_word(body, "platform_info", snp->platform_info);
	assert_hex(body, "report_data", verdict->facts.report_data, 64);
	assert_hex(body, "measurement", verdict->facts.measurement.data, 48);
	assert_int_equal(verdict->facts.measurement.size, 48);
	assert_hex(body, "host_data", snp->host_data, 32);
	assert_hex(body, "id_key_digest", snp->id_key_digest, 48);
	assert_hex(body, "author_key_digest", snp->author_key_digest, 48);
	assert_hex(body, "report_id", snp->report_id, 32);
	assert_hex(body, "current_tcb", snp->current_tcb, 8);
	assert_hex(body, "reported_tcb", snp->reported_tcb, 8);
	assert_hex(body, "committed_tcb", snp->committed_tcb, 8);
	assert_hex(body, "launch_tcb", snp->launch_tcb, 8);
	assert_hex(body, "cpuid_fms", cpuid, 3);
	assert_hex(body, "chip_id", snp->chip_id, 64);
	assert_false(verdict->simulated);
	assert_true(verdict->authentic);
	attest_verdict_free(verdict);
}

/* Both ends of the certificate's window are inclusive. */
static void check_times(const struct vector *vector)
{
	assert_error(vector, vector->time, &PERMISSIVE, "none");
	assert_error(vector, vector->from, &PERMISSIVE, "none");
	assert_error(vector, vector->until, &PERMISSIVE, "none");
	assert_error(vector, vector->from - 1, &PERMISSIVE, "not-yet-valid");
	assert_error(vector, vector->until + 1, &PERMISSIVE, "cert-expired");
}

static void check_appraisal(const struct vector *vector)
{
	const bool accept = strcmp(toml_find_text(vector->base.expected, "appraisal"), "accept") == 0;

	assert_error(vector, vector->time, &STRICT, "crl-missing");
	assert_error(vector, vector->time, &WITHOUT_CRL, accept ? "none" : "debug");
}

static void check_needs(const struct vector *vector)
{
	const struct attest_bytes *const forms[] = {&vector->report, &vector->extension, &vector->ratls};
	struct attest_needs needs;
	const char *why = NULL;

	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		if (!forms[i]->data)
			continue;
		assert_int_equal(attest_needs(forms[i], &needs, &why), 0);
		assert_int_equal(needs.tee, ATTEST_TEE_SEV_SNP);
		assert_int_equal(needs.vlek, strcmp(toml_find_text(vector->base.expected, "signing_key"), "VLEK") == 0);
		assert_hex(vector->body, "chip_id", needs.chip_id, 64);
		assert_hex(vector->body, "reported_tcb", needs.reported_tcb, 8);
		if (strcmp(toml_find_text(vector->body, "cpuid_fms"), "000000") == 0)
			assert_null(needs.product);
		else
			assert_string_equal(needs.product, toml_find_text(vector->base.expected, "product"));
	}
}

static size_t checked_count;

static int check_one(const char *name, void *arg, struct err *err)
{
	struct vector vector;

	(void)err;
	vector_open(&vector, arg, name);
	check_facts(&vector);
	check_times(&vector);
	check_appraisal(&vector);
	check_needs(&vector);
	vector_close(&vector);
	checked_count++;
	return 0;
}

static void get_root(char ret[static 512])
{
	const char *source = getenv("MSE_TEST_SOURCE_DIR");

	(void)snprintf(ret, 512, "%s/../shared/vectors/sev-snp", source ? source : ".");
	if (!fs_is_dir(ret)) {
		print_message("skipped: '%s' is not there\n", ret);
		skip();
	}
}

static void test_all(void **state)
{
	char root[512];
	struct err err = ERR_INIT;

	(void)state;
	get_root(root);
	assert_ok(fs_each_entry(root, check_one, root, &err), &err);
	assert_true(checked_count >= 5);
	print_message("%zu cases\n", checked_count);
}

/* Refusals 47, 48, 49 with real certificates: each pair of vectors, the report of one with items of the other. */
struct swap {
	const char *report;
	const char *other;
	bool vek, ask, ark;
	const char *error;
};

static const struct swap SWAPS[] = {
    {"oak-genoa-v5", "gosev-milan-v2-debug", true, true, true, "product-mismatch"},
    {"teetools-ratls-v5", "oak-genoa-v5", false, false, true, "product-mismatch"},
    {"gosev-milan-v2-debug", "oak-genoa-v5", false, false, true, "product-mismatch"},
    {"oak-turin-v5", "oak-genoa-v5", false, true, false, "product-mismatch"},
    {"teetools-ratls-v5", "gosev-milan-v2-debug", true, false, false, "tcb-mismatch"},
    {"trustee-milan-v3-vlek-aws", "teetools-ratls-v5", true, true, false, "chain-invalid"},
    {"trustee-milan-v3-vlek-aws", "teetools-ratls-v5", false, true, false, "chain-invalid"},
    {"teetools-ratls-v5", "trustee-milan-v3-vlek-aws", true, true, false, "chain-invalid"},
    {"teetools-ratls-v5", "trustee-milan-v3-vlek-aws", false, true, false, "chain-invalid"},
};

static void test_swapped(void **state)
{
	char root[512];

	(void)state;
	get_root(root);
	for (size_t i = 0; i < COUNT_OF(SWAPS); i++) {
		struct vector vector, other;

		vector_open(&vector, root, SWAPS[i].report);
		vector_open(&other, root, SWAPS[i].other);
		vector.bytes.vek = SWAPS[i].vek ? other.bytes.vek : vector.bytes.vek;
		vector.bytes.ask = SWAPS[i].ask ? other.bytes.ask : vector.bytes.ask;
		vector.bytes.ark = SWAPS[i].ark ? other.bytes.ark : vector.bytes.ark;
		assert_error(&vector, vector.time, &PERMISSIVE, SWAPS[i].error);
		vector_close(&vector);
		vector_close(&other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_all), cmocka_unit_test(test_swapped)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
