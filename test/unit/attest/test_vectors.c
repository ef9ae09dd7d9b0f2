/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real evidence of Intel's TEEs, ../shared/vectors/{sgx,tdx}: what the verifier says of each case equals its case.toml.
 * Skipped with a line when the folder is not there; test_intel_*.c and test_tdx*.c are the twins that always run, with
 * evidence of a test CA.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "format/hex.h"
#include "format/toml.h"
#include "intel_flips.h"
#include "vector_case.h"

/* One folder of vectors, loaded. */
struct vector {
	struct vector_case base;
	int64_t time, from, until;
	struct attest_collateral_bytes bytes;
	struct attest_collateral *collateral;
	struct attest_bytes quote;
	struct attest_bytes ratls;
	bool tdx;
	bool supported; /* some TCB level fits */
};

static const struct attest_exception EVERYTHING = {
    .reason = "test of facts",
    .until = INT64_MAX,
    .tcb_statuses = ATTEST_TCB_BIT(ATTEST_TCB_REVOKED) - 1,
    .debug = true,
};
static const struct attest_policy PERMISSIVE = {.exceptions = &EVERYTHING, .exception_count = 1};
static const struct attest_policy STRICT = {0};
static size_t flipped_count, harmless_count;

static void vector_open(struct vector *vector, const char *root, const char *name)
{
	struct vector_case *base = &vector->base;
	struct attest_collateral_bytes *bytes = &vector->bytes;
	const char *why = NULL;

	*vector = (struct vector){0};
	vector_case_open(base, root, name);
	vector->tdx = strcmp(toml_find_text(base->head, "tee"), "tdx") == 0;
	vector->supported = strcmp(toml_find_text(base->expected, "tcb_status"), "TcbNotSupported") != 0;
	vector->time = vector_time(base->head, "verification_time");
	vector->from = vector_time(base->head, "collateral_valid_from");
	vector->until = vector_time(base->head, "collateral_valid_until");
	vector->quote = vector_case_load(base, "quote");
	vector->ratls = vector_case_load(base, "ratls");
	bytes->tcb_info = vector_case_load(base, "tcb_info");
	bytes->tcb_info_issuer_chain = vector_case_load(base, "tcb_info_issuer_chain");
	bytes->qe_identity = vector_case_load(base, "qe_identity");
	bytes->qe_identity_issuer_chain = vector_case_load(base, "qe_identity_issuer_chain");
	bytes->root_ca_crl = vector_case_load(base, "root_ca_crl");
	bytes->pck_crl = vector_case_load(base, "pck_crl");
	assert_int_equal(attest_collateral_new(bytes, &vector->collateral, &why), 0);
}

static void vector_close(struct vector *vector)
{
	attest_collateral_free(vector->collateral);
	vector_case_close(&vector->base);
}

static struct attest_verdict *judge(const struct vector *vector, int64_t time, const struct attest_policy *policy)
{
	const char *text = toml_find_text(toml_find(vector->base.expected, "body"), "report_data");
	const struct attest_evidence evidence = {.quote = vector->quote};
	uint8_t report_data[64];
	const struct attest_binding binding = {.report_data = {report_data, sizeof(report_data)}};
	struct attest_verdict *verdict = NULL;
	struct err err = ERR_INIT;
	const char *why = NULL;

	assert_ok(hex_decode(text, strlen(text), report_data, sizeof(report_data), &err), &err);
	assert_int_equal(attest_verify(&evidence, &binding, vector->collateral, NULL, time, policy, &verdict, &why), 0);
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

static void assert_td_report(const struct toml_node *body, const struct attest_facts *facts)
{
	assert_int_equal(facts->tee, ATTEST_TEE_TDX);
	assert_hex(body, "tee_tcb_svn", facts->tdx.tee_tcb_svn, 16);
	assert_hex(body, "mrseam", facts->tdx.mrseam, 48);
	assert_hex(body, "mrsignerseam", facts->tdx.mrsignerseam, 48);
	assert_hex(body, "seam_attributes", facts->tdx.seam_attributes, 8);
	assert_hex(body, "td_attributes", facts->tdx.td_attributes, 8);
	assert_hex(body, "xfam", facts->tdx.xfam, 8);
	assert_hex(body, "mrtd", facts->tdx.mrtd, 48);
	assert_hex(body, "mrtd", facts->measurement.data, facts->measurement.size);
	assert_hex(body, "mrconfigid", facts->tdx.mrconfigid, 48);
	assert_hex(body, "mrowner", facts->tdx.mrowner, 48);
	assert_hex(body, "mrownerconfig", facts->tdx.mrownerconfig, 48);
	assert_hex(body, "rtmr0", facts->tdx.rtmr[0], 48);
	assert_hex(body, "rtmr1", facts->tdx.rtmr[1], 48);
	assert_hex(body, "rtmr2", facts->tdx.rtmr[2], 48);
	assert_hex(body, "rtmr3", facts->tdx.rtmr[3], 48);
	assert_hex(body, "report_data", facts->report_data, 64);
	assert_int_equal(facts->tdx.is_1_5, toml_find(body, "mrservicetd") != NULL);
	if (facts->tdx.is_1_5) {
		assert_hex(body, "tee_tcb_svn_2", facts->tdx.tee_tcb_svn_2, 16);
		assert_hex(body, "mrservicetd", facts->tdx.mrservicetd, 48);
	}
}

static void assert_sgx_report(const struct toml_node *body, const struct attest_facts *facts)
{
	const uint8_t miscselect[4] = {(uint8_t)facts->sgx.miscselect, (uint8_t)(facts->sgx.miscselect >> 8),
				       (uint8_t)(facts->sgx.miscselect >> 16), (uint8_t)(facts->sgx.miscselect >> 24)};

	assert_int_equal(facts->tee, ATTEST_TEE_SGX);
	assert_hex(body, "cpusvn", facts->sgx.cpusvn, 16);
	assert_hex(body, "miscselect", miscselect, 4);
	assert_hex(body, "attributes", facts->sgx.attributes, 16);
	assert_hex(body, "mrenclave", facts->sgx.mrenclave, 32);
	assert_hex(body, "mrsigner", facts->sgx.mrsigner, 32);
	assert_hex(body, "report_data", facts->report_data, 64);
	assert_integer(body, "isvprodid", facts->sgx.isvprodid);
	assert_integer(body, "isvsvn", facts->sgx.isvsvn);
}

static void assert_pck(const struct toml_node *pck, const struct attest_facts *facts)
{
	const struct toml_node *components = toml_find(pck, "cpusvn_components");
	const char *serial = toml_find_text(pck, "serial");
	char seen[41];

	assert_true(facts->intel.pck_parsed);
	assert_hex(pck, "fmspc", facts->intel.fmspc, 6);
	assert_hex(pck, "pceid", facts->intel.pceid, 2);
	assert_integer(pck, "pcesvn", facts->intel.pcesvn);
	assert_int_equal(components->item_count, 16);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(facts->intel.tcb_components[i], components->items[i]->integer);
	assert_string_equal(toml_find_text(pck, "issuer_cn"),
			    facts->intel.platform_ca ? "Platform CA" : "Processor CA");
	/* The vectors write serials without leading zero digits. */
	hex_encode(facts->intel.pck_serial, facts->intel.pck_serial_size, seen);
	assert_string_equal(seen + (seen[0] == '0' && strlen(serial) % 2 == 1), serial);
	assert_int_equal(facts->intel.has_configuration, facts->intel.platform_ca);
	if (facts->intel.has_configuration) {
		assert_int_equal(facts->intel.smt_enabled, toml_find(pck, "smt_enabled")->boolean);
		assert_int_equal(facts->intel.cached_keys, toml_find(pck, "cached_keys")->boolean);
		assert_int_equal(facts->intel.dynamic_platform, toml_find(pck, "dynamic_platform")->boolean);
	}
}

static void assert_tcb(const struct toml_node *expected, const struct attest_facts *facts)
{
	const struct toml_node *advisories = toml_find(expected, "advisory_ids");
	const char *module = toml_find_text(expected, "tdx_module_tcb_status");

	assert_true(facts->tcb_known);
	assert_string_equal(attest_tcb_status_text(facts->tcb_status), toml_find_text(expected, "tcb_status"));
	assert_string_equal(attest_tcb_status_text(facts->intel.platform_status),
			    toml_find_text(expected, "platform_tcb_status"));
	assert_string_equal(attest_tcb_status_text(facts->intel.qe_status), toml_find_text(expected, "qe_tcb_status"));
	assert_int_equal(facts->tdx.has_module_status, module != NULL);
	if (module)
		assert_string_equal(attest_tcb_status_text(facts->tdx.module_status), module);
	assert_int_equal(facts->tcb_date, vector_time(expected, "tcb_date"));
	assert_int_equal(facts->advisory_count, advisories->item_count);
	for (size_t i = 0; i < facts->advisory_count; i++)
		assert_string_equal(facts->advisories[i], advisories->items[i]->text);
}

static void check_facts(const struct vector *vector)
{
	const struct toml_node *header = toml_find(vector->base.expected, "header");
	struct attest_verdict *verdict = judge(vector, vector->time, &PERMISSIVE);
	const struct attest_facts *facts = &verdict->facts;

	assert_true(facts->parsed);
	assert_hex(header, "user_data", facts->intel.user_data, 20);
	assert_integer(header, "cert_data_type", facts->intel.cert_data_type);
	assert_integer(header, "trailing_bytes_after_auth_data", (int64_t)facts->trailing_bytes);
	assert_int_equal(facts->debug, toml_find(vector->base.expected, "debug")->boolean);
	(vector->tdx ? assert_td_report : assert_sgx_report)(toml_find(vector->base.expected, "body"), facts);
	assert_pck(toml_find(vector->base.expected, "pck"), facts);
	if (vector->supported)
		assert_tcb(vector->base.expected, facts);
	else
		assert_false(facts->tcb_known);
	assert_false(verdict->simulated);
	attest_verdict_free(verdict);
}

/* Both ends of the collateral's window are inclusive; one second further is refused. */
static void check_times(const struct vector *vector)
{
	const char *inside = vector->supported ? "none" : "tcb-not-supported";

	if (vector->from > vector->until) {
		/* Collected piecemeal: at no time does everything hold. */
		assert_error(vector, vector->time, &PERMISSIVE, "not-yet-valid");
		assert_error(vector, vector->until + 1, &PERMISSIVE, "crl-expired");
		assert_error(vector, vector->from, &PERMISSIVE, "crl-expired");
		return;
	}
	assert_error(vector, vector->time, &PERMISSIVE, inside);
	assert_error(vector, vector->from, &PERMISSIVE, inside);
	assert_error(vector, vector->until, &PERMISSIVE, inside);
	assert_error(vector, vector->from - 1, &PERMISSIVE, "not-yet-valid");
	{
		struct attest_verdict *verdict = judge(vector, vector->until + 1, &PERMISSIVE);

		assert_false(verdict->accepted);
		assert_non_null(strstr(verdict->error_text, "-expired"));
		attest_verdict_free(verdict);
	}
}

static void check_appraisal(const struct vector *vector)
{
	const char *appraisal = toml_find_text(vector->base.expected, "appraisal");

	if (vector->from > vector->until)
		assert_error(vector, vector->time, &STRICT, "not-yet-valid");
	else if (!vector->supported)
		assert_error(vector, vector->time, &STRICT, "tcb-not-supported");
	else if (strcmp(appraisal, "accept") == 0)
		assert_error(vector, vector->time, &STRICT, "none");
	else if (strcmp(appraisal, "reject") == 0)
		assert_error(vector, vector->time, &STRICT, "debug");
	else
		assert_error(vector, vector->time, &STRICT, "tcb-status");
}

static const struct attest_check *find_check(const struct attest_verdict *verdict, const char *name)
{
	for (size_t i = 0; i < verdict->check_count; i++)
		if (strcmp(verdict->checks[i].name, name) == 0)
			return &verdict->checks[i];
	fail_msg("no check '%s'", name);
	return &verdict->checks[0];
}

/* Certificates of the original: they carry no instance document, everything else is as ours. */
static void check_ratls(const struct vector *vector)
{
	const struct toml_node *ratls = toml_find(vector->base.expected, "ratls");
	const struct attest_instance_expected instance = {.domain = "localhost"};
	const struct attest_ratls question = {
	    .certificate = vector->ratls, .instance = &instance, .role = ATTEST_ROLE_APPLICATION};
	struct attest_verdict *verdict = NULL;
	const char *why = NULL;
	const bool valid = ratls && toml_find(ratls, "cert_valid_at_verification_time")->boolean;

	if (!ratls || vector->tdx)
		return;
	assert_int_equal(
	    attest_verify_ratls(&question, vector->collateral, NULL, vector->time, &PERMISSIVE, &verdict, &why), 0);
	assert_int_equal(find_check(verdict, "certificate")->result, ATTEST_PASSED);
	assert_int_equal(find_check(verdict, "certificate-dates")->result, valid ? ATTEST_PASSED : ATTEST_FAILED);
	assert_string_equal(verdict->error_text, valid ? "not-yet-valid" : "ratls-certificate");
	assert_int_equal(find_check(verdict, "binding")->result, ATTEST_PASSED);
	assert_int_equal(find_check(verdict, "instance")->error, ATTEST_ERROR_INSTANCE_MISSING);
	assert_int_equal(verdict->certificate_not_after, vector_time(ratls, "not_after"));
	assert_true(verdict->has_identity);
	assert_hex(ratls, "pubkey_sha256", verdict->identity, 32);
	attest_verdict_free(verdict);
}

static void check_needs(const struct vector *vector)
{
	const struct toml_node *pck = toml_find(vector->base.expected, "pck");
	struct attest_needs needs;
	const char *why = NULL;

	assert_int_equal(attest_needs(&vector->quote, &needs, &why), 0);
	assert_string_equal(needs.fmspc, toml_find_text(pck, "fmspc"));
	assert_string_equal(needs.ca,
			    strcmp(toml_find_text(pck, "issuer_cn"), "Platform CA") ? "processor" : "platform");
	assert_false(needs.simulated);
	if (vector->ratls.data && !vector->tdx) {
		assert_int_equal(attest_needs(&vector->ratls, &needs, &why), 0);
		assert_string_equal(needs.fmspc, toml_find_text(pck, "fmspc"));
	}
}

/* Where the lists are there as PEM too, they give the same verdict. */
static void check_pem_lists(struct vector *vector)
{
	const struct attest_bytes root = vector_case_load(&vector->base, "root_ca_crl_pem");
	const struct attest_bytes pck = vector_case_load(&vector->base, "pck_crl_pem");
	const struct attest_collateral_bytes bytes = {.root_ca_crl = root, .pck_crl = pck};
	struct attest_collateral *der = vector->collateral;
	struct attest_verdict *verdict;
	const char *why;

	if (root.data) {
		assert_non_null(pck.data);
		assert_int_equal(attest_collateral_new(&bytes, &vector->collateral, &why), 0);
		verdict = judge(vector, vector->time, &PERMISSIVE);
		assert_int_equal(find_check(verdict, "root-crl")->result, ATTEST_PASSED);
		assert_int_equal(find_check(verdict, "pck-crl")->result, ATTEST_PASSED);
		attest_verdict_free(verdict);
		attest_collateral_free(vector->collateral);
		vector->collateral = der;
	}
}

/* What may be turned round, and how much of it is: intel_flips.h. */
static void check_bit_flips(const struct vector *vector)
{
	const char *text = toml_find_text(toml_find(vector->base.expected, "body"), "report_data");
	const int64_t trailing =
	    toml_find(toml_find(vector->base.expected, "header"), "trailing_bytes_after_auth_data")->integer;
	uint8_t report_data[64];
	struct flip_question question = {
	    .quote = vector->quote,
	    .binding = {.report_data = {report_data, sizeof(report_data)}},
	    .bytes = vector->bytes,
	    .time = vector->time,
	    .policy = &PERMISSIVE,
	    .trailing = (size_t)trailing,
	};
	struct err err = ERR_INIT;

	assert_ok(hex_decode(text, strlen(text), report_data, sizeof(report_data), &err), &err);
	flip_quote(&question, 13, 97);
	flip_collateral(&question, flip_is_exhaustive() ? 5 : 397);
	flipped_count += question.refused;
	harmless_count += question.harmless;
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
	check_ratls(&vector);
	check_needs(&vector);
	check_pem_lists(&vector);
	check_bit_flips(&vector);
	vector_close(&vector);
	checked_count++;
	return 0;
}

static void check_folder(const char *tee, size_t least)
{
	const char *source = getenv("MSE_TEST_SOURCE_DIR");
	char root[512];
	struct err err = ERR_INIT;

	(void)snprintf(root, sizeof(root), "%s/../shared/vectors/%s", source ? source : ".", tee);
	if (!fs_is_dir(root)) {
		print_message("skipped: '%s' is not there\n", root);
		skip();
	}
	assert_ok(fs_each_entry(root, check_one, root, &err), &err);
	assert_true(checked_count >= least);
	print_message("%zu cases; %zu bits turned round without harm, %zu refused\n", checked_count, harmless_count,
		      flipped_count);
	checked_count = 0;
}

static void test_sgx(void **state)
{
	(void)state;
	check_folder("sgx", 5);
}

static void test_tdx(void **state)
{
	(void)state;
	check_folder("tdx", 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sgx), cmocka_unit_test(test_tdx)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
