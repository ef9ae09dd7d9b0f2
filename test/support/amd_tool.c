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
 *   --new-ask (an ASK of another serial, valid from a day earlier; --revoked names the usual one all the same)
 */
#include <string.h>

#include "amd_evidence.h"
#include "evidence_tool.h"
#include "format/hex.h"
#include "format/snp_extension.h"

struct options {
	const char *dir;
	const char *product;
	int64_t version, svn, time;
	int64_t microcode; /* negative: as the test CA has it */
	bool vlek, debug, migrate, revoked, no_crl, other_chip, break_signature, new_ask;
	const char *report_data;
	const char *measurement;
};

static enum snp_product find_product(const char *name)
{
	const enum snp_product product = snp_product_from_name(name);

	if (product == SNP_PRODUCT_UNKNOWN)
		tool_refuse(name);
	return product;
}

static void read_options(int argc, char **argv, struct options *ret)
{
	const struct tool_option options[] = {
	    {"--product", .text = &ret->product},
	    {"--report-data", .text = &ret->report_data},
	    {"--measurement", .text = &ret->measurement},
	    {"--version", .number = &ret->version},
	    {"--svn", .number = &ret->svn},
	    {"--microcode", .number = &ret->microcode},
	    {"--time", .number = &ret->time},
	    {"--vlek", .flag = &ret->vlek},
	    {"--debug", .flag = &ret->debug},
	    {"--migrate", .flag = &ret->migrate},
	    {"--revoked", .flag = &ret->revoked},
	    {"--no-crl", .flag = &ret->no_crl},
	    {"--other-chip", .flag = &ret->other_chip},
	    {"--break", .flag = &ret->break_signature},
	    {"--new-ask", .flag = &ret->new_ask},
	};

	*ret = (struct options){.product = "Milan", .version = 5, .svn = 7, .time = AMD_TIME, .microcode = -1};
	tool_read(argc, argv, options, COUNT_OF(options), &ret->dir);
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
	if (options->new_ask) {
		e->ask.serial++;
		e->ask.not_before -= AMD_DAY;
	}
	amd_put_u32(e->report + AMD_AT_GUEST_SVN, (uint32_t)options->svn);
	amd_put_u64(e->report + AMD_AT_POLICY,
		    0x30000u | (options->debug ? 1u << 19 : 0) | (options->migrate ? 1u << 18 : 0));
	tool_put_hex(options->report_data, e->report + AMD_AT_REPORT_DATA, 64);
	tool_put_hex(options->measurement, e->report + AMD_AT_MEASUREMENT, 48);
	if (options->microcode >= 0)
		e->report[AMD_AT_REPORTED_TCB + 7] = (uint8_t)options->microcode;
	if (options->other_chip)
		e->report[AMD_AT_CHIP_ID] ^= 1;
}

static void write_hcl(const char *dir, struct amd_evidence *e)
{
	char text[HEX_TEXT_SIZE(64)];

	amd_evidence_wrap(e, 2600);
	tool_write_buf(dir, "hcl.bin", &e->hcl);
	hex_encode(e->report + AMD_AT_REPORT_DATA, 64, text);
	tool_write(dir, "hcl_report_data.hex", text, strlen(text));
}

static const struct buf *make_extension(void *context)
{
	struct amd_evidence *e = context;

	amd_evidence_sign(e);
	amd_evidence_table(e, 1 << SNP_CERT_ARK | 1 << SNP_CERT_ASK | 1 << (e->vlek ? SNP_CERT_VLEK : SNP_CERT_VCEK));
	return &e->extension;
}

static void write_ratls(const struct options *options, struct amd_evidence *e)
{
	const struct tool_ratls ratls = {.oid = SNP_EXTENSION_OID,
					 .time = options->time,
					 .report_data = e->report + AMD_AT_REPORT_DATA,
					 .make = make_extension,
					 .context = e};

	tool_write_ratls(options->dir, &ratls);
	tool_write_buf(options->dir, "extension_value.bin", &e->extension);
}

static void write_all(const struct options *options, struct amd_evidence *e)
{
	const char *dir = options->dir;

	tool_write(dir, "report.bin", e->report, AMD_REPORT_SIZE);
	tool_write_buf(dir, options->vlek ? "vlek.der" : "vcek.der", &e->vek_der);
	tool_write_pem(dir, "ask.pem", &e->ask_der, NULL);
	tool_write_pem(dir, "ark.pem", &e->ark_der, NULL);
	if (!options->no_crl)
		tool_write_buf(dir, "ark_crl.der", &e->crl_der);
	write_hcl(dir, e);
	write_ratls(options, e);
}

int main(int argc, char **argv)
{
	struct options options;
	struct amd_evidence evidence;

	read_options(argc, argv, &options);
	amd_evidence_init(&evidence, find_product(options.product), (unsigned)options.version, options.vlek);
	apply(&options, &evidence);
	amd_evidence_build(&evidence);
	if (options.break_signature)
		evidence.report[AMD_AT_SIGNATURE] ^= 1;
	write_all(&options, &evidence);
	amd_evidence_done(&evidence);
	return 0;
}
