/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors are those of attested-channel.md section 4. */
#include "unit.h"

#include <string.h>

#include "attest/fresh_binding.h"
#include "hexbytes.h"

#define LEAF "91ed65cc60ced0ed6cb6974114a73478bc0646199f1c85676501dc33a46bc1f3"
#define HEAD_0 "803f4ba7d464af77de153323ba618123aaa46b604a9b1fd3eae66669573cd56d"
#define PAD "e064fc74dd0a906e7a50cb0e8070df227512a6191ab0104fdb30dae1065b71a0"
#define NODE_01 "b26172f12db3f5e55f6c896d31eb0037b5bc77ecb5af0a53555a707f32c52444"
#define ROOT_3 "23e8dce56f2eb9e7800d95eb50b2b19aede8a2a967a7c04a8caacfe322785725"
#define HEAD_3 "b62e4a2eca28d999108d98fee147599d9fae3b4259f4a8249dfe1345d3ad6cb0"
#define TAG \
	"6d73652d6174746573742d31" \
	"0000000000000000000000000000000000000000"

static struct fresh_claim vector_claim(void)
{
	struct fresh_claim claim = {.role = 2};

	count_up(0x00, claim.nonce, 32);
	count_up(0x20, claim.exporter, 32);
	count_up(0x40, claim.tls_key, 32);
	count_up(0x60, claim.identity, 64);
	count_up(0xa0, claim.instance, 32);
	count_up(0xc0, claim.ticket_hash, 32);
	return claim;
}

/* l0, l1, l2 of the vector. */
static void vector_leaves(uint8_t ret[3][FRESH_HASH_SIZE])
{
	struct fresh_claim claim = vector_claim();

	fresh_leaf(&claim, ret[2]);
	for (size_t i = 0; i < 32; i++)
		claim.nonce[i] = (uint8_t)(31 - i);
	fresh_leaf(&claim, ret[1]);
	claim = vector_claim();
	claim.role = 1;
	memset(claim.ticket_hash, 0, sizeof(claim.ticket_hash));
	fresh_leaf(&claim, ret[0]);
}

static void one_leaf_is_its_own_tree(void **state)
{
	scoped(fresh_tree_freep) struct fresh_tree *tree = NULL;
	const struct fresh_claim claim = vector_claim();
	const struct fresh_proof proof = {.depth = 0};
	uint8_t leaf[1][FRESH_HASH_SIZE];
	uint8_t report_data[FRESH_REPORT_DATA_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	fresh_leaf(&claim, leaf[0]);
	assert_hex_equal(leaf[0], 32, LEAF);
	assert_ok(fresh_tree_new(leaf, 1, &tree, &err), &err);
	assert_int_equal(fresh_tree_depth(tree), 0);
	fresh_tree_report_data(tree, report_data);
	assert_hex_equal(report_data, 64, HEAD_0 TAG);
	assert_int_equal(fresh_proof_verify(&claim, &proof, report_data), FRESH_OK);
}

static void three_leaves_are_padded_to_four(void **state)
{
	scoped(fresh_tree_freep) struct fresh_tree *tree = NULL;
	uint8_t leaves[3][FRESH_HASH_SIZE];
	uint8_t path[FRESH_DEPTH_MAX][FRESH_HASH_SIZE];
	uint8_t root[FRESH_HASH_SIZE];
	uint8_t report_data[FRESH_REPORT_DATA_SIZE];
	struct err err = ERR_INIT;

	(void)state;
	vector_leaves(leaves);
	assert_ok(fresh_tree_new(leaves, 3, &tree, &err), &err);
	assert_int_equal(fresh_tree_depth(tree), 2);
	fresh_tree_path(tree, 2, path);
	assert_hex_equal(path[0], 32, PAD);
	assert_hex_equal(path[1], 32, NODE_01);
	fresh_tree_root(tree, root);
	assert_hex_equal(root, 32, ROOT_3);
	fresh_tree_report_data(tree, report_data);
	assert_hex_equal(report_data, 64, HEAD_3 TAG);
}

/* A batch of count connections that differ in their nonces, with proofs of all of them. */
struct batch {
	struct fresh_tree *tree;
	size_t count;
	uint8_t report_data[FRESH_REPORT_DATA_SIZE];
};

static struct fresh_claim batch_claim(size_t index)
{
	struct fresh_claim claim = vector_claim();

	claim.nonce[0] = (uint8_t)(index >> 8);
	claim.nonce[1] = (uint8_t)index;
	return claim;
}

static void make_batch(size_t count, struct batch *ret)
{
	uint8_t(*leaves)[FRESH_HASH_SIZE] = calloc(count, sizeof(*leaves));
	struct err err = ERR_INIT;

	assert_non_null(leaves);
	for (size_t i = 0; i < count; i++) {
		const struct fresh_claim claim = batch_claim(i);

		fresh_leaf(&claim, leaves[i]);
	}
	ret->count = count;
	assert_ok(fresh_tree_new((const uint8_t(*)[FRESH_HASH_SIZE])leaves, count, &ret->tree, &err), &err);
	fresh_tree_report_data(ret->tree, ret->report_data);
	free(leaves);
}

static enum fresh_result verify_in(const struct batch *batch, size_t claim_index, size_t proof_index)
{
	const struct fresh_claim claim = batch_claim(claim_index);
	uint8_t path[FRESH_DEPTH_MAX][FRESH_HASH_SIZE];
	const unsigned depth = fresh_tree_depth(batch->tree);
	const struct fresh_proof proof = {.depth = depth,
					  .index = (uint32_t)proof_index,
					  .path = (const uint8_t(*)[FRESH_HASH_SIZE])path,
					  .path_count = depth};

	fresh_tree_path(batch->tree, proof_index, path);
	return fresh_proof_verify(&claim, &proof, batch->report_data);
}

static void every_proof_of_every_size_passes(void **state)
{
	static const size_t counts[] = {1, 2, 3, 4, 5, 7, 8, 9, 513, 1023, FRESH_LEAVES_MAX};

	(void)state;
	for (size_t k = 0; k < COUNT_OF(counts); k++) {
		struct batch batch;

		make_batch(counts[k], &batch);
		for (size_t i = 0; i < batch.count; i++)
			assert_int_equal(verify_in(&batch, i, i), FRESH_OK);
		fresh_tree_free(batch.tree);
	}
}

static void the_proof_of_another_leaf_fails(void **state)
{
	struct batch batch;

	(void)state;
	make_batch(5, &batch);
	for (size_t i = 0; i < batch.count; i++)
		for (size_t k = 0; k < batch.count; k++)
			assert_int_equal(verify_in(&batch, i, k), i == k ? FRESH_OK : FRESH_BINDING);
	fresh_tree_free(batch.tree);
}

static void batches_have_a_limit(void **state)
{
	static const uint8_t leaves[FRESH_LEAVES_MAX + 1][FRESH_HASH_SIZE];
	struct fresh_tree *tree = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_fails(fresh_tree_new(leaves, 0, &tree, &err), &err, ERR_LIMIT, "0 leaves");
	assert_fails(fresh_tree_new(leaves, FRESH_LEAVES_MAX + 1, &tree, &err), &err, ERR_LIMIT, "1025 leaves");
	assert_null(tree);
}

static void proofs_of_wrong_shape_are_named(void **state)
{
	static const uint8_t path[FRESH_DEPTH_MAX + 1][FRESH_HASH_SIZE];
	const struct fresh_claim claim = vector_claim();
	static const struct fresh_proof rows[] = {
	    {.depth = 11, .index = 0, .path = path, .path_count = 11},
	    {.depth = 2, .index = 4, .path = path, .path_count = 2},
	    {.depth = 2, .index = 0, .path = path, .path_count = 1},
	    {.depth = 2, .index = 0, .path = path, .path_count = 3},
	    {.depth = 0, .index = 1, .path = path, .path_count = 0},
	    {.depth = 0, .index = 0, .path = path, .path_count = 1},
	    {.depth = 64, .index = 0, .path = path, .path_count = 0},
	    {.depth = UINT32_MAX, .index = UINT32_MAX},
	};
	uint8_t report_data[FRESH_REPORT_DATA_SIZE];

	(void)state;
	hex_bytes(HEAD_0 TAG, report_data, sizeof(report_data));
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(fresh_proof_verify(&claim, &rows[i], report_data), FRESH_PROOF);
}

/* Every byte of the claim, of the path and of the head counts; a shorter proof cannot pass an inner node off. */
static void any_other_value_breaks_the_binding(void **state)
{
	const struct fresh_claim honest = vector_claim();
	const struct fresh_proof none = {.depth = 0};
	uint8_t report_data[FRESH_REPORT_DATA_SIZE];

	(void)state;
	hex_bytes(HEAD_0 TAG, report_data, sizeof(report_data));
	for (size_t i = 0; i < sizeof(honest); i++) {
		struct fresh_claim claim = honest;

		((uint8_t *)&claim)[i] ^= 1;
		assert_int_equal(fresh_proof_verify(&claim, &none, report_data), FRESH_BINDING);
	}
	for (size_t i = 0; i < sizeof(report_data); i++) {
		report_data[i] ^= 1;
		assert_int_equal(fresh_proof_verify(&honest, &none, report_data), i < 32 ? FRESH_BINDING : FRESH_TAG);
		report_data[i] ^= 1;
	}
}

static void depth_is_part_of_the_head(void **state)
{
	uint8_t path[2][FRESH_HASH_SIZE];
	const struct fresh_claim claim = vector_claim();
	struct fresh_proof proof = {
	    .depth = 2, .index = 2, .path = (const uint8_t(*)[FRESH_HASH_SIZE])path, .path_count = 2};
	uint8_t report_data[FRESH_REPORT_DATA_SIZE];

	(void)state;
	hex_bytes(HEAD_3 TAG, report_data, sizeof(report_data));
	hex_bytes(PAD, path[0], 32);
	hex_bytes(NODE_01, path[1], 32);
	assert_int_equal(fresh_proof_verify(&claim, &proof, report_data), FRESH_OK);
	for (uint32_t index = 0; index < 4; index++) {
		proof.index = index;
		assert_int_equal(fresh_proof_verify(&claim, &proof, report_data),
				 index == 2 ? FRESH_OK : FRESH_BINDING);
	}
	proof = (struct fresh_proof){.depth = 1, .index = 0, .path = proof.path, .path_count = 1};
	assert_int_equal(fresh_proof_verify(&claim, &proof, report_data), FRESH_BINDING);
}

static void tags_are_told_from_identities(void **state)
{
	uint8_t report_data[FRESH_REPORT_DATA_SIZE] = {0};

	(void)state;
	assert_false(fresh_has_tag(report_data));
	assert_false(fresh_is_reserved(report_data));
	memcpy(report_data + 32, "mse-key-1", 9);
	assert_false(fresh_has_tag(report_data));
	assert_true(fresh_is_reserved(report_data));
	memset(report_data + 32, 0, 32);
	memcpy(report_data + 32, FRESH_LABEL, 12);
	assert_true(fresh_has_tag(report_data));
	assert_string_equal(fresh_result_text(FRESH_TAG), "fresh-tag");
	assert_string_equal(fresh_result_text(FRESH_BINDING), "fresh-binding");
	assert_string_equal(fresh_result_text(FRESH_PROOF), "proof");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_leaf_is_its_own_tree),
	    cmocka_unit_test(three_leaves_are_padded_to_four),
	    cmocka_unit_test(every_proof_of_every_size_passes),
	    cmocka_unit_test(the_proof_of_another_leaf_fails),
	    cmocka_unit_test(batches_have_a_limit),
	    cmocka_unit_test(proofs_of_wrong_shape_are_named),
	    cmocka_unit_test(any_other_value_breaks_the_binding),
	    cmocka_unit_test(depth_is_part_of_the_head),
	    cmocka_unit_test(tags_are_told_from_identities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
