/* SPDX-License-Identifier: Apache-2.0 */
#include "format/sgx_quote.h"

#include <string.h>

#define VERSION 3
#define KEY_TYPE_ECDSA_P256 2
#define TEE_SGX 0
#define AUTH_FIXED_SIZE (SGX_SIGNATURE_SIZE + SGX_POINT_SIZE + SGX_REPORT_SIZE + SGX_SIGNATURE_SIZE)
#define AUTH_LENGTHS_SIZE (2 + 2 + 4) /* QE authentication data size, certification data type and size */

static const uint8_t QE_VENDOR[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
				      0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

/* Reserved parts of a report: offset and size. */
static const struct {
	size_t offset;
	size_t size;
} REPORT_RESERVED[] = {{20, 12}, {96, 32}, {160, 32}, {262, 42}};

/* What is left to read. All of it lies in the caller's bytes. */
struct reader {
	const uint8_t *at;
	size_t left;
};

static uint16_t get_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)get_u16(at) | (uint32_t)get_u16(at + 2) << 16;
}

static const uint8_t *take(struct reader *reader, size_t size)
{
	const uint8_t *at = reader->at;

	reader->at += size;
	reader->left -= size;
	return at;
}

static int fail(enum sgx_quote_fault *ret_fault, enum sgx_quote_fault fault)
{
	*ret_fault = fault;
	return -1;
}

const char *sgx_quote_fault_text(enum sgx_quote_fault fault)
{
	switch (fault) {
#define X(name, text) \
	case SGX_QUOTE_##name: \
		return text;
		SGX_QUOTE_FAULTS(X)
#undef X
	}
	return "malformed";
}

static int report_parse(const uint8_t *bytes, const char *what, struct sgx_report *ret, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(REPORT_RESERVED); i++)
		for (size_t k = 0; k < REPORT_RESERVED[i].size; k++)
			if (bytes[REPORT_RESERVED[i].offset + k] != 0)
				return err_set(err, ERR_INVALID, "%s: reserved byte %zu is not zero", what,
					       REPORT_RESERVED[i].offset + k);
	*ret = (struct sgx_report){
	    .bytes = bytes,
	    .cpusvn = bytes,
	    .miscselect = get_u32(bytes + 16),
	    .attributes = bytes + 48,
	    .debug = (bytes[48] & SGX_ATTRIBUTE_DEBUG) != 0,
	    .mrenclave = bytes + 64,
	    .mrsigner = bytes + 128,
	    .isvprodid = get_u16(bytes + 256),
	    .isvsvn = get_u16(bytes + 258),
	    .isvextprodid = bytes + 32,
	    .configid = bytes + 192,
	    .configsvn = get_u16(bytes + 260),
	    .isvfamilyid = bytes + 304,
	    .report_data = bytes + 320,
	};
	return 0;
}

static int header_parse(const uint8_t *header, struct sgx_quote *quote, enum sgx_quote_fault *ret_fault,
			struct err *err)
{
	const uint16_t version = get_u16(header);
	const uint16_t key_type = get_u16(header + 2);
	const uint32_t tee = get_u32(header + 4);

	if (version != VERSION) {
		(void)err_set(err, ERR_UNSUPPORTED, "byte 0: quote version %u, expected %u", version, VERSION);
		return fail(ret_fault, SGX_QUOTE_UNSUPPORTED_VERSION);
	}
	if (key_type != KEY_TYPE_ECDSA_P256) {
		(void)err_set(err, ERR_UNSUPPORTED, "byte 2: attestation key type %u, expected %u (ECDSA P-256)",
			      key_type, KEY_TYPE_ECDSA_P256);
		return fail(ret_fault, SGX_QUOTE_UNSUPPORTED_KEY_TYPE);
	}
	if (tee != TEE_SGX) {
		(void)err_set(err, ERR_INVALID, "byte 4: TEE type 0x%x in a version 3 quote, expected 0 (SGX)", tee);
		return fail(ret_fault, SGX_QUOTE_BAD_TEE_TYPE);
	}
	if (memcmp(header + 12, QE_VENDOR, sizeof(QE_VENDOR)) != 0) {
		(void)err_set(err, ERR_INVALID, "byte 12: QE vendor is not Intel's");
		return fail(ret_fault, SGX_QUOTE_BAD_QE_VENDOR);
	}
	quote->version = version;
	quote->user_data = header + 28;
	return 0;
}

/*
 * A signature that somebody left in DER (SEQUENCE of two INTEGERs) moves all that follows. Only asked once the lengths
 * are known to be wrong: a raw signature may begin with these bytes too.
 */
static bool looks_like_der(const uint8_t *signature)
{
	return signature[0] == 0x30 && signature[1] >= 0x40 && signature[1] <= 0x48 && signature[2] == 0x02;
}

static int cert_data_parse(struct reader *auth, struct sgx_quote *quote, enum sgx_quote_fault *ret_fault,
			   struct err *err)
{
	const uint16_t type = get_u16(take(auth, 2));
	const uint32_t size = get_u32(take(auth, 4));

	if (size != auth->left) {
		(void)err_set(err, ERR_INVALID, "certification data: size %u, but %zu bytes are left", size,
			      auth->left);
		return fail(ret_fault, SGX_QUOTE_MALFORMED);
	}
	if (type < SGX_CERT_DATA_PPID || type > SGX_CERT_DATA_PCK_CHAIN) {
		(void)err_set(err, ERR_UNSUPPORTED, "certification data: type %u, expected 1 to 5", type);
		return fail(ret_fault, SGX_QUOTE_UNSUPPORTED_CERT_DATA);
	}
	quote->cert_data_type = (enum sgx_cert_data)type;
	quote->cert_data_size = size;
	quote->cert_data = take(auth, size);
	return 0;
}

/* The signature part; its size, at least AUTH_FIXED_SIZE + AUTH_LENGTHS_SIZE, is already known to be there. */
static int auth_parse(struct reader *auth, struct sgx_quote *quote, enum sgx_quote_fault *ret_fault, struct err *err)
{
	const uint8_t *qe_report;
	uint16_t auth_data_size;

	quote->signature = take(auth, SGX_SIGNATURE_SIZE);
	quote->attestation_key = take(auth, SGX_POINT_SIZE);
	qe_report = take(auth, SGX_REPORT_SIZE);
	quote->qe_report_signature = take(auth, SGX_SIGNATURE_SIZE);
	auth_data_size = get_u16(take(auth, 2));
	if ((size_t)auth_data_size + 2 + 4 > auth->left) {
		(void)err_set(err, ERR_INVALID, "QE authentication data: size %u, but %zu bytes are left",
			      auth_data_size, auth->left);
		return fail(ret_fault, looks_like_der(quote->signature) ? SGX_QUOTE_MALFORMED : SGX_QUOTE_TRUNCATED);
	}
	quote->qe_auth_data_size = auth_data_size;
	quote->qe_auth_data = take(auth, auth_data_size);
	if (cert_data_parse(auth, quote, ret_fault, err) < 0)
		return -1;
	if (report_parse(qe_report, "QE report", &quote->qe_report, err) < 0)
		return fail(ret_fault, SGX_QUOTE_MALFORMED);
	return 0;
}

int sgx_quote_parse(const void *data, size_t size, struct sgx_quote *ret_quote, enum sgx_quote_fault *ret_fault,
		    struct err *err)
{
	struct reader reader = {data, size};
	struct reader auth;
	struct sgx_quote quote = {0};
	uint32_t auth_size;

	if (size < SGX_QUOTE_SIZE_MIN) {
		(void)err_set(err, ERR_INVALID, "%zu bytes, a quote has at least %d", size, SGX_QUOTE_SIZE_MIN);
		return fail(ret_fault, SGX_QUOTE_TRUNCATED);
	}
	if (size > SGX_QUOTE_SIZE_MAX) {
		(void)err_set(err, ERR_LIMIT, "%zu bytes, a quote has at most %d", size, SGX_QUOTE_SIZE_MAX);
		return fail(ret_fault, SGX_QUOTE_MALFORMED);
	}
	quote.signed_bytes = reader.at;
	quote.signed_size = SGX_QUOTE_HEADER_SIZE + SGX_REPORT_SIZE;
	if (header_parse(take(&reader, SGX_QUOTE_HEADER_SIZE), &quote, ret_fault, err) < 0)
		return -1;
	if (report_parse(take(&reader, SGX_REPORT_SIZE), "report", &quote.report, err) < 0)
		return fail(ret_fault, SGX_QUOTE_MALFORMED);
	auth_size = get_u32(take(&reader, 4));
	if (auth_size > reader.left || auth_size < AUTH_FIXED_SIZE + AUTH_LENGTHS_SIZE) {
		(void)err_set(err, ERR_INVALID, "authentication data: size %u, but %zu bytes are left (least %d)",
			      auth_size, reader.left, AUTH_FIXED_SIZE + AUTH_LENGTHS_SIZE);
		return fail(ret_fault, SGX_QUOTE_TRUNCATED);
	}
	auth = (struct reader){take(&reader, auth_size), auth_size};
	quote.trailing_size = reader.left;
	if (auth_parse(&auth, &quote, ret_fault, err) < 0)
		return -1;
	*ret_quote = quote;
	return 0;
}
