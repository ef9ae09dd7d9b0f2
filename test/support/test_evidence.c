/* SPDX-License-Identifier: Apache-2.0 */
#include "test_pki.h"

#include <stdio.h>
#include <string.h>

#include "attest/trust.h"
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

	e->header[0] = 3;
	e->header[2] = 2;
	memcpy(e->header + 12, VENDOR, sizeof(VENDOR));
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

void test_evidence_init(struct test_evidence *e)
{
	*e = (struct test_evidence){.tcb_info_key = TEST_KEY_SIGNER, .qe_identity_key = TEST_KEY_SIGNER};
	init_certificates(e);
	init_pck(&e->pck);
	init_reports(e);
	e->root_crl = (struct test_crl){.issuer_name = ROOT_NAME,
					.issuer_key = TEST_KEY_ROOT,
					.this_update = TEST_TIME - 10 * TEST_DAY,
					.next_update = TEST_TIME + 300 * TEST_DAY};
	e->pck_crl = (struct test_crl){.issuer_name = CA_NAME,
				       .issuer_key = TEST_KEY_CA,
				       .this_update = TEST_TIME - 5 * TEST_DAY,
				       .next_update = TEST_TIME + 25 * TEST_DAY};
	memcpy(e->tcb_info_body, TCB_INFO, sizeof(TCB_INFO));
	memcpy(e->qe_identity_body, QE_IDENTITY, sizeof(QE_IDENTITY));
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

void test_evidence_build_quote(struct test_evidence *e)
{
	uint8_t signed_bytes[48 + TEST_REPORT_SIZE];
	uint8_t signature[64];
	uint8_t bound[128];
	struct err err = ERR_INIT;

	get_attestation_point(e, bound);
	memcpy(bound + 64, e->auth_data, sizeof(e->auth_data));
	if (!e->keep_qe_report_data)
		sha256(bound, 64 + e->auth_data_size, e->qe_report + 320);
	memcpy(signed_bytes, e->header, 48);
	memcpy(signed_bytes + 48, e->report, TEST_REPORT_SIZE);
	test_must(p256_sign_raw(test_key(TEST_KEY_ATTESTATION), signed_bytes, sizeof(signed_bytes), signature, &err),
		  &err);
	buf_done(&e->quote);
	e->quote = BUF_INIT(QUOTE_MAX);
	der_put_raw(&e->quote, signed_bytes, sizeof(signed_bytes));
	put_u32(&e->quote, 64 + 64 + TEST_REPORT_SIZE + 64 + 2 + e->auth_data_size + 6 + e->pck_chain.size);
	der_put_raw(&e->quote, signature, 64);
	der_put_raw(&e->quote, bound, 64);
	der_put_raw(&e->quote, e->qe_report, TEST_REPORT_SIZE);
	test_must(p256_sign_raw(test_key(TEST_KEY_PCK), e->qe_report, TEST_REPORT_SIZE, signature, &err), &err);
	der_put_raw(&e->quote, signature, 64);
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
