/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amd_tool DIR [OPTION]...: writes SEV-SNP evidence of a test CA into DIR, with the file names of
 * ../shared/vectors/sev-snp: report.bin, vcek.der or vlek.der, ask.pem, ark.pem (also the root to trust), ark_crl.der,
 * hcl.bin (Azure's wrapping; its REPORT_DATA is hcl_report_data.hex), and ratls.pem with ratls.key, extension_value.bin
 * (its REPORT_DATA is that of the certificate's key). All of it is valid from 100 days before --time to 30 days after,
 * when the list expires; the certificates live longer.
 *
 *   --product Milan|Genoa|Turin   --version 2..5   --vlek   --debug   --migrate   --time UNIX_SECONDS
 *   --report-data HEX   --measurement HEX   --svn N   --revoked   --no-crl   --microcode N (of the report alone)
 *   --other-chip (the report is of another chip)   --break (the report's signature)
 */
#include <stdio.h>
#include <string.h>

#include "amd_evidence.h"
#include "base/fs.h"
#include "base/number.h"
#include "crypto/hash.h"
#include "crypto/p256.h"
#include "crypto/x509_build.h"
#include "der_write.h"
#include "format/hex.h"
#include "format/pem.h"
#include "format/snp_extension.h"

#define TEXT_MAX (1u << 20)

struct options {
	const char *dir;
	enum snp_product product;
	uint64_t version, svn, microcode;
	int64_t time;
	bool vlek, debug, migrate, revoked, no_crl, has_microcode, other_chip, break_signature;
	const char *report_data;
	const char *measurement;
};

static void must(int result, const struct err *err)
{
	if (result >= 0)
		return;
	(void)fprintf(stderr, "amd_tool: %s\n", err->text);
	exit(1);
}

static void usage(const char *what)
{
	(void)fprintf(stderr, "amd_tool: '%s' is not understood; see amd_tool.c\n", what);
	exit(2);
}

static uint64_t get_number(const char *text)
{
	struct err err = ERR_INIT;
	uint64_t value = 0;

	must(number_parse_u64(text, 0, UINT32_MAX, &value, &err), &err);
	return value;
}

static bool take_flag(struct options *options, const char *name)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
	    {"--vlek", &options->vlek},
	    {"--debug", &options->debug},
	    {"--migrate", &options->migrate},
	    {"--revoked", &options->revoked},
	    {"--no-crl", &options->no_crl},
	    {"--other-chip", &options->other_chip},
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
	if (strcmp(name, "--product") == 0) {
		options->product = snp_product_from_name(value);
		if (options->product == SNP_PRODUCT_UNKNOWN)
			usage(value);
	} else if (strcmp(name, "--version") == 0) {
		options->version = get_number(value);
	} else if (strcmp(name, "--svn") == 0) {
		options->svn = get_number(value);
	} else if (strcmp(name, "--microcode") == 0) {
		options->has_microcode = true;
		options->microcode = get_number(value);
	} else if (strcmp(name, "--time") == 0) {
		options->time = (int64_t)get_number(value);
	} else if (strcmp(name, "--report-data") == 0) {
		options->report_data = value;
	} else if (strcmp(name, "--measurement") == 0) {
		options->measurement = value;
	} else {
		usage(name);
	}
}

static void read_options(int argc, char **argv, struct options *ret)
{
	*ret = (struct options){.product = SNP_PRODUCT_MILAN, .version = 5, .svn = 7, .time = AMD_TIME};
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
		must(hex_decode(text, strlen(text), ret, size, &err), &err);
}

static void shift(struct amd_cert *cert, int64_t by)
{
	cert->not_before += by;
	cert->not_after += by;
}

static void apply(const struct options *options, struct amd_evidence *e)
{
	const int64_t by = options->time - AMD_TIME;

	shift(&e->ark, by);
	shift(&e->ask, by);
	shift(&e->vek, by);
	e->crl.this_update += by;
	e->crl.next_update += by;
	if (options->revoked)
		e->crl.revoked = e->ask.serial;
	amd_put_u32(e->report + AMD_AT_GUEST_SVN, (uint32_t)options->svn);
	amd_put_u64(e->report + AMD_AT_POLICY,
		    0x30000u | (options->debug ? 1u << 19 : 0) | (options->migrate ? 1u << 18 : 0));
	put_hex(options->report_data, e->report + AMD_AT_REPORT_DATA, 64);
	put_hex(options->measurement, e->report + AMD_AT_MEASUREMENT, 48);
	if (options->has_microcode)
		e->report[AMD_AT_REPORTED_TCB + 7] = (uint8_t)options->microcode;
	if (options->other_chip)
		e->report[AMD_AT_CHIP_ID] ^= 1;
}

static void write_file(const struct options *options, const char *name, const void *data, size_t size)
{
	struct err err = ERR_INIT;
	char path[1024];

	(void)snprintf(path, sizeof(path), "%s/%s", options->dir, name);
	must(fs_write_atomic(path, data, size, 0644, &err), &err);
}

static void write_buf(const struct options *options, const char *name, const struct buf *buf)
{
	write_file(options, name, buf->data, buf->size);
}

static void write_pem(const struct options *options, const char *name, const struct buf *der)
{
	struct buf pem = BUF_INIT(TEXT_MAX);
	struct err err = ERR_INIT;

	must(pem_format(PEM_CERTIFICATE, der->data, der->size, &pem, &err), &err);
	write_buf(options, name, &pem);
	buf_done(&pem);
}

static void write_hcl(const struct options *options, struct amd_evidence *e)
{
	char text[HEX_TEXT_SIZE(64)];

	amd_evidence_wrap(e, 2600);
	write_buf(options, "hcl.bin", &e->hcl);
	hex_encode(e->report + AMD_AT_REPORT_DATA, 64, text);
	write_file(options, "hcl_report_data.hex", text, strlen(text));
}

/* As Cosmian's tee-tools make it: SHA-256 of the uncompressed point, then zeros. */
static void write_ratls(const struct options *options, struct amd_evidence *e)
{
	struct p256_key *key = NULL;
	struct secret pem = {0};
	struct buf der = BUF_INIT(TEXT_MAX);
	struct err err = ERR_INIT;
	uint8_t point[P256_POINT_SIZE];
	struct x509_extension extension = {.oid = SNP_EXTENSION_OID};
	struct x509_spec spec = {
	    .subject = "CN=localhost",
	    .not_before = options->time - AMD_DAY,
	    .not_after = options->time + 90 * AMD_DAY,
	    .dns_names = (const char *const[]){"localhost"},
	    .dns_count = 1,
	    .extensions = &extension,
	    .extension_count = 1,
	};

	must(p256_generate(&key, &err), &err);
	p256_point(key, point);
	memset(e->report + AMD_AT_REPORT_DATA, 0, 64);
	sha256(point, sizeof(point), e->report + AMD_AT_REPORT_DATA);
	amd_evidence_sign(e);
	amd_evidence_table(e, 1 << SNP_CERT_ARK | 1 << SNP_CERT_ASK | 1 << (e->vlek ? SNP_CERT_VLEK : SNP_CERT_VCEK));
	extension.data = e->extension.data;
	extension.size = e->extension.size;
	must(x509_build(&spec, key, NULL, NULL, &der, &err), &err);
	must(p256_save_pem(key, &pem, &err), &err);
	write_pem(options, "ratls.pem", &der);
	write_file(options, "ratls.key", pem.data, pem.size);
	write_buf(options, "extension_value.bin", &e->extension);
	buf_done(&der);
	secret_done(&pem);
	p256_free(key);
}

int main(int argc, char **argv)
{
	struct options options;
	struct amd_evidence evidence;

	read_options(argc, argv, &options);
	amd_evidence_init(&evidence, options.product, (unsigned)options.version, options.vlek);
	apply(&options, &evidence);
	amd_evidence_build(&evidence);
	if (options.break_signature)
		evidence.report[AMD_AT_SIGNATURE] ^= 1;
	write_file(&options, "report.bin", evidence.report, AMD_REPORT_SIZE);
	write_buf(&options, options.vlek ? "vlek.der" : "vcek.der", &evidence.vek_der);
	write_pem(&options, "ask.pem", &evidence.ask_der);
	write_pem(&options, "ark.pem", &evidence.ark_der);
	if (!options.no_crl)
		write_buf(&options, "ark_crl.der", &evidence.crl_der);
	write_hcl(&options, &evidence);
	write_ratls(&options, &evidence);
	amd_evidence_done(&evidence);
	return 0;
}
