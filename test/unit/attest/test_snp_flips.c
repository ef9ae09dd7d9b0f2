/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any single bit of SEV-SNP evidence or collateral that is turned round is refused, but in the places that HARMLESS
 * lists: bytes that nobody signs and nobody reads. One bit of every byte of a report and of some bytes of the rest;
 * every bit of everything, real evidence too, with MSE_TEST_LONG=1 (make check-long).
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "amd_judge.h"
#include "base/fs.h"
#include "format/pem.h"

#define FILE_MAX (1u << 16)

/* What is turned round: the form of evidence or item, the bytes, and why it does no harm. */
static const struct {
	const char *item;
	size_t first, last; /* inclusive */
	const char *why;
} HARMLESS[] = {
    {"hcl", 4, 31, "header of the wrapping after its magic: signed by nobody, read by nobody"},
    {"hcl", 1216, 1219, "data size: the JSON's own length is read"},
};

static bool is_exhaustive(void)
{
	const char *text = getenv("MSE_TEST_LONG");

	return text && text[0];
}

static bool is_harmless(const char *item, size_t at)
{
	for (size_t i = 0; i < COUNT_OF(HARMLESS); i++)
		if (strcmp(HARMLESS[i].item, item) == 0 && HARMLESS[i].first <= at && at <= HARMLESS[i].last)
			return true;
	return false;
}

static size_t refused, harmless;

/* The set is read anew only when it is collateral that changes. */
struct flipper {
	struct amd_question question;
	struct attest_collateral *collateral; /* NULL: read anew for every verdict */
};

static bool is_accepted(struct flipper *flipper)
{
	const struct amd_question *question = &flipper->question;
	const struct attest_roots roots = {.hardware = &question->root, .hardware_count = question->root.data ? 1 : 0};
	const struct attest_evidence evidence = {.report = question->report};
	const struct attest_binding binding = {.report_data = {question->report_data, sizeof(question->report_data)}};
	struct attest_collateral *collateral = flipper->collateral;
	struct attest_verdict *verdict = NULL;
	const char *why = "";
	bool accepted;

	if (!collateral && attest_collateral_new(&question->collateral, &collateral, &why) < 0)
		fail_msg("no collateral: %s", why);
	if (attest_verify(&evidence, &binding, collateral, &roots, question->time, &question->policy, &verdict, &why) <
	    0)
		fail_msg("no verdict: %s", why);
	accepted = verdict->accepted;
	attest_verdict_free(verdict);
	if (!flipper->collateral)
		attest_collateral_free(collateral);
	return accepted;
}

static void flip_bit(struct flipper *flipper, const char *item, uint8_t *bytes, size_t at, unsigned bit)
{
	bytes[at] ^= (uint8_t)(1u << bit);
	if (is_accepted(flipper) != is_harmless(item, at))
		fail_msg("%s: bit %u of byte %zu turned round, and %s", item, bit, at,
			 is_harmless(item, at) ? "refused" : "accepted");
	bytes[at] ^= (uint8_t)(1u << bit);
	if (is_harmless(item, at))
		harmless++;
	else
		refused++;
}

/* Every bit, or one bit of each stride-th byte. */
static void flip_all(struct flipper *flipper, const char *item, struct attest_bytes *slot, size_t stride)
{
	const struct attest_bytes kept = *slot;
	uint8_t *copy = test_malloc(kept.size);

	memcpy(copy, kept.data, kept.size);
	slot->data = copy;
	assert_true(is_accepted(flipper));
	for (size_t i = 0; i < kept.size; i += is_exhaustive() ? 1 : stride) {
		if (!is_exhaustive())
			flip_bit(flipper, item, copy, i, (unsigned)(i / stride % 8));
		for (unsigned bit = 0; is_exhaustive() && bit < 8; bit++)
			flip_bit(flipper, item, copy, i, bit);
	}
	*slot = kept;
	test_free(copy);
}

static void flip_report(struct flipper *flipper, const char *item, size_t stride)
{
	const char *why = "";

	assert_int_equal(attest_collateral_new(&flipper->question.collateral, &flipper->collateral, &why), 0);
	flip_all(flipper, item, &flipper->question.report, stride);
	attest_collateral_free(flipper->collateral);
	flipper->collateral = NULL;
}

static void flip_collateral(struct flipper *flipper, size_t stride)
{
	struct attest_collateral_bytes *bytes = &flipper->question.collateral;

	flip_all(flipper, "vek", &bytes->vek, stride);
	flip_all(flipper, "ask", &bytes->ask, stride);
	flip_all(flipper, "ark", &bytes->ark, stride);
	if (bytes->ark_crl.data)
		flip_all(flipper, "ark-crl", &bytes->ark_crl, stride);
}

static void open_made(struct amd_evidence *e, struct flipper *flipper, enum snp_product product, unsigned version,
		      bool vlek)
{
	amd_evidence_init(e, product, version, vlek);
	amd_evidence_build(e);
	*flipper = (struct flipper){0};
	amd_question_init(&flipper->question, e);
}

static void test_report(void **state)
{
	struct amd_evidence e;
	struct flipper flipper;

	(void)state;
	open_made(&e, &flipper, SNP_PRODUCT_MILAN, 5, false);
	flip_report(&flipper, "report", 1);
	amd_evidence_done(&e);
}

static void test_reports_of_other_kinds(void **state)
{
	(void)state;
	for (unsigned version = 2; version <= 4; version++) {
		struct amd_evidence e;
		struct flipper flipper;

		open_made(&e, &flipper, version == 3 ? SNP_PRODUCT_TURIN : SNP_PRODUCT_GENOA, version, version != 3);
		flip_report(&flipper, "report", 31);
		amd_evidence_done(&e);
	}
}

static void test_wrapped(void **state)
{
	struct amd_evidence e;
	struct flipper flipper;

	(void)state;
	open_made(&e, &flipper, SNP_PRODUCT_MILAN, 5, false);
	amd_evidence_wrap(&e, 2600);
	amd_question_init(&flipper.question, &e);
	flipper.question.report = (struct attest_bytes){e.hcl.data, e.hcl.size};
	flip_report(&flipper, "hcl", 17);
	amd_evidence_done(&e);
}

/* An ARK that changes must not become the root that is trusted: that one stays as it was. */
static void test_collateral(void **state)
{
	struct amd_evidence e;
	struct flipper flipper;

	(void)state;
	open_made(&e, &flipper, SNP_PRODUCT_MILAN, 5, false);
	flip_collateral(&flipper, 23);
	amd_evidence_done(&e);
}

/* One case of ../shared/vectors/sev-snp. */
static const struct {
	const char *name;
	const char *vek;
	int64_t time;
} VECTORS[] = {
    {"gosev-milan-v2-debug", "vcek.der", 1672531200},
    {"oak-genoa-v5", "vcek.der", 1756684800},
    {"oak-turin-v5", "vcek.der", 1756684800},
    {"trustee-milan-v3-vlek-aws", "vlek.der", 1740787200},
};

static struct attest_bytes load(const char *folder, const char *name, struct buf *ret)
{
	char path[768];
	struct err err = ERR_INIT;

	*ret = BUF_INIT(FILE_MAX);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_ok(fs_read(path, ret, &err), &err);
	return (struct attest_bytes){ret->data, ret->size};
}

/* PEM has harmless places of its own (test_pem.c): the certificate in it is what is flipped. */
static struct attest_bytes load_pem(const char *folder, const char *name, struct buf *ret)
{
	struct buf text;
	const struct attest_bytes pem = load(folder, name, &text);
	struct pem_reader reader = {.text = (const char *)pem.data, .size = pem.size};
	struct err err = ERR_INIT;

	*ret = BUF_INIT(FILE_MAX);
	assert_int_equal(pem_next(&reader, PEM_CERTIFICATE, ret, &err), 1);
	buf_done(&text);
	return (struct attest_bytes){ret->data, ret->size};
}

static void flip_vector(const char *folder, const char *vek, int64_t time)
{
	struct buf files[4];
	struct flipper flipper = {
	    .question = {.time = time, .policy = {.allow_debug = true, .allow_missing_crl = true}}};
	struct attest_collateral_bytes *bytes = &flipper.question.collateral;

	flipper.question.report = load(folder, "report.bin", &files[0]);
	memcpy(flipper.question.report_data, files[0].data + AMD_AT_REPORT_DATA, 64);
	bytes->vek = load(folder, vek, &files[1]);
	bytes->ask = load_pem(folder, "ask.pem", &files[2]);
	bytes->ark = load_pem(folder, "ark.pem", &files[3]);
	flip_report(&flipper, "report", 61);
	flip_collateral(&flipper, 199);
	for (size_t i = 0; i < COUNT_OF(files); i++)
		buf_done(&files[i]);
}

static void test_vectors(void **state)
{
	const char *source = getenv("MSE_TEST_SOURCE_DIR");
	char root[512], folder[640];

	(void)state;
	(void)snprintf(root, sizeof(root), "%s/../shared/vectors/sev-snp", source ? source : ".");
	if (!fs_is_dir(root)) {
		print_message("skipped: '%s' is not there\n", root);
		skip();
	}
	for (size_t i = 0; i < COUNT_OF(VECTORS); i++) {
		(void)snprintf(folder, sizeof(folder), "%s/%s", root, VECTORS[i].name);
		flip_vector(folder, VECTORS[i].vek, VECTORS[i].time);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_report),  cmocka_unit_test(test_reports_of_other_kinds),
	    cmocka_unit_test(test_wrapped), cmocka_unit_test(test_collateral),
	    cmocka_unit_test(test_vectors),
	};

	const int failed = cmocka_run_group_tests(tests, NULL, NULL);

	printf("%zu harmless and %zu changed SEV-SNP bits refused\n", harmless, refused);
	return failed;
}
