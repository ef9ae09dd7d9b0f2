/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intel_tool DIR [OPTION]...: writes evidence of Intel's TEEs made by a test CA into DIR, with the file names of
 * ../shared/vectors/{sgx,tdx}: quote.bin, pck_cert_chain.pem, tcb_info.json, tcb_info_issuer_chain.pem,
 * qe_identity.json, qe_identity_issuer_chain.pem, root_ca_crl.der, pck_crl.der, pck_crl_issuer_chain.pem; and root.pem
 * (the root to trust), ratls.pem with ratls.key (its quote's REPORTDATA is SHA-256 of the key's point, then zeros). At
 * --time all of it is valid; TCB info ends first, 16 days after.
 *
 *   --kind sgx-v3|sgx-v4|sgx-v5|tdx-v4|tdx-v5-1.0|tdx-v5-1.5   --time UNIX_SECONDS   --report-data HEX   --measurement
 * HEX
 *   --debug   --svn N (SGX)   --component N (7 UpToDate, 5 OutOfDate, 3 Revoked, 2 not supported)
 *   --qe-svn N (8 UpToDate, 6 OutOfDate, 2 Revoked)   --module N (TDX: 5 UpToDate, 4 OutOfDate, 2 Revoked)
 *   --cert-data-type N   --revoked (the PCK certificate)   --simulated (the marker)   --ppid HEX   --break (the
 * signature)
 */
#include <string.h>

#include "attest/ratls.h"
#include "evidence_tool.h"
#include "intel_evidence.h"

#define QE_SVN_AT 258

struct options {
	const char *dir;
	const char *kind;
	int64_t time;
	const char *report_data, *measurement, *ppid;
	bool debug, revoked, simulated, break_signature;
	/* Negative: as the test CA has it. */
	int64_t svn, component, qe_svn, module, cert_data_type;
};

static enum test_quote_kind find_kind(const char *text)
{
	for (size_t i = 0; i < TEST_QUOTE_KIND_COUNT; i++)
		if (strcmp(test_quote_kind_text((enum test_quote_kind)i), text) == 0)
			return (enum test_quote_kind)i;
	tool_refuse(text);
	return TEST_SGX_V3;
}

static void read_options(int argc, char **argv, struct options *ret)
{
	const struct tool_option options[] = {
	    {"--kind", .text = &ret->kind},
	    {"--report-data", .text = &ret->report_data},
	    {"--measurement", .text = &ret->measurement},
	    {"--ppid", .text = &ret->ppid},
	    {"--time", .number = &ret->time},
	    {"--svn", .number = &ret->svn},
	    {"--component", .number = &ret->component},
	    {"--qe-svn", .number = &ret->qe_svn},
	    {"--module", .number = &ret->module},
	    {"--cert-data-type", .number = &ret->cert_data_type},
	    {"--debug", .flag = &ret->debug},
	    {"--revoked", .flag = &ret->revoked},
	    {"--simulated", .flag = &ret->simulated},
	    {"--break", .flag = &ret->break_signature},
	};

	*ret = (struct options){.kind = "sgx-v3",
				.time = TEST_TIME,
				.svn = -1,
				.component = -1,
				.qe_svn = -1,
				.module = -1,
				.cert_data_type = -1};
	tool_read(argc, argv, options, COUNT_OF(options), &ret->dir);
}

static void apply(const struct options *options, struct test_evidence *e)
{
	const bool tdx = test_evidence_is_tdx(e);

	test_evidence_set_time(e, options->time);
	tool_put_hex(options->report_data, test_evidence_body(e) + (tdx ? 520 : 320), 64);
	tool_put_hex(options->measurement, test_evidence_body(e) + (tdx ? 136 : 64), tdx ? 48 : 32);
	tool_put_hex(options->ppid, e->pck.ppid, 16);
	if (options->debug)
		test_evidence_body(e)[tdx ? 120 : 48] |= tdx ? 1 : 2;
	if (options->svn >= 0)
		e->report[258] = (uint8_t)options->svn;
	if (options->component >= 0)
		e->pck.components[0] = options->component;
	if (options->qe_svn >= 0)
		e->qe_report[QE_SVN_AT] = (uint8_t)options->qe_svn;
	if (options->module >= 0)
		e->td_report[0] = (uint8_t)options->module;
	if (options->cert_data_type >= 0)
		e->cert_data_type = (uint16_t)options->cert_data_type;
	if (options->revoked)
		e->pck_crl.revoked = e->pck_cert.serial;
	if (options->simulated)
		test_evidence_mark_simulated(e);
}

static const struct buf *make_quote(void *context)
{
	struct test_evidence *e = context;

	test_evidence_build_quote(e);
	return &e->quote;
}

static void write_ratls(const struct options *options, struct test_evidence *e)
{
	const bool tdx = test_evidence_is_tdx(e);
	const struct tool_ratls ratls = {.oid = tdx ? RATLS_TDX_OID : RATLS_QUOTE_OID,
					 .time = options->time,
					 .report_data = test_evidence_body(e) + (tdx ? 520 : 320),
					 .make = make_quote,
					 .context = e};

	tool_write_ratls(options->dir, &ratls);
}

static void write_all(const char *dir, const struct test_evidence *e)
{
	tool_write_buf(dir, "quote.bin", &e->quote);
	tool_write_buf(dir, "pck_cert_chain.pem", &e->pck_chain);
	tool_write_buf(dir, "tcb_info.json", &e->tcb_info);
	tool_write_buf(dir, "tcb_info_issuer_chain.pem", &e->signer_chain);
	tool_write_buf(dir, "qe_identity.json", &e->qe_identity);
	tool_write_buf(dir, "qe_identity_issuer_chain.pem", &e->signer_chain);
	tool_write_buf(dir, "root_ca_crl.der", &e->root_crl_der);
	tool_write_buf(dir, "pck_crl.der", &e->pck_crl_der);
	tool_write_pem(dir, "pck_crl_issuer_chain.pem", &e->ca_der, &e->root_der);
	tool_write_pem(dir, "root.pem", &e->root_der, NULL);
}

int main(int argc, char **argv)
{
	struct options options;
	struct test_evidence evidence;
	struct test_quote_map map;

	read_options(argc, argv, &options);
	test_evidence_init_kind(&evidence, find_kind(options.kind));
	apply(&options, &evidence);
	test_evidence_build(&evidence);
	test_evidence_map(&evidence, &map);
	if (options.break_signature)
		evidence.quote.data[map.signature + 63] ^= 1;
	write_all(options.dir, &evidence);
	write_ratls(&options, &evidence);
	test_evidence_done(&evidence);
	return 0;
}
