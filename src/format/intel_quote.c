/* SPDX-License-Identifier: Apache-2.0 */
#include "format/intel_quote.h"

#include <string.h>

#include "base/le.h"

#define KEY_TYPE_ECDSA_P256 2
#define TEE_SGX 0
#define TEE_TDX 0x81
#define DESCRIPTOR_SIZE 6     /* body type u16, body size u32; version 5 only */
#define CERT_HEADER_SIZE 6    /* certification data type u16, size u32 */
#define CERT_DATA_QE_REPORT 6 /* the outer type of versions 4 and 5 */

/* Everything of the authentication data that has a fixed size, without the outer certification header. */
#define AUTH_SIZE_MIN \
	(INTEL_SIGNATURE_SIZE + INTEL_POINT_SIZE + SGX_REPORT_SIZE + INTEL_SIGNATURE_SIZE + 2 + CERT_HEADER_SIZE)

static const uint8_t QE_VENDOR[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
				      0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

static const uint8_t NO_BYTES[4];

/* Which body a version carries for which TEE type. Version 5 says so itself, in words of these rows. */
static const struct shape {
	uint16_t version;
	uint32_t tee;
	enum intel_body body;
	uint32_t size;
} SHAPES[] = {
    {3, TEE_SGX, INTEL_BODY_SGX, SGX_REPORT_SIZE},       {4, TEE_SGX, INTEL_BODY_SGX, SGX_REPORT_SIZE},
    {4, TEE_TDX, INTEL_BODY_TD_1_0, TD_REPORT_1_0_SIZE}, {5, TEE_SGX, INTEL_BODY_SGX, SGX_REPORT_SIZE},
    {5, TEE_TDX, INTEL_BODY_TD_1_0, TD_REPORT_1_0_SIZE}, {5, TEE_TDX, INTEL_BODY_TD_1_5, TD_REPORT_1_5_SIZE},
};

/* A parse in progress: what is left of the bytes, and where a refusal is noted. */
struct reader {
	const uint8_t *at;
	size_t left;
	enum intel_quote_fault *fault;
	struct err *err;
};

static const uint8_t *take(struct reader *reader, size_t size)
{
	const uint8_t *at = reader->at;

	reader->at += size;
	reader->left -= size;
	return at;
}

static int format_like(3, 4) fail(struct reader *reader, enum intel_quote_fault fault, const char *format, ...)
{
	va_list args;

	*reader->fault = fault;
	va_start(args, format);
	(void)err_setv(reader->err, ERR_INVALID, format, args);
	va_end(args);
	return -1;
}

const char *intel_quote_fault_text(enum intel_quote_fault fault)
{
	switch (fault) {
#define X(name, text) \
	case INTEL_QUOTE_##name: \
		return text;
		INTEL_QUOTE_FAULTS(X)
#undef X
	}
	return "malformed";
}

/* The shape of this version and TEE; of version 5 the first of them. NULL: there is none. */
static const struct shape *find_shape(uint16_t version, uint32_t tee)
{
	for (size_t i = 0; i < COUNT_OF(SHAPES); i++)
		if (SHAPES[i].version == version && SHAPES[i].tee == tee)
			return &SHAPES[i];
	return NULL;
}

static int header_parse(struct reader *reader, struct intel_quote *quote, const struct shape **ret_shape)
{
	const uint8_t *header = take(reader, INTEL_QUOTE_HEADER_SIZE);
	const uint16_t key_type = le16_get(header + 2);
	const uint32_t tee = le32_get(header + 4);

	quote->version = le16_get(header);
	quote->user_data = header + 28;
	if (!find_shape(quote->version, TEE_SGX))
		return fail(reader, INTEL_QUOTE_UNSUPPORTED_VERSION, "byte 0: quote version %u, expected 3, 4 or 5",
			    quote->version);
	if (key_type != KEY_TYPE_ECDSA_P256)
		return fail(reader, INTEL_QUOTE_UNSUPPORTED_KEY_TYPE,
			    "byte 2: attestation key type %u, expected %u (ECDSA P-256)", key_type,
			    KEY_TYPE_ECDSA_P256);
	*ret_shape = find_shape(quote->version, tee);
	if (!*ret_shape)
		return fail(reader, INTEL_QUOTE_BAD_TEE_TYPE, "byte 4: TEE type 0x%x in a quote of version %u", tee,
			    quote->version);
	if (quote->version > 3 && memcmp(header + 8, NO_BYTES, sizeof(NO_BYTES)) != 0)
		return fail(reader, INTEL_QUOTE_MALFORMED, "byte 8: reserved bytes are not zero");
	if (memcmp(header + 12, QE_VENDOR, sizeof(QE_VENDOR)) != 0)
		return fail(reader, INTEL_QUOTE_BAD_QE_VENDOR, "byte 12: QE vendor is not Intel's");
	return 0;
}

/* Version 5: type and size of the body, which must agree with each other and with the TEE type. */
static int descriptor_parse(struct reader *reader, const struct shape **shape)
{
	const uint8_t *descriptor = take(reader, DESCRIPTOR_SIZE);
	const uint16_t type = le16_get(descriptor);
	const uint32_t size = le32_get(descriptor + 2);
	const uint32_t tee = (*shape)->tee;

	if (type < INTEL_BODY_SGX || type > INTEL_BODY_TD_1_5)
		return fail(reader, INTEL_QUOTE_UNSUPPORTED_BODY, "byte 48: body type %u, expected 1, 2 or 3", type);
	for (size_t i = 0; i < COUNT_OF(SHAPES); i++)
		if (SHAPES[i].version == 5 && SHAPES[i].body == (enum intel_body)type)
			*shape = &SHAPES[i];
	if ((*shape)->tee != tee)
		return fail(reader, INTEL_QUOTE_MALFORMED, "byte 48: body type %u does not go with TEE type 0x%x", type,
			    tee);
	if ((*shape)->size != size)
		return fail(reader, INTEL_QUOTE_MALFORMED, "byte 50: body size %u, type %u has %u", size, type,
			    (*shape)->size);
	return 0;
}

static int body_parse(struct reader *reader, struct intel_quote *quote, const struct shape *shape)
{
	const uint8_t *body;

	if (quote->version == 5 && descriptor_parse(reader, &shape) < 0)
		return -1;
	if (reader->left < shape->size + 4u)
		return fail(reader, INTEL_QUOTE_TRUNCATED, "%zu bytes are left, body and its successor have %u",
			    reader->left, shape->size + 4u);
	quote->body = shape->body;
	body = take(reader, shape->size);
	quote->signed_size = (size_t)(reader->at - quote->signed_bytes);
	if (shape->body != INTEL_BODY_SGX) {
		td_report_read(body, shape->size, &quote->td);
		return 0;
	}
	*reader->fault = INTEL_QUOTE_MALFORMED;
	return sgx_report_parse(body, "report", &quote->sgx, reader->err);
}

/*
 * A signature that somebody left in DER (SEQUENCE of two INTEGERs) moves all that follows. Only asked once the lengths
 * are known to be wrong: a raw signature may begin with these bytes too.
 */
static bool looks_like_der(const uint8_t *signature)
{
	return signature[0] == 0x30 && signature[1] >= 0x40 && signature[1] <= 0x48 && signature[2] == 0x02;
}

static int cert_data_parse(struct reader *auth, struct intel_quote *quote)
{
	const uint16_t type = le16_get(take(auth, 2));
	const uint32_t size = le32_get(take(auth, 4));

	if (size != auth->left)
		return fail(auth, INTEL_QUOTE_MALFORMED, "certification data: size %u, but %zu bytes are left", size,
			    auth->left);
	if (type < INTEL_CERT_DATA_PPID || type > INTEL_CERT_DATA_PCK_CHAIN)
		return fail(auth, INTEL_QUOTE_UNSUPPORTED_CERT_DATA, "certification data: type %u, expected 1 to 5",
			    type);
	quote->cert_data_type = (enum intel_cert_data)type;
	quote->cert_data_size = size;
	quote->cert_data = take(auth, size);
	return 0;
}

/* QE report and all that follows, at least AUTH_SIZE_MIN less the quote's signature and key. */
static int qe_parse(struct reader *auth, struct intel_quote *quote)
{
	const uint8_t *report = take(auth, SGX_REPORT_SIZE);
	uint16_t size;

	quote->qe_report_signature = take(auth, INTEL_SIGNATURE_SIZE);
	size = le16_get(take(auth, 2));
	if ((size_t)size + CERT_HEADER_SIZE > auth->left)
		return fail(auth, looks_like_der(quote->signature) ? INTEL_QUOTE_MALFORMED : INTEL_QUOTE_TRUNCATED,
			    "QE authentication data: size %u, but %zu bytes are left", size, auth->left);
	quote->qe_auth_data_size = size;
	quote->qe_auth_data = take(auth, size);
	if (cert_data_parse(auth, quote) < 0)
		return -1;
	*auth->fault = INTEL_QUOTE_MALFORMED;
	return sgx_report_parse(report, "QE report", &quote->qe_report, auth->err);
}

/* Versions 4 and 5 put what belongs to the QE into certification data of type 6, which must fill all that is left. */
static int outer_parse(struct reader *auth)
{
	const uint16_t type = le16_get(take(auth, 2));
	const uint32_t size = le32_get(take(auth, 4));

	if (type != CERT_DATA_QE_REPORT)
		return fail(auth, INTEL_QUOTE_MALFORMED, "outer certification data: type %u, expected %u", type,
			    CERT_DATA_QE_REPORT);
	if (size != auth->left)
		return fail(auth, INTEL_QUOTE_MALFORMED, "outer certification data: size %u, but %zu bytes are left",
			    size, auth->left);
	return 0;
}

static int auth_parse(struct reader *reader, struct intel_quote *quote)
{
	const uint32_t size = le32_get(take(reader, 4));
	const uint32_t least = AUTH_SIZE_MIN + (quote->version > 3 ? CERT_HEADER_SIZE : 0);
	struct reader auth = *reader;

	if (size > reader->left || size < least)
		return fail(reader, INTEL_QUOTE_TRUNCATED,
			    "authentication data: size %u, but %zu bytes are left (least %u)", size, reader->left,
			    least);
	auth.left = size;
	quote->trailing_size = reader->left - size;
	quote->signature = take(&auth, INTEL_SIGNATURE_SIZE);
	quote->attestation_key = take(&auth, INTEL_POINT_SIZE);
	if (quote->version > 3 && outer_parse(&auth) < 0)
		return -1;
	return qe_parse(&auth, quote);
}

int intel_quote_parse(const void *data, size_t size, struct intel_quote *ret_quote, enum intel_quote_fault *ret_fault,
		      struct err *err)
{
	struct reader reader = {data, size, ret_fault, err};
	struct intel_quote quote = {.signed_bytes = data};
	const struct shape *shape = NULL;

	if (size < INTEL_QUOTE_SIZE_MIN)
		return fail(&reader, INTEL_QUOTE_TRUNCATED, "%zu bytes, a quote has at least %d", size,
			    INTEL_QUOTE_SIZE_MIN);
	if (size > INTEL_QUOTE_SIZE_MAX)
		return fail(&reader, INTEL_QUOTE_MALFORMED, "%zu bytes, a quote has at most %d", size,
			    INTEL_QUOTE_SIZE_MAX);
	if (header_parse(&reader, &quote, &shape) < 0 || body_parse(&reader, &quote, shape) < 0 ||
	    auth_parse(&reader, &quote) < 0)
		return -1;
	*ret_quote = quote;
	return 0;
}
