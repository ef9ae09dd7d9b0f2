/* SPDX-License-Identifier: Apache-2.0 */
#include "collateral/record.h"

#include <inttypes.h>
#include <string.h>

#include "base/number.h"
#include "crypto/hash.h"
#include "format/hex.h"

#define MAGIC "mse-collateral-1"
#define HASH_SIZE 32
#define NUMBER_TEXT_MAX 24

void collateral_record_done(struct collateral_record *record)
{
	collateral_answer_done(&record->answer);
}

static void hash_record(const void *head, size_t head_size, const void *rest, size_t rest_size,
			uint8_t ret[static HASH_SIZE])
{
	struct sha256_ctx *ctx = sha256_new();

	sha256_add(ctx, head, head_size);
	sha256_add(ctx, rest, rest_size);
	sha256_finish(ctx, ret);
	sha256_free(ctx);
}

/* A line must stay one line. */
static int check_line(const char *text, struct err *err)
{
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
			return err_set(err, ERR_INVALID, "'%.100s' has a character that a line cannot have", text);
	}
	return 0;
}

int collateral_record_format(const struct collateral_record *record, struct buf *ret, struct err *err)
{
	const struct collateral_answer *answer = &record->answer;
	scoped(buf_done) struct buf head = BUF_INIT(2 * COLLATERAL_NAME_MAX + COLLATERAL_SOURCE_MAX);
	scoped(buf_done) struct buf rest = BUF_INIT(COLLATERAL_RECORD_MAX);
	uint8_t hash[HASH_SIZE];

	if (check_line(record->name, err) < 0 || check_line(record->source, err) < 0 ||
	    buf_addf(&head, err,
		     MAGIC "\nname %s\nsource %s\nfetched %" PRId64 "\nfrom %" PRId64 "\nuntil %" PRId64
			   "\nbody %zu\nchain %zu\n",
		     record->name, record->source, record->fetched, answer->from, answer->until, answer->body.size,
		     answer->chain.size) < 0 ||
	    buf_add(&rest, answer->body.data, answer->body.size, err) < 0 ||
	    buf_add(&rest, answer->chain.data, answer->chain.size, err) < 0)
		return -1;
	hash_record(head.data, head.size, rest.data, rest.size, hash);
	if (buf_add(ret, head.data, head.size, err) < 0 || buf_add_text(ret, "sha256 ", err) < 0 ||
	    hex_add(ret, hash, sizeof(hash), err) < 0 || buf_add_text(ret, "\n\n", err) < 0)
		return -1;
	return buf_add(ret, rest.data, rest.size, err);
}

/* ---- reading ---- */

struct reader {
	const char *at;
	const char *end;
};

/* The line "LABEL TEXT" into ret, which has room for max bytes with the zero byte. An empty label: the bare line. */
static int take_line(struct reader *reader, const char *label, char *ret, size_t max, struct err *err)
{
	const char *end = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	const size_t label_size = strlen(label);
	size_t size;

	if (!end)
		return err_set(err, ERR_INVALID, "line '%s' is cut", label);
	size = (size_t)(end - reader->at);
	if (size < label_size || memcmp(reader->at, label, label_size) != 0 || size - label_size >= max)
		return err_set(err, ERR_INVALID, "no line '%s'", label);
	memcpy(ret, reader->at + label_size, size - label_size);
	ret[size - label_size] = '\0';
	reader->at = end + 1;
	return check_line(ret, err);
}

static int take_number(struct reader *reader, const char *label, int64_t min, int64_t max, int64_t *ret,
		       struct err *err)
{
	char text[NUMBER_TEXT_MAX];

	if (take_line(reader, label, text, sizeof(text), err) < 0)
		return -1;
	return number_parse_i64(text, min, max, ret, err);
}

static int take_bytes(struct reader *reader, int64_t size, struct buf *ret, struct err *err)
{
	if (size > reader->end - reader->at)
		return err_set(err, ERR_INVALID, "it is cut");
	buf_clear(ret);
	if (buf_add(ret, reader->at, (size_t)size, err) < 0)
		return -1;
	reader->at += size;
	return 0;
}

static int take_hash(struct reader *reader, const char *start, struct err *err)
{
	const size_t head_size = (size_t)(reader->at - start);
	char text[HEX_TEXT_SIZE(HASH_SIZE)], empty[1];
	uint8_t told[HASH_SIZE], hash[HASH_SIZE];

	if (take_line(reader, "sha256 ", text, sizeof(text), err) < 0 ||
	    hex_decode(text, strlen(text), told, sizeof(told), err) < 0 ||
	    take_line(reader, "", empty, sizeof(empty), err) < 0)
		return -1;
	hash_record(start, head_size, reader->at, (size_t)(reader->end - reader->at), hash);
	if (memcmp(told, hash, sizeof(hash)) != 0)
		return err_set(err, ERR_INVALID, "it was changed");
	return 0;
}

int collateral_record_parse(const void *data, size_t size, struct collateral_record *ret, struct err *err)
{
	struct reader reader = {data, (const char *)data + size};
	struct collateral_answer *answer = &ret->answer;
	int64_t body, chain;
	char magic[sizeof(MAGIC)];

	if (size == 0 || take_line(&reader, "", magic, sizeof(magic), err) < 0 || strcmp(magic, MAGIC) != 0)
		return err_set(err, ERR_INVALID, "no record of collateral");
	if (take_line(&reader, "name ", ret->name, sizeof(ret->name), err) < 0 ||
	    take_line(&reader, "source ", ret->source, sizeof(ret->source), err) < 0 ||
	    take_number(&reader, "fetched ", INT64_MIN, INT64_MAX, &ret->fetched, err) < 0 ||
	    take_number(&reader, "from ", INT64_MIN, INT64_MAX, &answer->from, err) < 0 ||
	    take_number(&reader, "until ", INT64_MIN, INT64_MAX, &answer->until, err) < 0 ||
	    take_number(&reader, "body ", 0, COLLATERAL_RECORD_MAX, &body, err) < 0 ||
	    take_number(&reader, "chain ", 0, COLLATERAL_RECORD_MAX, &chain, err) < 0 ||
	    take_hash(&reader, data, err) < 0 || take_bytes(&reader, body, &answer->body, err) < 0 ||
	    take_bytes(&reader, chain, &answer->chain, err) < 0)
		return -1;
	if (reader.at != reader.end)
		return err_set(err, ERR_INVALID, "it has bytes after its end");
	return 0;
}
