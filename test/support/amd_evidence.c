/* SPDX-License-Identifier: Apache-2.0 */
#include "amd_evidence.h"

#include <stdio.h>
#include <string.h>

#include "crypto/der.h"
#include "crypto/hash.h"
#include "crypto/x509_parse.h"
#include "der_write.h"
#include "format/snp_extension.h"

#define DER_MAX (256u << 10)
#define KDS "1.3.6.1.4.1.3704.1."
#define TAG_IA5_STRING 0x16
#define TAG_UTF8_STRING 0x0c
#define SERIAL_ARK 0x10000
#define SERIAL_ASK 0x10001
#define HCL_HEADER 32

static void put_serial(struct buf *buf, uint32_t serial)
{
	const uint8_t bytes[4] = {(uint8_t)(serial >> 24), (uint8_t)(serial >> 16), (uint8_t)(serial >> 8),
				  (uint8_t)serial};

	der_put_unsigned(buf, bytes, sizeof(bytes));
}

/* Wraps what is in buf (a TBS structure) with its algorithm and signature. */
static void sign_and_wrap(struct buf *buf, enum amd_key_id key, enum amd_scheme scheme, bool break_signature)
{
	struct buf signature = BUF_INIT(1024);

	der_put_raw(&signature, "", 1);
	amd_sign(key, scheme, buf->data, buf->size, &signature);
	if (break_signature)
		signature.data[signature.size - 1] ^= 1;
	amd_put_algorithm(buf, scheme);
	der_put(buf, DER_BIT_STRING, signature.data, signature.size);
	der_wrap(buf, 0, DER_SEQUENCE);
	buf_done(&signature);
}

static void put_rules(struct buf *buf, const struct amd_cert *cert)
{
	struct buf value = BUF_INIT(64);

	if (cert->ca) {
		der_put_bool(&value, true);
		if (cert->path_length >= 0)
			der_put_int(&value, DER_INTEGER, cert->path_length);
		der_wrap(&value, 0, DER_SEQUENCE);
		der_put_extension(buf, X509_OID_BASIC_CONSTRAINTS, true, value.data, value.size);
	}
	if (cert->key_usage) {
		const uint8_t bits[4] = {DER_BIT_STRING, 2, 0, cert->key_usage};

		der_put_extension(buf, X509_OID_KEY_USAGE, true, bits, sizeof(bits));
	}
	buf_done(&value);
}

void amd_cert_make(const struct amd_cert *cert, struct buf *ret_der)
{
	size_t start;

	buf_done(ret_der);
	*ret_der = BUF_INIT(DER_MAX);
	if (!cert->version_1) {
		der_put_int(ret_der, DER_INTEGER, 2);
		der_wrap(ret_der, 0, DER_CONTEXT_CONSTRUCTED(0));
	}
	put_serial(ret_der, cert->serial);
	amd_put_algorithm(ret_der, cert->inner_scheme);
	der_put_name(ret_der, cert->issuer_name);
	start = ret_der->size;
	der_put_time(ret_der, cert->not_before);
	der_put_time(ret_der, cert->not_after);
	der_wrap(ret_der, start, DER_SEQUENCE);
	der_put_name(ret_der, cert->name);
	if (cert->spki)
		der_put_raw(ret_der, cert->spki->data, cert->spki->size);
	else
		amd_put_spki(ret_der, cert->key);
	start = ret_der->size;
	put_rules(ret_der, cert);
	for (size_t i = 0; i < cert->extension_count; i++)
		der_put_extension(ret_der, cert->extensions[i].oid, cert->extensions[i].critical,
				  cert->extensions[i].value.data, cert->extensions[i].value.size);
	der_wrap(ret_der, start, DER_SEQUENCE);
	der_wrap(ret_der, start, DER_CONTEXT_CONSTRUCTED(3));
	der_wrap(ret_der, 0, DER_SEQUENCE);
	sign_and_wrap(ret_der, cert->issuer_key, cert->scheme, cert->break_signature);
	if (cert->trailing_byte)
		der_put_raw(ret_der, "", 1);
}

void amd_cert_add_extension(struct amd_cert *cert, const char *oid, bool critical, const void *value, size_t size)
{
	struct amd_extension *extension = &cert->extensions[cert->extension_count++];

	if (cert->extension_count > AMD_EXTENSIONS_MAX)
		abort();
	*extension = (struct amd_extension){oid, critical, BUF_INIT(DER_MAX)};
	der_put_raw(&extension->value, value, size);
}

static void add_spls(const struct amd_kds *kds, struct amd_cert *cert)
{
	static const char *const OIDS[] = {"",        KDS "3.1", KDS "3.2", KDS "3.3", KDS "3.4",
					   KDS "3.5", KDS "3.6", KDS "3.7", KDS "3.8", KDS "3.9"};

	for (unsigned i = 1; i < COUNT_OF(OIDS); i++) {
		struct buf value = BUF_INIT(64);

		if (kds->spls & 1u << i) {
			der_put_int(&value, DER_INTEGER, kds->spl[i]);
			if (kds->trailing_byte && i == 1)
				der_put_raw(&value, "", 1);
			amd_cert_add_extension(cert, OIDS[i], false, value.data, value.size);
		}
		buf_done(&value);
	}
}

static void add_owner(const struct amd_kds *kds, struct amd_cert *cert)
{
	struct buf value = BUF_INIT(256);

	if (kds->hwid_size > 0) {
		der_put_raw(&value, kds->hwid, kds->hwid_size);
		if (kds->hwid_in_octets)
			der_wrap(&value, 0, DER_OCTET_STRING);
		amd_cert_add_extension(cert, KDS "4", false, value.data, value.size);
	}
	buf_done(&value);
	if (kds->csp_id) {
		value = BUF_INIT(512);
		der_put(&value, TAG_IA5_STRING, kds->csp_id, strlen(kds->csp_id));
		amd_cert_add_extension(cert, KDS "5", false, value.data, value.size);
		buf_done(&value);
	}
}

static void add_kds(const struct amd_kds *kds, struct amd_cert *cert)
{
	struct buf value = BUF_INIT(256);

	if (!kds->no_struct_version) {
		der_put_int(&value, DER_INTEGER, kds->struct_version);
		amd_cert_add_extension(cert, KDS "1", false, value.data, value.size);
	}
	buf_done(&value);
	if (kds->product) {
		value = BUF_INIT(256);
		der_put(&value, kds->product_as_utf8 ? TAG_UTF8_STRING : TAG_IA5_STRING, kds->product,
			strlen(kds->product));
		amd_cert_add_extension(cert, KDS "2", false, value.data, value.size);
		buf_done(&value);
	}
	add_spls(kds, cert);
	add_owner(kds, cert);
}

static void put_crl_extensions(struct buf *buf, const struct amd_crl *crl)
{
	static const uint8_t NUMBER[] = {DER_INTEGER, 1, 1};
	static const uint8_t AUTHORITY[] = {DER_SEQUENCE, 4, DER_CONTEXT(0), 2, 0xab, 0xcd};
	const size_t start = buf->size;

	if (!crl->no_number)
		der_put_extension(buf, "2.5.29.20", false, NUMBER, sizeof(NUMBER));
	if (!crl->no_authority_key)
		der_put_extension(buf, "2.5.29.35", false, AUTHORITY, sizeof(AUTHORITY));
	if (crl->is_delta)
		der_put_extension(buf, "2.5.29.27", true, NUMBER, sizeof(NUMBER));
	if (crl->critical)
		der_put_extension(buf, "1.2.3.4", true, NUMBER, sizeof(NUMBER));
	der_wrap(buf, start, DER_SEQUENCE);
	der_wrap(buf, start, DER_CONTEXT_CONSTRUCTED(0));
}

static void make_crl(const struct amd_crl *crl, struct buf *ret_der)
{
	buf_done(ret_der);
	*ret_der = BUF_INIT(DER_MAX);
	der_put_int(ret_der, DER_INTEGER, crl->version_1 ? 0 : 1);
	amd_put_algorithm(ret_der, crl->scheme);
	der_put_name(ret_der, crl->issuer_name);
	der_put_time(ret_der, crl->this_update);
	if (!crl->no_next_update)
		der_put_time(ret_der, crl->next_update);
	if (crl->revoked) {
		const size_t start = ret_der->size;

		put_serial(ret_der, crl->revoked);
		if (!crl->no_entry_date)
			der_put_time(ret_der, crl->this_update);
		der_wrap(ret_der, start, DER_SEQUENCE);
		der_wrap(ret_der, start, DER_SEQUENCE);
	}
	put_crl_extensions(ret_der, crl);
	der_wrap(ret_der, 0, DER_SEQUENCE);
	sign_and_wrap(ret_der, crl->issuer_key, crl->scheme, crl->break_signature);
	if (crl->trailing_byte)
		der_put_raw(ret_der, "", 1);
}

void amd_put_u32(uint8_t *at, uint32_t value)
{
	for (size_t i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

void amd_put_u64(uint8_t *at, uint64_t value)
{
	for (size_t i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static void init_certs(struct amd_evidence *e)
{
	const char *product = snp_product_text(e->product);
	const struct amd_cert base = {
	    .not_before = AMD_TIME - 1000 * AMD_DAY,
	    .not_after = AMD_TIME + 7000 * AMD_DAY,
	    .path_length = -1,
	    .ca = true,
	    .key_usage = X509_BIT_CERT_SIGN,
	    .issuer_key = AMD_KEY_ARK,
	    .scheme = AMD_PSS_TRAILER,
	    .inner_scheme = AMD_PSS_TRAILER,
	};

	e->ark = e->ask = e->vek = base;
	(void)snprintf(e->ark.name, sizeof(e->ark.name), "ARK-%s", product);
	memcpy(e->ark.issuer_name, e->ark.name, sizeof(e->ark.name));
	e->ark.serial = SERIAL_ARK;
	e->ark.key = AMD_KEY_ARK;
	e->ark.key_usage |= X509_BIT_CRL_SIGN;
	(void)snprintf(e->ask.name, sizeof(e->ask.name), "SEV-%s%s", e->vlek ? "VLEK-" : "", product);
	memcpy(e->ask.issuer_name, e->ark.name, sizeof(e->ark.name));
	e->ask.serial = SERIAL_ASK;
	e->ask.key = e->vlek ? AMD_KEY_ASVK : AMD_KEY_ASK;
	e->ask.path_length = 0;
	(void)snprintf(e->vek.name, sizeof(e->vek.name), "SEV-%s", e->vlek ? "VLEK" : "VCEK");
	memcpy(e->vek.issuer_name, e->ask.name, sizeof(e->ask.name));
	e->vek.not_before = AMD_TIME - 100 * AMD_DAY;
	e->vek.not_after = AMD_TIME + 300 * AMD_DAY;
	e->vek.ca = false;
	e->vek.key_usage = 0;
	e->vek.key = e->vlek ? AMD_KEY_VLEK : AMD_KEY_VCEK;
	e->vek.issuer_key = e->ask.key;
	e->vek.scheme = e->vek.inner_scheme = AMD_PSS;
}

static void init_crl(struct amd_evidence *e)
{
	e->crl = (struct amd_crl){
	    .issuer_key = AMD_KEY_ARK,
	    .scheme = AMD_PSS_TRAILER,
	    .this_update = AMD_TIME - 30 * AMD_DAY,
	    .next_update = AMD_TIME + 30 * AMD_DAY,
	};
	memcpy(e->crl.issuer_name, e->ark.name, sizeof(e->ark.name));
}

static void init_kds(struct amd_evidence *e)
{
	const bool turin = e->product == SNP_PRODUCT_TURIN;

	e->kds = (struct amd_kds){
	    .struct_version = turin,
	    .product = e->vlek                           ? snp_product_text(e->product)
		       : turin                           ? "Turin"
		       : e->product == SNP_PRODUCT_GENOA ? "Genoa"
							 : "Milan-B0",
	    .spl = {[1] = 4, [2] = 1, [3] = 24, [8] = 217, [9] = turin ? 2 : 0},
	    .spls = turin ? 0x3ee : 0x1fe,
	    .hwid_size = e->vlek ? 0
			 : turin ? 8
				 : 64,
	    .csp_id = e->vlek ? "CN=cc-test.example" : NULL,
	};
	for (size_t i = 0; i < e->kds.hwid_size; i++)
		e->kds.hwid[i] = (uint8_t)(0xa0 + i);
}

static void put_tcb(const struct amd_evidence *e, size_t at, uint8_t *report)
{
	const struct snp_tcb_layout *layout = snp_tcb_layout(e->product);

	for (size_t i = 0; i < layout->count; i++)
		report[at + layout->parts[i].byte] = (uint8_t)e->kds.spl[layout->parts[i].part];
}

static void init_report(struct amd_evidence *e, unsigned version)
{
	static const uint8_t CPUIDS[][3] = {
	    [SNP_PRODUCT_MILAN] = {0x19, 0x01, 0x01},
	    [SNP_PRODUCT_GENOA] = {0x19, 0x11, 0x01},
	    [SNP_PRODUCT_TURIN] = {0x1a, 0x02, 0x01},
	};
	uint8_t *report = e->report;

	amd_put_u32(report + AMD_AT_VERSION, version);
	amd_put_u32(report + AMD_AT_GUEST_SVN, 7);
	amd_put_u64(report + AMD_AT_POLICY, 0x30000);
	amd_put_u32(report + AMD_AT_ALGORITHM, 1);
	amd_put_u64(report + AMD_AT_PLATFORM, 0x25);
	amd_put_u32(report + AMD_AT_KEY_INFO, e->vlek ? 4 : 0);
	memset(report + AMD_AT_REPORT_DATA, 0x11, 64);
	memset(report + AMD_AT_MEASUREMENT, 0x22, 48);
	memset(report + AMD_AT_ID_KEY, 0x33, 48);
	memset(report + 0x140, 0x44, 64); /* REPORT_ID, REPORT_ID_MA */
	put_tcb(e, AMD_AT_CURRENT_TCB, report);
	put_tcb(e, AMD_AT_REPORTED_TCB, report);
	put_tcb(e, AMD_AT_COMMITTED_TCB, report);
	put_tcb(e, AMD_AT_LAUNCH_TCB, report);
	if (version >= 3)
		memcpy(report + AMD_AT_CPUID, CPUIDS[e->product], 3);
	memcpy(report + AMD_AT_CHIP_ID, e->kds.hwid, sizeof(e->kds.hwid));
	memcpy(report + 0x1e8, "\x15\x37\x01\x00\x15\x37\x01", 7); /* firmware 1.55 build 21 */
	if (version >= 5) {
		amd_put_u64(report + AMD_AT_LAUNCH_MITIGATIONS, 3);
		amd_put_u64(report + AMD_AT_CURRENT_MITIGATIONS, 7);
	}
}

void amd_evidence_init(struct amd_evidence *e, enum snp_product product, unsigned version, bool vlek)
{
	*e = (struct amd_evidence){.product = product, .vlek = vlek};
	e->report_key = vlek ? AMD_KEY_VLEK : AMD_KEY_VCEK;
	e->json = "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\"}],\"user-data\":\""
		  "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"
		  "000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f\"}";
	init_certs(e);
	init_crl(e);
	init_kds(e);
	init_report(e, version);
}

void amd_evidence_sign(struct amd_evidence *e)
{
	if (!e->keep_signature)
		amd_sign_report(e->report_key, e->report, AMD_AT_SIGNATURE, e->report + AMD_AT_SIGNATURE);
}

void amd_evidence_build(struct amd_evidence *e)
{
	struct amd_cert vek = e->vek;

	add_kds(&e->kds, &vek);
	amd_cert_make(&e->ark, &e->ark_der);
	amd_cert_make(&e->ask, &e->ask_der);
	amd_cert_make(&vek, &e->vek_der);
	for (size_t i = e->vek.extension_count; i < vek.extension_count; i++)
		buf_done(&vek.extensions[i].value);
	make_crl(&e->crl, &e->crl_der);
	amd_evidence_sign(e);
}

static void put_word(struct buf *buf, size_t value)
{
	uint8_t bytes[4];

	amd_put_u32(bytes, (uint32_t)value);
	der_put_raw(buf, bytes, sizeof(bytes));
}

void amd_evidence_wrap(struct amd_evidence *e, size_t size)
{
	const size_t json_size = strlen(e->json);
	uint8_t header[HCL_HEADER] = "HCLA";

	memset(e->report + AMD_AT_REPORT_DATA, 0, 64);
	sha256(e->json, json_size, e->report + AMD_AT_REPORT_DATA);
	amd_evidence_sign(e);
	buf_done(&e->hcl);
	e->hcl = BUF_INIT(DER_MAX);
	amd_put_u32(header + 4, 2);
	amd_put_u32(header + 8, AMD_REPORT_SIZE);
	der_put_raw(&e->hcl, header, sizeof(header));
	der_put_raw(&e->hcl, e->report, AMD_REPORT_SIZE);
	put_word(&e->hcl, 20 + json_size);
	put_word(&e->hcl, 1);
	put_word(&e->hcl, 2);
	put_word(&e->hcl, 1);
	put_word(&e->hcl, json_size);
	der_put_raw(&e->hcl, e->json, json_size);
	while (e->hcl.size < size)
		der_put_raw(&e->hcl, "", 1);
}

static void put_entry(struct buf *buf, enum snp_cert_kind kind, const struct buf *der)
{
	static const char *const GUIDS[] = {
	    [SNP_CERT_ARK] = "\xc0\xb4\x06\xa4\xa8\x03\x49\x52\x97\x43\x3f\xb6\x01\x4c\xd0\xae",
	    [SNP_CERT_ASK] = "\x4a\xb7\xb3\x79\xbb\xac\x4f\xe4\xa0\x2f\x05\xae\xf3\x27\xc7\x82",
	    [SNP_CERT_VCEK] = "\x63\xda\x75\x8d\xe6\x64\x45\x64\xad\xc5\xf4\xb9\x3b\xe8\xac\xcd",
	    [SNP_CERT_VLEK] = "\xa8\x07\x4b\xc2\xa2\x5a\x48\x3e\xaa\xe6\x39\xc0\x45\xa0\xb8\xa1",
	    [SNP_CERT_CRL] = "\x92\xf8\x1b\xc3\x58\x11\x4d\x3d\x97\xff\xd1\x9f\x88\xdc\x67\xea",
	};

	put_word(buf, 16 + der->size);
	der_put_raw(buf, GUIDS[kind], 16);
	der_put_raw(buf, der->data, der->size);
}

void amd_evidence_table(struct amd_evidence *e, int which)
{
	const struct buf *const other = e->other_vek ? e->other_vek : &e->vek_der;
	const struct buf *const ders[] = {
	    [SNP_CERT_ARK] = &e->ark_der,
	    [SNP_CERT_ASK] = &e->ask_der,
	    [SNP_CERT_VCEK] = e->vlek ? other : &e->vek_der,
	    [SNP_CERT_VLEK] = e->vlek ? &e->vek_der : other,
	    [SNP_CERT_CRL] = &e->crl_der,
	};
	size_t count = 0;

	buf_done(&e->extension);
	e->extension = BUF_INIT(DER_MAX);
	der_put_raw(&e->extension, e->report, AMD_REPORT_SIZE);
	if (which < 0)
		return;
	for (size_t i = 0; i < COUNT_OF(ders); i++)
		count += which >> i & 1;
	put_word(&e->extension, count);
	for (size_t i = 0; i < COUNT_OF(ders); i++)
		if (which >> i & 1)
			put_entry(&e->extension, (enum snp_cert_kind)i, ders[i]);
}

static void done_cert(struct amd_cert *cert)
{
	for (size_t i = 0; i < cert->extension_count; i++)
		buf_done(&cert->extensions[i].value);
	cert->extension_count = 0;
}

void amd_evidence_done(struct amd_evidence *e)
{
	struct buf *const bufs[] = {&e->ark_der, &e->ask_der, &e->vek_der, &e->crl_der, &e->hcl, &e->extension};

	for (size_t i = 0; i < COUNT_OF(bufs); i++)
		buf_done(bufs[i]);
	done_cert(&e->ark);
	done_cert(&e->ask);
	done_cert(&e->vek);
}
