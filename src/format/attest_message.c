/* SPDX-License-Identifier: Apache-2.0 */
#include "format/attest_message.h"

#include <string.h>

#include "format/base64.h"
#include "format/hex.h"
#include "format/json.h"

#define VERSION 1

static const char *const tee_texts[] = {
#define X(name, text) [MESSAGE_TEE_##name] = text,
    MESSAGE_TEES(X)
#undef X
};

const char *message_tee_text(enum message_tee tee)
{
	return tee_texts[tee];
}

const char *attest_message_fault(const struct err *err)
{
	return err->code == ERR_UNSUPPORTED ? "attest-version" : "attest-malformed";
}

/* Names the class of the failure in the text, and leaves only two codes, or out of memory. */
static int fault(struct err *err)
{
	if (err->code != ERR_UNSUPPORTED && err->code != ERR_NO_MEMORY)
		err->code = ERR_INVALID;
	return err_prefix(err, "%s", attest_message_fault(err));
}

/* The object of a message of our version with just these members. */
static int open_message(const void *data, size_t size, size_t size_max, const char *const *members, json_t **ret,
			struct err *err)
{
	scoped(json_decrefp) json_t *root = NULL;
	int64_t version;

	if (size > size_max)
		return err_set(err, ERR_INVALID, "%zu bytes, the maximum is %zu", size, size_max);
	if (json_parse_strict(data, size, 2, &root, err) < 0)
		return -1;
	if (!json_is_object(root))
		return err_set(err, ERR_INVALID, "no JSON object");
	/* Version first: another one may have other members. */
	if (json_get_int(root, "version", INT64_MIN, INT64_MAX, &version, err) < 0)
		return -1;
	if (version != VERSION)
		return err_set(err, ERR_UNSUPPORTED, "version %lld, expected %d", (long long)version, VERSION);
	if (json_check_members(root, members, err) < 0)
		return -1;
	*ret = TAKE_PTR(root);
	return 0;
}

static int request_parse(const void *data, size_t size, struct attest_request *ret, struct err *err)
{
	static const char *const members[] = {"version", "nonce", NULL};
	scoped(json_decrefp) json_t *root = NULL;
	const char *nonce;

	if (open_message(data, size, ATTEST_REQUEST_SIZE_MAX, members, &root, err) < 0 ||
	    json_get_text(root, "nonce", 2 * sizeof(ret->nonce), &nonce, err) < 0)
		return -1;
	if (hex_decode_lower(nonce, strlen(nonce), ret->nonce, sizeof(ret->nonce), err) < 0)
		return err_prefix(err, "member 'nonce'");
	return 0;
}

int attest_request_parse(const void *data, size_t size, struct attest_request *ret, struct err *err)
{
	return request_parse(data, size, ret, err) < 0 ? fault(err) : 0;
}

int attest_request_format(const struct attest_request *request, struct buf *ret, struct err *err)
{
	char nonce[HEX_TEXT_SIZE(ATTEST_NONCE_SIZE)];

	hex_encode(request->nonce, sizeof(request->nonce), nonce);
	return buf_addf(ret, err, "{\"version\":%d,\"nonce\":\"%s\"}", VERSION, nonce);
}

void attest_answer_done(struct attest_answer *answer)
{
	buf_done(&answer->quote);
	buf_done(&answer->certificate);
	buf_done(&answer->ticket);
}

static int get_bytes(const json_t *root, const char *name, struct buf *ret, struct err *err)
{
	const char *text;

	if (json_get_text(root, name, ATTEST_ANSWER_SIZE_MAX, &text, err) < 0)
		return -1;
	if (base64_decode(text, strlen(text), ret, err) < 0)
		return err_prefix(err, "member '%s'", name);
	return 0;
}

static int get_tee(const json_t *root, enum message_tee *ret, struct err *err)
{
	const char *text;

	if (json_get_text(root, "tee", 8, &text, err) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(tee_texts); i++)
		if (strcmp(text, tee_texts[i]) == 0) {
			*ret = (enum message_tee)i;
			return 0;
		}
	return err_set(err, ERR_INVALID, "member 'tee' is '%s', expected sgx, tdx, snp or sim", text);
}

static int get_path(const json_t *root, struct attest_answer *ret, struct err *err)
{
	json_t *path;

	if (json_get_array(root, "path", ATTEST_PATH_COUNT_MAX, &path, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(path); i++) {
		const json_t *text = json_array_get(path, i);

		if (!json_is_string(text))
			return err_set(err, ERR_INVALID, "element %zu of 'path' is no text", i);
		if (hex_decode_lower(json_string_value(text), json_string_length(text), ret->path[i], ATTEST_HASH_SIZE,
				     err) < 0)
			return err_prefix(err, "element %zu of 'path'", i);
	}
	ret->path_count = json_array_size(path);
	return 0;
}

static int get_numbers(const json_t *root, struct attest_answer *ret, struct err *err)
{
	int64_t role;
	int64_t depth;
	int64_t index;

	if (json_get_int(root, "role", 0, UINT8_MAX, &role, err) < 0 ||
	    json_get_int(root, "depth", 0, UINT32_MAX, &depth, err) < 0 ||
	    json_get_int(root, "index", 0, UINT32_MAX, &index, err) < 0)
		return -1;
	ret->role = (uint8_t)role;
	ret->depth = (uint32_t)depth;
	ret->index = (uint32_t)index;
	return 0;
}

static int check_not_empty(const struct attest_answer *answer, struct err *err)
{
	if (answer->quote.size == 0)
		return err_set(err, ERR_INVALID, "member 'quote' is empty");
	if (answer->certificate.size == 0)
		return err_set(err, ERR_INVALID, "member 'certificate' is empty");
	return 0;
}

static int answer_parse(const void *data, size_t size, struct attest_answer *ret, struct err *err)
{
	static const char *const members[] = {"version", "role", "tee",         "quote",  "depth",
					      "index",   "path", "certificate", "ticket", NULL};
	scoped(json_decrefp) json_t *root = NULL;

	if (open_message(data, size, ATTEST_ANSWER_SIZE_MAX, members, &root, err) < 0 ||
	    get_numbers(root, ret, err) < 0 || get_tee(root, &ret->tee, err) < 0 || get_path(root, ret, err) < 0 ||
	    get_bytes(root, "quote", &ret->quote, err) < 0 ||
	    get_bytes(root, "certificate", &ret->certificate, err) < 0 ||
	    get_bytes(root, "ticket", &ret->ticket, err) < 0)
		return -1;
	return check_not_empty(ret, err);
}

int attest_answer_parse(const void *data, size_t size, struct attest_answer *ret, struct err *err)
{
	scoped(attest_answer_done) struct attest_answer answer = ATTEST_ANSWER_INIT;

	if (answer_parse(data, size, &answer, err) < 0)
		return fault(err);
	*ret = answer;
	answer = ATTEST_ANSWER_INIT;
	return 0;
}

static int add_bytes(struct buf *buf, const char *name, const struct buf *bytes, struct err *err)
{
	if (buf_addf(buf, err, ",\"%s\":\"", name) < 0 || base64_encode(bytes->data, bytes->size, buf, err) < 0)
		return -1;
	return buf_add_byte(buf, '"', err);
}

static int add_path(struct buf *buf, const struct attest_answer *answer, struct err *err)
{
	if (buf_addf(buf, err, ",\"depth\":%u,\"index\":%u,\"path\":[", answer->depth, answer->index) < 0)
		return -1;
	for (size_t i = 0; i < answer->path_count; i++)
		if (buf_add_text(buf, i == 0 ? "\"" : ",\"", err) < 0 ||
		    hex_add(buf, answer->path[i], ATTEST_HASH_SIZE, err) < 0 || buf_add_byte(buf, '"', err) < 0)
			return -1;
	return buf_add_byte(buf, ']', err);
}

int attest_answer_format(const struct attest_answer *answer, struct buf *ret, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(ATTEST_ANSWER_SIZE_MAX);

	if (buf_addf(&text, err, "{\"version\":%d,\"role\":%u,\"tee\":\"%s\"", VERSION, answer->role,
		     message_tee_text(answer->tee)) < 0 ||
	    add_bytes(&text, "quote", &answer->quote, err) < 0 || add_path(&text, answer, err) < 0 ||
	    add_bytes(&text, "certificate", &answer->certificate, err) < 0 ||
	    add_bytes(&text, "ticket", &answer->ticket, err) < 0 || buf_add_byte(&text, '}', err) < 0)
		return err_prefix(err, "attestation answer");
	return buf_add(ret, text.data, text.size, err);
}
