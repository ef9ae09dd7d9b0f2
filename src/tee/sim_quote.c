/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/sim_quote.h"

#include <assert.h>
#include <string.h>

#include "crypto/hash.h"

/* attestation-evidence.md section 1.1. */
#define VERSION 3
#define KEY_TYPE_P256 2
#define CERT_DATA_PCK_CHAIN 5

/* Offsets in a report, section 1.2. */
#define REPORT_CPUSVN 0
#define REPORT_FLAGS 48
#define REPORT_XFRM 56
#define REPORT_MRENCLAVE 64
#define REPORT_MRSIGNER 128
#define REPORT_ISVPRODID 256
#define REPORT_ISVSVN 258
#define REPORT_REPORT_DATA 320

#define FLAG_INIT 0x01
#define FLAG_DEBUG 0x02
#define FLAG_MODE64 0x04
#define FLAG_PROVISION_KEY 0x10
#define XFRM_LEGACY 0x03 /* x87 and SSE */

#define QE_AUTH_DATA_SIZE 32
#define KEY_SIZE 64

static void put_u16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static int add_u16(struct buf *ret, unsigned value, struct err *err)
{
	uint8_t bytes[2];

	put_u16(bytes, value);
	return buf_add(ret, bytes, sizeof(bytes), err);
}

static int add_u32(struct buf *ret, size_t value, struct err *err)
{
	if (add_u16(ret, value & 0xffff, err) < 0)
		return -1;
	return add_u16(ret, value >> 16 & 0xffff, err);
}

static void hash_label(const char *label, uint8_t ret[static 32])
{
	sha256(label, strlen(label), ret);
}

void sim_mrsigner(uint8_t ret[static 32])
{
	hash_label("mse-sim-mrsigner-1", ret);
}

void sim_qe_mrsigner(uint8_t ret[static 32])
{
	hash_label("mse-sim-qe-mrsigner-1", ret);
}

static void make_header(const struct sim_pki *pki, uint8_t ret[static SIM_HEADER_SIZE])
{
	static const uint8_t vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
					   0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

	memset(ret, 0, SIM_HEADER_SIZE);
	put_u16(ret, VERSION);
	put_u16(ret + 2, KEY_TYPE_P256);
	put_u16(ret + 8, SIM_QE_ISVSVN);
	put_u16(ret + 10, sim_pki_platform(pki)->pcesvn);
	memcpy(ret + 12, vendor, sizeof(vendor));
	/* User data: the id of the machine's QE, as the real one has it. Never trusted by anybody. */
	memcpy(ret + 28, sim_pki_platform(pki)->ppid, 16);
}

static void start_report(const struct sim_pki *pki, uint8_t flags, uint8_t ret[static SIM_REPORT_SIZE])
{
	memset(ret, 0, SIM_REPORT_SIZE);
	memcpy(ret + REPORT_CPUSVN, sim_pki_platform(pki)->cpusvn, 16);
	ret[REPORT_FLAGS] = flags;
	ret[REPORT_XFRM] = XFRM_LEGACY;
}

static void make_report(const struct sim_pki *pki, const uint8_t *mrenclave, unsigned isvprodid, unsigned isvsvn,
			const uint8_t *report_data, uint8_t ret[static SIM_REPORT_SIZE])
{
	start_report(pki, FLAG_INIT | FLAG_DEBUG | FLAG_MODE64, ret);
	memcpy(ret + REPORT_MRENCLAVE, mrenclave, SIM_MRENCLAVE_SIZE);
	sim_mrsigner(ret + REPORT_MRSIGNER);
	put_u16(ret + REPORT_ISVPRODID, isvprodid);
	put_u16(ret + REPORT_ISVSVN, isvsvn);
	memcpy(ret + REPORT_REPORT_DATA, report_data, SIM_REPORT_DATA_SIZE);
}

/* REPORTDATA of the QE = SHA-256(attestation key ‖ QE auth data) ‖ zeros. */
static int make_qe_report(const struct sim_pki *pki, const uint8_t key[static KEY_SIZE], const struct buf *auth_data,
			  uint8_t ret[static SIM_REPORT_SIZE], struct err *err)
{
	scoped(buf_done) struct buf bound = BUF_INIT(SIM_QUOTE_SIZE_MAX);

	if (buf_add(&bound, key, KEY_SIZE, err) < 0 || buf_add(&bound, auth_data->data, auth_data->size, err) < 0)
		return -1;
	start_report(pki, FLAG_INIT | FLAG_MODE64 | FLAG_PROVISION_KEY, ret);
	hash_label("mse-sim-qe-mrenclave-1", ret + REPORT_MRENCLAVE);
	sim_qe_mrsigner(ret + REPORT_MRSIGNER);
	put_u16(ret + REPORT_ISVPRODID, SIM_QE_ISVPRODID);
	put_u16(ret + REPORT_ISVSVN, SIM_QE_ISVSVN);
	sha256(bound.data, bound.size, ret + REPORT_REPORT_DATA);
	return 0;
}

static int get_auth_data(const struct sim_quote_edit *edit, struct buf *ret, struct err *err)
{
	if (edit->qe_auth_data)
		return buf_add(ret, edit->qe_auth_data->data, edit->qe_auth_data->size, err);
	for (uint8_t i = 0; i < QE_AUTH_DATA_SIZE; i++)
		if (buf_add_byte(ret, i, err) < 0)
			return -1;
	return 0;
}

static int get_cert_data(const struct sim_pki *pki, const struct sim_quote_edit *edit, struct buf *ret, struct err *err)
{
	if (edit->cert_data)
		return buf_add(ret, edit->cert_data->data, edit->cert_data->size, err);
	return sim_pki_chain_pem(pki, SIM_CERT_PCK, ret, err);
}

static int add_signature(struct buf *ret, const struct p256_key *key, const void *data, size_t size, struct err *err)
{
	uint8_t signature[P256_SIGNATURE_SIZE];

	if (p256_sign_raw(key, data, size, signature, err) < 0)
		return -1;
	return buf_add(ret, signature, sizeof(signature), err);
}

/* What stands behind the report (section 1.4, v3): everything after the length. */
static int make_auth(const struct sim_pki *pki, const void *signed_data, size_t signed_size,
		     const struct sim_quote_edit *edit, struct buf *ret, struct err *err)
{
	scoped(buf_done) struct buf auth_data = BUF_INIT(UINT16_MAX);
	scoped(buf_done) struct buf cert_data = BUF_INIT(SIM_QUOTE_SIZE_MAX);
	uint8_t point[P256_POINT_SIZE];
	uint8_t report[SIM_REPORT_SIZE];

	p256_point(sim_pki_attestation_key(pki), point);
	if (get_auth_data(edit, &auth_data, err) < 0 || get_cert_data(pki, edit, &cert_data, err) < 0 ||
	    make_qe_report(pki, point + 1, &auth_data, report, err) < 0)
		return -1;
	if (edit->qe_report)
		edit->qe_report(report, edit->arg);
	if (add_signature(ret, sim_pki_attestation_key(pki), signed_data, signed_size, err) < 0 ||
	    buf_add(ret, point + 1, KEY_SIZE, err) < 0 || buf_add(ret, report, sizeof(report), err) < 0 ||
	    add_signature(ret, sim_pki_key(pki, SIM_CERT_PCK), report, sizeof(report), err) < 0 ||
	    add_u16(ret, (unsigned)auth_data.size, err) < 0 || buf_add(ret, auth_data.data, auth_data.size, err) < 0 ||
	    add_u16(ret, edit->cert_data_type ? edit->cert_data_type : CERT_DATA_PCK_CHAIN, err) < 0 ||
	    add_u32(ret, cert_data.size, err) < 0)
		return -1;
	return buf_add(ret, cert_data.data, cert_data.size, err);
}

int sim_quote_make_edited(const struct sim_pki *pki, const uint8_t mrenclave[static SIM_MRENCLAVE_SIZE],
			  uint16_t isvprodid, uint16_t isvsvn, const uint8_t report_data[static SIM_REPORT_DATA_SIZE],
			  const struct sim_quote_edit *edit, struct buf *ret, struct err *err)
{
	scoped(buf_done) struct buf auth = BUF_INIT(SIM_QUOTE_SIZE_MAX);
	uint8_t signed_part[SIM_HEADER_SIZE + SIM_REPORT_SIZE];

	assert(sim_pki_attestation_key(pki) && sim_pki_key(pki, SIM_CERT_PCK));
	make_header(pki, signed_part);
	make_report(pki, mrenclave, isvprodid, isvsvn, report_data, signed_part + SIM_HEADER_SIZE);
	if (edit->header)
		edit->header(signed_part, edit->arg);
	if (edit->report)
		edit->report(signed_part + SIM_HEADER_SIZE, edit->arg);
	if (make_auth(pki, signed_part, sizeof(signed_part), edit, &auth, err) < 0 ||
	    buf_add(ret, signed_part, sizeof(signed_part), err) < 0 || add_u32(ret, auth.size, err) < 0)
		return err_prefix(err, "simulated quote");
	return buf_add(ret, auth.data, auth.size, err);
}

int sim_quote_make(const struct sim_pki *pki, const uint8_t mrenclave[static SIM_MRENCLAVE_SIZE], uint16_t isvprodid,
		   uint16_t isvsvn, const uint8_t report_data[static SIM_REPORT_DATA_SIZE], struct buf *ret,
		   struct err *err)
{
	const struct sim_quote_edit none = {.cert_data_type = 0};

	return sim_quote_make_edited(pki, mrenclave, isvprodid, isvsvn, report_data, &none, ret, err);
}
