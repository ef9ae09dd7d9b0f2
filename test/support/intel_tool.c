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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/ratls.h"
#include "base/fs.h"
#include "base/number.h"
#include "crypto/hash.h"
#include "crypto/x509_build.h"
#include "format/hex.h"
#include "intel_evidence.h"

#define TEXT_MAX (1u << 20)
#define QE_SVN_AT 258

struct options {
	const char *dir;
	enum test_quote_kind kind;
	int64_t time;
	const char *report_data, *measurement, *ppid;
	bool debug, revoked, simulated, break_signature;
	/* Negative: as the test CA has it. */
	int64_t svn, component, qe_svn, module, cert_data_type;
};

static void usage(const char *what)
{
	(void)fprintf(stderr, "intel_tool: '%s' is not understood; see intel_tool.c\n", what);
	exit(2);
}

static int64_t get_number(const char *text)
{
	struct err err = ERR_INIT;
	uint64_t value = 0;

	test_must(number_parse_u64(text, 0, UINT32_MAX, &value, &err), &err);
	return (int64_t)value;
}

static void take_kind(struct options *options, const char *text)
{
	for (size_t i = 0; i < TEST_QUOTE_KIND_COUNT; i++) {
		if (strcmp(test_quote_kind_text((enum test_quote_kind)i), text) == 0) {
			options->kind = (enum test_quote_kind)i;
			return;
		}
	}
	usage(text);
}

static bool take_flag(struct options *options, const char *name)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
	    {"--debug", &options->debug},
	    {"--revoked", &options->revoked},
	    {"--simulated", &options->simulated},
	    {"--break", &options->break_signature},
	};

	for (size_t i = 0; i < COUNT_OF(flags); i++) {
		if (strcmp(flags[i].name, name) == 0) {
			*flags[i].flag = true;
			return true;
		}
	}
	return false;
}

static void take_value(struct options *options, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **text;
		int64_t *number;
	} values[] = {
	    {"--report-data", &options->report_data, NULL},
	    {"--measurement", &options->measurement, NULL},
	    {"--ppid", &options->ppid, NULL},
	    {"--time", NULL, &options->time},
	    {"--svn", NULL, &options->svn},
	    {"--component", NULL, &options->component},
	    {"--qe-svn", NULL, &options->qe_svn},
	    {"--module", NULL, &options->module},
	    {"--cert-data-type", NULL, &options->cert_data_type},
	};

	if (strcmp(name, "--kind") == 0) {
		take_kind(options, value);
		return;
	}
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		if (strcmp(values[i].name, name) != 0)
			continue;
		if (values[i].text)
			*values[i].text = value;
		else
			*values[i].number = get_number(value);
		return;
	}
	usage(name);
}

static void read_options(int argc, char **argv, struct options *ret)
{
	*ret = (struct options){
	    .time = TEST_TIME, .svn = -1, .component = -1, .qe_svn = -1, .module = -1, .cert_data_type = -1};
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-')
			ret->dir = argv[i];
		else if (take_flag(ret, argv[i]))
			continue;
		else if (i + 1 < argc)
			take_value(ret, argv[i], argv[i + 1]), i++;
		else
			usage(argv[i]);
	}
	if (!ret->dir)
		usage("no DIR");
}

static void put_hex(const char *text, uint8_t *ret, size_t size)
{
	struct err err = ERR_INIT;

	if (text)
		test_must(hex_decode(text, strlen(text), ret, size, &err), &err);
}

static void apply(const struct options *options, struct test_evidence *e)
{
	const bool tdx = test_evidence_is_tdx(e);

	test_evidence_set_time(e, options->time);
	put_hex(options->report_data, test_evidence_body(e) + (tdx ? 520 : 320), 64);
	put_hex(options->measurement, test_evidence_body(e) + (tdx ? 136 : 64), tdx ? 48 : 32);
	put_hex(options->ppid, e->pck.ppid, 16);
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

static void write_file(const struct options *options, const char *name, const void *data, size_t size)
{
	struct err err = ERR_INIT;
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/%s", options->dir, name);
	test_must(fs_write_atomic(path, data, size, 0644, &err), &err);
}

static void write_buf(const struct options *options, const char *name, const struct buf *buf)
{
	write_file(options, name, buf->data, buf->size);
}

static void write_pem(const struct options *options, const char *name, const struct buf *first,
		      const struct buf *second)
{
	struct buf pem = BUF_INIT(TEXT_MAX);

	test_pem(first, &pem);
	if (second)
		test_pem(second, &pem);
	write_buf(options, name, &pem);
	buf_done(&pem);
}

/* As Cosmian's programs make it: SHA-256 of the uncompressed point, then zeros. */
static void write_ratls(const struct options *options, struct test_evidence *e)
{
	const bool tdx = test_evidence_is_tdx(e);
	uint8_t *report_data = test_evidence_body(e) + (tdx ? 520 : 320);
	uint8_t point[P256_POINT_SIZE];
	struct p256_key *key = NULL;
	struct secret pem = {0};
	struct buf der = BUF_INIT(TEXT_MAX);
	struct err err = ERR_INIT;
	struct x509_extension extension = {.oid = tdx ? RATLS_TDX_OID : RATLS_QUOTE_OID};
	struct x509_spec spec = {
	    .subject = "CN=localhost",
	    .not_before = options->time - TEST_DAY,
	    .not_after = options->time + 90 * TEST_DAY,
	    .dns_names = (const char *const[]){"localhost"},
	    .dns_count = 1,
	    .extensions = &extension,
	    .extension_count = 1,
	};

	test_must(p256_generate(&key, &err), &err);
	p256_point(key, point);
	memset(report_data, 0, 64);
	sha256(point, sizeof(point), report_data);
	test_evidence_build_quote(e);
	extension.data = e->quote.data;
	extension.size = e->quote.size;
	test_must(x509_build(&spec, key, NULL, NULL, &der, &err), &err);
	test_must(p256_save_pem(key, &pem, &err), &err);
	write_pem(options, "ratls.pem", &der, NULL);
	write_file(options, "ratls.key", pem.data, pem.size);
	buf_done(&der);
	secret_done(&pem);
	p256_free(key);
}

static void write_all(const struct options *options, const struct test_evidence *e)
{
	write_buf(options, "quote.bin", &e->quote);
	write_buf(options, "pck_cert_chain.pem", &e->pck_chain);
	write_buf(options, "tcb_info.json", &e->tcb_info);
	write_buf(options, "tcb_info_issuer_chain.pem", &e->signer_chain);
	write_buf(options, "qe_identity.json", &e->qe_identity);
	write_buf(options, "qe_identity_issuer_chain.pem", &e->signer_chain);
	write_buf(options, "root_ca_crl.der", &e->root_crl_der);
	write_buf(options, "pck_crl.der", &e->pck_crl_der);
	write_pem(options, "pck_crl_issuer_chain.pem", &e->ca_der, &e->root_der);
	write_pem(options, "root.pem", &e->root_der, NULL);
}

int main(int argc, char **argv)
{
	struct options options;
	struct test_evidence evidence;
	struct test_quote_map map;

	read_options(argc, argv, &options);
	test_evidence_init_kind(&evidence, options.kind);
	apply(&options, &evidence);
	test_evidence_build(&evidence);
	test_evidence_map(&evidence, &map);
	if (options.break_signature)
		evidence.quote.data[map.signature + 63] ^= 1;
	write_all(&options, &evidence);
	write_ratls(&options, &evidence);
	test_evidence_done(&evidence);
	return 0;
}
