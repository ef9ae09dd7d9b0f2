/* SPDX-License-Identifier: Apache-2.0 */
/* Steps 7 and 9 of attestation-evidence.md section 2, done by hand here: the verifier has its own tests. */
#include "unit.h"

#include <string.h>

#include "crypto/hash.h"
#include "crypto/x509_parse.h"
#include "format/intel_quote.h"
#include "format/pem.h"
#include "hexbytes.h"
#include "tee/sim_quote.h"

#define NOW 1795312800

static struct sim_pki *pki;
static uint8_t mrenclave[SIM_MRENCLAVE_SIZE];
static uint8_t report_data[SIM_REPORT_DATA_SIZE];

static int set_up(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	count_up(0x10, mrenclave, sizeof(mrenclave));
	count_up(0x80, report_data, sizeof(report_data));
	assert_ok(sim_pki_new(NULL, NOW, &pki, &err), &err);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sim_pki_free(pki);
	return 0;
}

static void parse(const struct buf *bytes, struct intel_quote *ret)
{
	enum intel_quote_fault fault = INTEL_QUOTE_MALFORMED;
	struct err err = ERR_INIT;

	assert_ok(intel_quote_parse(bytes->data, bytes->size, ret, &fault, &err), &err);
}

static void the_report_says_what_was_asked(void **state)
{
	scoped(buf_done) struct buf bytes = BUF_INIT(SIM_QUOTE_SIZE_MAX);
	struct intel_quote quote;
	uint8_t mrsigner[32];
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(sim_quote_make(pki, mrenclave, 7, 300, report_data, &bytes, &err), &err);
	parse(&bytes, &quote);
	sim_mrsigner(mrsigner);
	assert_int_equal(quote.version, 3);
	assert_int_equal(quote.trailing_size, 0);
	assert_memory_equal(quote.sgx.mrenclave, mrenclave, sizeof(mrenclave));
	assert_memory_equal(quote.sgx.mrsigner, mrsigner, sizeof(mrsigner));
	assert_memory_equal(quote.sgx.report_data, report_data, sizeof(report_data));
	assert_int_equal(quote.sgx.isvprodid, 7);
	assert_int_equal(quote.sgx.isvsvn, 300);
	assert_int_equal(quote.sgx.attributes[0], 0x07); /* INIT, DEBUG, MODE64 */
	assert_true(quote.sgx.debug);
	assert_false(quote.qe_report.debug);
	assert_memory_equal(quote.sgx.cpusvn, sim_pki_platform(pki)->cpusvn, 16);
}

/* Checks both signatures and the binding between them. */
static void assert_signed(const struct intel_quote *quote)
{
	scoped(x509_cert_freep) struct x509_cert *pck = NULL;
	scoped(buf_done) struct buf der = BUF_INIT(X509_DER_SIZE_MAX);
	scoped(buf_done) struct buf bound = BUF_INIT(70000);
	struct pem_reader reader = {.text = (const char *)quote->cert_data, .size = quote->cert_data_size};
	uint8_t wanted[64] = {0};
	struct err err = ERR_INIT;

	assert_int_equal(quote->cert_data_type, INTEL_CERT_DATA_PCK_CHAIN);
	assert_int_equal(pem_next(&reader, PEM_CERTIFICATE, &der, &err), 1);
	assert_ok(x509_parse(der.data, der.size, &pck, &err), &err);
	assert_ok(
	    p256_verify_raw(pck->point, quote->qe_report.bytes, SGX_REPORT_SIZE, quote->qe_report_signature, &err),
	    &err);
	assert_ok(
	    p256_verify_raw(quote->attestation_key, quote->signed_bytes, quote->signed_size, quote->signature, &err),
	    &err);
	assert_ok(buf_add(&bound, quote->attestation_key, 64, &err), &err);
	assert_ok(buf_add(&bound, quote->qe_auth_data, quote->qe_auth_data_size, &err), &err);
	sha256(bound.data, bound.size, wanted);
	assert_memory_equal(quote->qe_report.report_data, wanted, sizeof(wanted));
}

static void signatures_and_binding_hold(void **state)
{
	scoped(buf_done) struct buf bytes = BUF_INIT(SIM_QUOTE_SIZE_MAX);
	struct intel_quote quote;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(sim_quote_make(pki, mrenclave, 0, 0, report_data, &bytes, &err), &err);
	parse(&bytes, &quote);
	assert_signed(&quote);
}

static void clear_debug(uint8_t report[static SIM_REPORT_SIZE], void *arg)
{
	(void)arg;
	report[48] &= (uint8_t)~2;
}

static void set_debug(uint8_t report[static SIM_REPORT_SIZE], void *arg)
{
	(void)arg;
	report[48] |= 2;
}

static void version_six(uint8_t header[static SIM_HEADER_SIZE], void *arg)
{
	(void)arg;
	header[0] = 6;
}

static void edits_are_signed(void **state)
{
	const uint8_t auth[] = {1, 2, 3};
	scoped(buf_done) struct buf auth_data = BUF_INIT(10);
	scoped(buf_done) struct buf bytes = BUF_INIT(SIM_QUOTE_SIZE_MAX);
	struct sim_quote_edit edit = {.report = clear_debug, .qe_report = set_debug, .qe_auth_data = &auth_data};
	struct intel_quote quote;
	enum intel_quote_fault fault = INTEL_QUOTE_MALFORMED;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(buf_add(&auth_data, auth, sizeof(auth), &err), &err);
	assert_ok(sim_quote_make_edited(pki, mrenclave, 0, 0, report_data, &edit, &bytes, &err), &err);
	parse(&bytes, &quote);
	assert_false(quote.sgx.debug);
	assert_true(quote.qe_report.debug);
	assert_int_equal(quote.qe_auth_data_size, 3);
	assert_signed(&quote);
	edit = (struct sim_quote_edit){.header = version_six};
	buf_clear(&bytes);
	assert_ok(sim_quote_make_edited(pki, mrenclave, 0, 0, report_data, &edit, &bytes, &err), &err);
	assert_fails(intel_quote_parse(bytes.data, bytes.size, &quote, &fault, &err), &err, ERR_INVALID, "version");
	edit = (struct sim_quote_edit){.cert_data = &auth_data, .cert_data_type = 1};
	buf_clear(&bytes);
	assert_ok(sim_quote_make_edited(pki, mrenclave, 0, 0, report_data, &edit, &bytes, &err), &err);
	parse(&bytes, &quote);
	assert_int_equal(quote.cert_data_type, INTEL_CERT_DATA_PPID);
	assert_int_equal(quote.cert_data_size, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_report_says_what_was_asked),
	    cmocka_unit_test(signatures_and_binding_hold),
	    cmocka_unit_test(edits_are_signed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
