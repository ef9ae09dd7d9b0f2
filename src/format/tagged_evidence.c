/* SPDX-License-Identifier: Apache-2.0 */
#include "format/tagged_evidence.h"

#include <string.h>

static int parse_key_hash(const struct cbor_item *bytes, struct tagged_evidence *ret, struct err *err)
{
	struct cbor_reader reader = {bytes->data, bytes->size};
	struct cbor_item pair, algorithm, hash;

	if (cbor_take(&reader, CBOR_ARRAY, "pubkey-hash", &pair, err) < 0)
		return -1;
	if (pair.number != 2)
		return err_set(err, ERR_INVALID, "pubkey-hash: not a pair of algorithm and hash");
	if (cbor_take(&reader, CBOR_UNSIGNED, "pubkey-hash: algorithm", &algorithm, err) < 0 ||
	    cbor_take(&reader, CBOR_BYTES, "pubkey-hash: hash", &hash, err) < 0 ||
	    cbor_end(&reader, "pubkey-hash", err) < 0)
		return -1;
	ret->hash_algorithm = algorithm.number;
	ret->key_hash = hash.data;
	ret->key_hash_size = hash.size;
	return 0;
}

static bool same_text(const struct cbor_item *a, const struct cbor_item *b)
{
	return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* Names are texts here. One that is a number, of either sign (RFC 8392), is no claim of ours: its pair is passed over.
 */
static int check_name(const struct cbor_item *names, size_t count, const struct cbor_item *name, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].kind == name->kind && names[i].number == name->number && same_text(&names[i], name))
			return err_set(err, ERR_INVALID, "claims: one is there twice");
	return 0;
}

static int parse_claim(struct cbor_reader *reader, const struct cbor_item *name, struct tagged_evidence *ret,
		       struct err *err)
{
	struct cbor_item value;

	if (!cbor_text_is(name, "pubkey-hash"))
		return cbor_skip(reader, err);
	if (cbor_take(reader, CBOR_BYTES, "pubkey-hash", &value, err) < 0)
		return -1;
	return parse_key_hash(&value, ret, err);
}

static int parse_claims(struct tagged_evidence *ret, struct err *err)
{
	struct cbor_reader reader = {ret->claims, ret->claims_size};
	struct cbor_item names[TAGGED_EVIDENCE_CLAIMS_MAX];
	struct cbor_item map;

	if (cbor_take(&reader, CBOR_MAP, "claims", &map, err) < 0)
		return -1;
	if (map.number > TAGGED_EVIDENCE_CLAIMS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d claims", TAGGED_EVIDENCE_CLAIMS_MAX);
	for (size_t i = 0; i < map.number; i++) {
		if (cbor_next(&reader, &names[i], err) < 0)
			return err_prefix(err, "claims");
		if (names[i].kind != CBOR_TEXT && names[i].kind != CBOR_UNSIGNED && names[i].kind != CBOR_NEGATIVE)
			return err_set(err, ERR_INVALID, "claims: a name is neither a text nor a number");
		if (check_name(names, i, &names[i], err) < 0 || parse_claim(&reader, &names[i], ret, err) < 0)
			return -1;
	}
	if (!ret->key_hash)
		return err_set(err, ERR_INVALID, "claims: pubkey-hash is missing");
	return cbor_end(&reader, "claims", err);
}

int tagged_evidence_parse(const void *data, size_t size, struct tagged_evidence *ret, struct err *err)
{
	struct cbor_reader reader = {data, size};
	struct tagged_evidence evidence = {0};
	struct cbor_item tag, pair, quote, claims;

	if (size > TAGGED_EVIDENCE_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "tagged evidence of %zu bytes", size);
	if (cbor_take(&reader, CBOR_TAG, "tagged evidence", &tag, err) < 0)
		return -1;
	if (tag.number != TAGGED_EVIDENCE_TAG)
		return err_set(err, ERR_UNSUPPORTED, "tagged evidence with tag %llu, expected %d",
			       (unsigned long long)tag.number, TAGGED_EVIDENCE_TAG);
	if (cbor_take(&reader, CBOR_ARRAY, "tagged evidence", &pair, err) < 0)
		return -1;
	if (pair.number != 2)
		return err_set(err, ERR_INVALID, "tagged evidence: not a pair of quote and claims");
	if (cbor_take(&reader, CBOR_BYTES, "quote", &quote, err) < 0 ||
	    cbor_take(&reader, CBOR_BYTES, "claims", &claims, err) < 0 || cbor_end(&reader, "tagged evidence", err) < 0)
		return -1;
	evidence.quote = quote.data;
	evidence.quote_size = quote.size;
	evidence.claims = claims.data;
	evidence.claims_size = claims.size;
	if (parse_claims(&evidence, err) < 0)
		return -1;
	*ret = evidence;
	return 0;
}
