/* SPDX-License-Identifier: Apache-2.0 */
#include "intel_evidence.h"

#include <stdio.h>
#include <string.h>

#include "attest/trust.h"
#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/pck_extension.h"
#include "crypto/x509_parse.h"
#include "der_write.h"
#include "format/hex.h"

#define QUOTE_MAX 65536
#define JSON_MAX (1u << 20)
#define ROOT_NAME "Test SGX Root CA"
#define CA_NAME "Test SGX PCK Platform CA"
#define CA_USAGE (X509_BIT_CERT_SIGN | X509_BIT_CRL_SIGN)
#define LEAF_USAGE X509_BIT_DIGITAL_SIGNATURE

#define COMPONENTS(a) \
	"{\"svn\":" a \
	",\"category\":\"BIOS\"},{\"svn\":5},{\"svn\":5},{\"svn\":5},{\"svn\":5},{\"svn\":5},{\"svn\":5}," \
	"{\"svn\":5},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0}"

/* Out of order on purpose: the verifier sorts. The platform (components 7, PCESVN 13) reaches the first. */
static const char TCB_INFO[] =
    "{\"id\":\"SGX\",\"version\":3,\"issueDate\":\"2025-06-01T00:00:00Z\",\"nextUpdate\":\"2025-07-01T00:00:00Z\","
    "\"fmspc\":\"30606A000000\",\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":17,\"tcbLevels\":["
    "{\"tcb\":{\"sgxtcbcomponents\":[" COMPONENTS(
	"5") "],\"pcesvn\":13},\"tcbDate\":\"2024-03-13T00:00:00Z\","
	     "\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-00002\",\"INTEL-SA-00001\"]},"
	     "{\"tcb\":{\"sgxtcbcomponents\":[" COMPONENTS(
		 "7") "],\"pcesvn\":13},\"tcbDate\":\"2025-03-12T00:00:00Z\","
		      "\"tcbStatus\":\"UpToDate\"},"
		      "{\"tcb\":{\"sgxtcbcomponents\":[" COMPONENTS(
			  "3") "],\"pcesvn\":5},\"tcbDate\":\"2020-01-01T00:00:00Z\","
			       "\"tcbStatus\":\"Revoked\"}]}";

#define TDX_COMPONENTS(a, c) \
	"{\"svn\":" a ",\"type\":\"TDX Module\"},{\"svn\":0},{\"svn\":" c \
	"},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0}," \
	"{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0},{\"svn\":0}"
#define TDX_TCB(sgx, module, loader, pcesvn) \
	"{\"tcb\":{\"sgxtcbcomponents\":[" COMPONENTS( \
	    sgx) "],\"pcesvn\":" pcesvn ",\"tdxtcbcomponents\":[" TDX_COMPONENTS(module, loader) "]},"
#define BYTES_8(b) b b b b b b b b
#define BYTES_48(b) BYTES_8(b) BYTES_8(b) BYTES_8(b) BYTES_8(b) BYTES_8(b) BYTES_8(b)
#define MODULE(b) \
	"\"mrsigner\":\"" BYTES_48(b) "\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\""

/* The platform has TEE_TCB_SVN 5, 1, 3, so it reaches the first level and the first of module TDX_01. */
static const char TDX_TCB_INFO[] =
    "{\"id\":\"TDX\",\"version\":3,\"issueDate\":\"2025-06-01T00:00:00Z\",\"nextUpdate\":\"2025-07-01T00:00:00Z\","
    "\"fmspc\":\"30606A000000\",\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":17,"
    "\"tdxModule\":{" MODULE(
	"00") "},\"tdxModuleIdentities\":["
	      "{\"id\":\"TDX_03\"," MODULE(
		  "03") ",\"tcbLevels\":["
			"{\"tcb\":{\"isvsvn\":3},\"tcbDate\":\"2025-03-12T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]},"
			"{\"id\":\"TDX_01\"," MODULE(
			    "01") ",\"tcbLevels\":["
				  "{\"tcb\":{\"isvsvn\":4},\"tcbDate\":\"2024-03-13T00:00:00Z\",\"tcbStatus\":"
				  "\"OutOfDate\","
				  "\"advisoryIDs\":[\"INTEL-SA-00004\"]},"
				  "{\"tcb\":{\"isvsvn\":5},\"tcbDate\":\"2025-03-12T00:00:00Z\",\"tcbStatus\":"
				  "\"UpToDate\"},"
				  "{\"tcb\":{\"isvsvn\":2},\"tcbDate\":\"2020-01-01T00:00:00Z\",\"tcbStatus\":"
				  "\"Revoked\"}]}],"
				  "\"tcbLevels\":[" TDX_TCB(
				      "5", "4", "2",
				      "13") "\"tcbDate\":\"2024-03-13T00:00:00Z\","
					    "\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-00002\",\"INTEL-"
					    "SA-00001\"]}," TDX_TCB(
						"7", "5", "3",
						"13") "\"tcbDate\":\"2025-03-12T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}"
						      "," TDX_TCB("3", "1", "1",
								  "5") "\"tcbDate\":\"2020-01-01T00:00:00Z\","
								       "\"tcbStatus\":\"Revoked\"}]}";

static const struct {
	const char *text;
	uint8_t version;
	uint8_t body; /* as descriptors number it */
} KINDS[] = {
#define X(name, text, version, body) [TEST_##name] = {text, version, body},
    TEST_QUOTE_KINDS(X)
#undef X
};

static const size_t BODY_SIZES[] = {0, TEST_REPORT_SIZE, 584, TEST_TD_REPORT_SIZE};

const char *test_quote_kind_text(enum test_quote_kind kind)
{
	return KINDS[kind].text;
}

bool test_evidence_is_tdx(const struct test_evidence *e)
{
	return KINDS[e->kind].body != 1;
}

uint8_t *test_evidence_body(struct test_evidence *e)
{
	return test_evidence_is_tdx(e) ? e->td_report : e->report;
}

size_t test_evidence_body_size(const struct test_evidence *e)
{
	return BODY_SIZES[KINDS[e->kind].body];
}

const uint8_t *test_evidence_report_data(const struct test_evidence *e)
{
	return test_evidence_is_tdx(e) ? e->td_report + 520 : e->report + 320;
}

static const char QE_IDENTITY[] =
    "{\"id\":\"QE\",\"version\":2,\"issueDate\":\"2025-06-02T00:00:00Z\",\"nextUpdate\":\"2025-07-02T00:00:00Z\","
    "\"tcbEvaluationDataNumber\":18,\"miscselect\":\"00000000\",\"miscselectMask\":\"FFFFFFFF\","
    "\"attributes\":\"11000000000000000000000000000000\",\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\","
    "\"mrsigner\":\"8C4F5775D796503E96137F77C68A829A0056AC8DED70140B081B094490C57BFF\",\"isvprodid\":1,"
    "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":6},\"tcbDate\":\"2021-11-10T00:00:00Z\",\"tcbStatus\":\"OutOfDate\","
    "\"advisoryIDs\":[\"INTEL-SA-00003\",\"INTEL-SA-00001\"]},"
    "{\"tcb\":{\"isvsvn\":8},\"tcbDate\":\"2025-03-12T00:00:00Z\",\"tcbStatus\":\"UpToDate\"},"
    "{\"tcb\":{\"isvsvn\":2},\"tcbDate\":\"2019-01-01T00:00:00Z\",\"tcbStatus\":\"Revoked\"}]}";

void test_replace(char *text, size_t size, const char *from, const char *to)
{
	char *at = strstr(text, from);
	const size_t from_size = strlen(from);
	const size_t to_size = strlen(to);

	if (!at || strlen(text) - from_size + to_size >= size) {
		(void)fprintf(stderr, "test_replace: '%s' not found or no room\n", from);
		abort();
	}
	memmove(at + to_size, at + from_size, strlen(at + from_size) + 1);
	memcpy(at, to, to_size);
}

static void init_certificates(struct test_evidence *e)
{
	const struct test_cert common = {
	    .not_before = TEST_TIME - 100 * TEST_DAY, .not_after = TEST_TIME + 1000 * TEST_DAY, .path_length = -1};

	e->root = e->ca = e->pck_cert = e->signer = common;
	e->root.name = e->root.issuer_name = e->ca.issuer_name = e->signer.issuer_name = ROOT_NAME;
	e->ca.name = e->pck_cert.issuer_name = CA_NAME;
	e->pck_cert.name = "Test SGX PCK Certificate";
	e->signer.name = "Test SGX TCB Signing";
	e->root.ca = e->ca.ca = true;
	e->root.path_length = 1;
	e->ca.path_length = 0;
	e->root.key_usage = e->ca.key_usage = CA_USAGE;
	e->pck_cert.key_usage = e->signer.key_usage = LEAF_USAGE;
	e->root.key = e->root.issuer_key = e->ca.issuer_key = e->signer.issuer_key = TEST_KEY_ROOT;
	e->ca.key = e->pck_cert.issuer_key = TEST_KEY_CA;
	e->pck_cert.key = TEST_KEY_PCK;
	e->signer.key = TEST_KEY_SIGNER;
	e->root.serial = 1;
	e->ca.serial = 2;
	e->signer.serial = 3;
	e->pck_cert.serial = 200; /* needs a leading zero byte */
}

static void init_pck(struct test_pck *pck)
{
	static const uint8_t FMSPC[] = {0x30, 0x60, 0x6a, 0, 0, 0};

	*pck = (struct test_pck){.pcesvn = 13, .ppid_size = 16, .fmspc_size = 6, .pceid_size = 2, .platform = true};
	for (size_t i = 0; i < 8; i++)
		pck->components[i] = i == 4 ? 255 : 7;
	memcpy(pck->fmspc, FMSPC, sizeof(FMSPC));
	memset(pck->ppid, 0x5a, sizeof(pck->ppid));
}

static void init_reports(struct test_evidence *e)
{
	static const uint8_t VENDOR[] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
					 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
	struct err err = ERR_INIT;

	e->header[0] = KINDS[e->kind].version;
	e->header[2] = 2;
	e->header[4] = test_evidence_is_tdx(e) ? 0x81 : 0;
	memcpy(e->header + 12, VENDOR, sizeof(VENDOR));
	e->descriptor[0] = KINDS[e->kind].body;
	e->descriptor[2] = (uint8_t)test_evidence_body_size(e);
	e->descriptor[3] = (uint8_t)(test_evidence_body_size(e) >> 8);
	memset(e->report, 0x0b, 8);       /* CPUSVN */
	e->report[48] = 0x05;             /* INIT, MODE64 */
	e->report[56] = 0xe7;             /* XFRM */
	memset(e->report + 64, 0x11, 32); /* MRENCLAVE */
	memset(e->report + 128, 0x22, 32);
	e->report[256] = 1;  /* ISVPRODID */
	e->report[258] = 10; /* ISVSVN */
	memset(e->report + 320, 0x33, 64);
	e->qe_report[48] = 0x15; /* INIT, MODE64, PROVISION_KEY */
	e->qe_report[56] = 0xe7;
	test_must(hex_decode("8C4F5775D796503E96137F77C68A829A0056AC8DED70140B081B094490C57BFF", 64, e->qe_report + 128,
			     32, &err),
		  &err);
	e->qe_report[256] = 1;
	e->qe_report[258] = 8;
	memset(e->auth_data, 0x77, sizeof(e->auth_data));
	e->auth_data_size = 32;
	e->cert_data_type = 5;
}

static void init_td_report(uint8_t *report)
{
	static const uint8_t SVN[] = {5, 1, 3};
	static const uint8_t XFAM[] = {0xe7, 0x02, 0x06};

	memcpy(report, SVN, sizeof(SVN));
	memset(report + 16, 0x44, 48); /* MRSEAM */
	memset(report + 64, 0x01, 48); /* MRSIGNERSEAM */
	report[123] = 0x10;            /* SEPT_VE_DISABLE */
	memcpy(report + 128, XFAM, sizeof(XFAM));
	memset(report + 136, 0x11, 48); /* MRTD */
	for (uint8_t i = 0; i < 4; i++)
		memset(report + 328 + (size_t)i * 48, 0x50 + i, 48); /* RTMRs */
	memset(report + 520, 0x33, 64);
	memcpy(report + 584, SVN, sizeof(SVN));
}

void test_evidence_init(struct test_evidence *e)
{
	test_evidence_init_kind(e, TEST_SGX_V3);
}

void test_evidence_init_kind(struct test_evidence *e, enum test_quote_kind kind)
{
	*e = (struct test_evidence){
	    .kind = kind, .tcb_info_key = TEST_KEY_SIGNER, .qe_identity_key = TEST_KEY_SIGNER, .outer_type = 6};
	init_certificates(e);
	init_pck(&e->pck);
	init_reports(e);
	init_td_report(e->td_report);
	e->root_crl = (struct test_crl){.issuer_name = ROOT_NAME,
					.issuer_key = TEST_KEY_ROOT,
					.this_update = TEST_TIME - 10 * TEST_DAY,
					.next_update = TEST_TIME + 300 * TEST_DAY};
	e->pck_crl = (struct test_crl){.issuer_name = CA_NAME,
				       .issuer_key = TEST_KEY_CA,
				       .this_update = TEST_TIME - 5 * TEST_DAY,
				       .next_update = TEST_TIME + 25 * TEST_DAY};
	memcpy(e->qe_identity_body, QE_IDENTITY, sizeof(QE_IDENTITY));
	if (test_evidence_is_tdx(e)) {
		memcpy(e->tcb_info_body, TDX_TCB_INFO, sizeof(TDX_TCB_INFO));
		test_replace(e->qe_identity_body, sizeof(e->qe_identity_body), "\"QE\"", "\"TD_QE\"");
	} else {
		memcpy(e->tcb_info_body, TCB_INFO, sizeof(TCB_INFO));
	}
}

static void set_date(char *text, const char *member, int64_t time)
{
	char date[CLOCK_TEXT_SIZE];
	char *at = strstr(text, member);

	if (!at)
		abort();
	clock_format_utc(time, date);
	memcpy(at + strlen(member) + 2, date, strlen(date));
}

void test_evidence_set_time(struct test_evidence *e, int64_t time)
{
	struct test_cert *const certs[] = {&e->root, &e->ca, &e->pck_cert, &e->signer};

	for (size_t i = 0; i < COUNT_OF(certs); i++) {
		certs[i]->not_before += time - TEST_TIME;
		certs[i]->not_after += time - TEST_TIME;
	}
	e->root_crl.this_update += time - TEST_TIME;
	e->root_crl.next_update += time - TEST_TIME;
	e->pck_crl.this_update += time - TEST_TIME;
	e->pck_crl.next_update += time - TEST_TIME;
	set_date(e->tcb_info_body, "issueDate\"", time - 14 * TEST_DAY);
	set_date(e->tcb_info_body, "nextUpdate\"", time + 16 * TEST_DAY);
	set_date(e->qe_identity_body, "issueDate\"", time - 13 * TEST_DAY);
	set_date(e->qe_identity_body, "nextUpdate\"", time + 17 * TEST_DAY);
}

void test_signed_json(const char *name, const char *body, enum test_key key, struct buf *ret)
{
	uint8_t signature[64];
	char hex[HEX_TEXT_SIZE(64)];
	struct err err = ERR_INIT;

	buf_done(ret);
	*ret = BUF_INIT(JSON_MAX);
	test_must(p256_sign_raw(test_key(key), body, strlen(body), signature, &err), &err);
	hex_encode(signature, sizeof(signature), hex);
	test_must(buf_addf(ret, &err, "{\"%s\":%s,\"signature\":\"%s\"}", name, body, hex), &err);
}

static void build_chains(struct test_evidence *e)
{
	struct buf value = BUF_INIT(0);

	if (!e->no_pck_extension) {
		test_pck_make(&e->pck, &value);
		test_cert_add_extension(&e->pck_cert, PCK_EXTENSION_OID, false, value.data, value.size);
		buf_done(&value);
	}
	test_cert_make(&e->root, &e->root_der);
	test_cert_make(&e->ca, &e->ca_der);
	test_cert_make(&e->pck_cert, &e->pck_der);
	test_cert_make(&e->signer, &e->signer_der);
	buf_clear(&e->pck_chain);
	buf_clear(&e->signer_chain);
	test_pem(&e->pck_der, &e->pck_chain);
	test_pem(&e->ca_der, &e->pck_chain);
	test_pem(&e->root_der, &e->pck_chain);
	test_pem(&e->signer_der, &e->signer_chain);
	test_pem(&e->root_der, &e->signer_chain);
}

static void get_attestation_point(const struct test_evidence *e, uint8_t ret[static 64])
{
	static const uint8_t NONE[64] = {0};
	uint8_t point[P256_POINT_SIZE];

	p256_point(test_key(TEST_KEY_ATTESTATION), point);
	memcpy(ret, memcmp(e->attestation_point, NONE, 64) ? e->attestation_point : point + 1, 64);
}

static void put_u16(struct buf *buf, size_t value)
{
	const uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};

	der_put_raw(buf, bytes, sizeof(bytes));
}

static void put_u32(struct buf *buf, size_t value)
{
	put_u16(buf, value & 0xffff);
	put_u16(buf, value >> 16);
}

void test_evidence_map(const struct test_evidence *e, struct test_quote_map *ret)
{
	const uint8_t version = KINDS[e->kind].version;

	ret->body = 48 + (version == 5 ? sizeof(e->descriptor) : 0);
	ret->auth_size = ret->body + test_evidence_body_size(e);
	ret->signature = ret->auth_size + 4;
	ret->key = ret->signature + 64;
	ret->outer = version > 3 ? ret->key + 64 : 0;
	ret->qe_report = ret->key + 64 + (version > 3 ? 6 : 0);
	ret->qe_signature = ret->qe_report + TEST_REPORT_SIZE;
	ret->auth_data_size = ret->qe_signature + 64;
	ret->auth_data = ret->auth_data_size + 2;
	ret->cert_data = ret->auth_data + e->auth_data_size;
	ret->end = ret->cert_data + 6 + e->pck_chain.size;
}

static void put_signed(struct buf *buf, enum test_key key, const void *data, size_t size)
{
	uint8_t signature[64];
	struct err err = ERR_INIT;

	test_must(p256_sign_raw(test_key(key), data, size, signature, &err), &err);
	der_put_raw(buf, signature, sizeof(signature));
}

void test_evidence_build_quote(struct test_evidence *e)
{
	struct test_quote_map map;
	uint8_t bound[128];

	get_attestation_point(e, bound);
	memcpy(bound + 64, e->auth_data, sizeof(e->auth_data));
	if (!e->keep_qe_report_data)
		sha256(bound, 64 + e->auth_data_size, e->qe_report + 320);
	test_evidence_map(e, &map);
	buf_done(&e->quote);
	e->quote = BUF_INIT(QUOTE_MAX);
	der_put_raw(&e->quote, e->header, sizeof(e->header));
	der_put_raw(&e->quote, e->descriptor, map.body - sizeof(e->header));
	der_put_raw(&e->quote, test_evidence_body(e), test_evidence_body_size(e));
	put_u32(&e->quote, map.end - map.signature);
	put_signed(&e->quote, TEST_KEY_ATTESTATION, e->quote.data, map.auth_size);
	der_put_raw(&e->quote, bound, 64);
	if (map.outer > 0) {
		put_u16(&e->quote, e->outer_type);
		put_u32(&e->quote, map.end - map.qe_report);
	}
	der_put_raw(&e->quote, e->qe_report, TEST_REPORT_SIZE);
	put_signed(&e->quote, TEST_KEY_PCK, e->qe_report, TEST_REPORT_SIZE);
	put_u16(&e->quote, e->auth_data_size);
	der_put_raw(&e->quote, e->auth_data, e->auth_data_size);
	put_u16(&e->quote, e->cert_data_type);
	put_u32(&e->quote, e->pck_chain.size);
	der_put_raw(&e->quote, e->pck_chain.data, e->pck_chain.size);
}

void test_evidence_build(struct test_evidence *e)
{
	build_chains(e);
	test_crl_make(&e->root_crl, &e->root_crl_der);
	test_crl_make(&e->pck_crl, &e->pck_crl_der);
	test_signed_json("tcbInfo", e->tcb_info_body, e->tcb_info_key, &e->tcb_info);
	test_signed_json("enclaveIdentity", e->qe_identity_body, e->qe_identity_key, &e->qe_identity);
	test_evidence_build_quote(e);
}

void test_evidence_mark_simulated(struct test_evidence *e)
{
	struct test_cert *const certs[] = {&e->root, &e->ca, &e->pck_cert, &e->signer};

	for (size_t i = 0; i < COUNT_OF(certs); i++)
		test_cert_add_extension(certs[i], TRUST_SIMULATION_OID, false, "\x05\x00", 2);
}

void test_evidence_done(struct test_evidence *e)
{
	struct buf *const bufs[] = {&e->root_der,  &e->ca_der,       &e->pck_der,      &e->signer_der,
				    &e->pck_chain, &e->signer_chain, &e->root_crl_der, &e->pck_crl_der,
				    &e->tcb_info,  &e->qe_identity,  &e->quote};

	for (size_t i = 0; i < COUNT_OF(bufs); i++)
		buf_done(bufs[i]);
	test_cert_done(&e->root);
	test_cert_done(&e->ca);
	test_cert_done(&e->pck_cert);
	test_cert_done(&e->signer);
}
