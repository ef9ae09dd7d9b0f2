/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Items of the cache. As they are, and with the right hash put in, so that what lies behind it is reached; what is
 * accepted must be written the same way again.
 */
#include <stdlib.h>
#include <string.h>

#include "collateral/record.h"
#include "crypto/hash.h"
#include "format/hex.h"

#define HASH_LABEL "\nsha256 "

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void try_record(const uint8_t *data, size_t size)
{
	scoped(collateral_record_done) struct collateral_record record = COLLATERAL_RECORD_INIT;
	scoped(collateral_record_done) struct collateral_record again = COLLATERAL_RECORD_INIT;
	scoped(buf_done) struct buf bytes = BUF_INIT(COLLATERAL_RECORD_MAX);
	struct err err = ERR_INIT;

	if (collateral_record_parse(data, size, &record, &err) < 0)
		return;
	check(collateral_record_format(&record, &bytes, &err) == 0);
	check(collateral_record_parse(bytes.data, bytes.size, &again, &err) == 0);
	check(strcmp(record.name, again.name) == 0 && record.fetched == again.fetched &&
	      record.answer.chain.size == again.answer.chain.size);
}

/* The text "HEX\n\n" after the label becomes the hash of the rest. */
static void correct_hash(uint8_t *data, size_t size)
{
	uint8_t *label = memmem(data, size, HASH_LABEL, strlen(HASH_LABEL));
	uint8_t *rest = label ? label + strlen(HASH_LABEL) + HEX_TEXT_SIZE(SHA256_SIZE) + 1 : NULL;
	scoped(sha256_freep) struct sha256_ctx *ctx = sha256_new();
	uint8_t hash[SHA256_SIZE];
	char hex[HEX_TEXT_SIZE(SHA256_SIZE)];

	if (!rest || rest > data + size)
		return;
	sha256_add(ctx, data, (size_t)(label + 1 - data));
	sha256_add(ctx, rest, (size_t)(data + size - rest));
	sha256_finish(ctx, hash);
	hex_encode(hash, sizeof(hash), hex);
	memcpy(label + strlen(HASH_LABEL), hex, sizeof(hex) - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(freep) uint8_t *copy = malloc(size + 1);

	if (!copy || size > COLLATERAL_RECORD_MAX)
		return 0;
	try_record(data, size);
	memcpy(copy, data, size);
	correct_hash(copy, size);
	try_record(copy, size);
	return 0;
}
