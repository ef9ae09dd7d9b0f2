/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/fresh_binding.h"

#include <assert.h>
#include <string.h>

#include "crypto/hash.h"

#define LABEL_SIZE (sizeof(FRESH_LABEL) - 1)
/* First bytes that keep leaf, node, head and pad apart. */
#define KIND_LEAF 0
#define KIND_NODE 1
#define KIND_HEAD 2
#define KIND_PAD 3
#define LEAF_INPUT_SIZE 238

_Static_assert(FRESH_HASH_SIZE == SHA256_SIZE, "hash");
_Static_assert(1 << FRESH_DEPTH_MAX == FRESH_LEAVES_MAX, "a full tree");
_Static_assert(1 + LABEL_SIZE + sizeof(struct fresh_claim) == LEAF_INPUT_SIZE, "section 4 says 238");

/* Levels one after another: the leaves (filled up with pads) first, the root last. */
struct fresh_tree {
	unsigned depth;
	size_t count;
	uint8_t nodes[2 * FRESH_LEAVES_MAX][FRESH_HASH_SIZE];
};

static uint8_t *put(uint8_t *at, const void *data, size_t size)
{
	return mempcpy(at, data, size);
}

static uint8_t *put_start(uint8_t *at, uint8_t kind)
{
	*at++ = kind;
	return put(at, FRESH_LABEL, LABEL_SIZE);
}

void fresh_leaf(const struct fresh_claim *claim, uint8_t ret[static FRESH_HASH_SIZE])
{
	uint8_t input[LEAF_INPUT_SIZE];
	uint8_t *at = put_start(input, KIND_LEAF);

	*at++ = claim->role;
	at = put(at, claim->nonce, sizeof(claim->nonce));
	at = put(at, claim->exporter, sizeof(claim->exporter));
	at = put(at, claim->tls_key, sizeof(claim->tls_key));
	at = put(at, claim->identity, sizeof(claim->identity));
	at = put(at, claim->instance, sizeof(claim->instance));
	at = put(at, claim->ticket_hash, sizeof(claim->ticket_hash));
	assert(at == input + sizeof(input));
	sha256(input, sizeof(input), ret);
}

static void pad_hash(uint8_t ret[static FRESH_HASH_SIZE])
{
	uint8_t input[1 + LABEL_SIZE];

	(void)put_start(input, KIND_PAD);
	sha256(input, sizeof(input), ret);
}

static void node_hash(const uint8_t left[static FRESH_HASH_SIZE], const uint8_t right[static FRESH_HASH_SIZE],
		      uint8_t ret[static FRESH_HASH_SIZE])
{
	uint8_t input[1 + 2 * FRESH_HASH_SIZE];

	input[0] = KIND_NODE;
	memcpy(input + 1, left, FRESH_HASH_SIZE);
	memcpy(input + 1 + FRESH_HASH_SIZE, right, FRESH_HASH_SIZE);
	sha256(input, sizeof(input), ret);
}

static void head_hash(uint8_t depth, const uint8_t root[static FRESH_HASH_SIZE], uint8_t ret[static FRESH_HASH_SIZE])
{
	uint8_t input[1 + LABEL_SIZE + 1 + FRESH_HASH_SIZE];
	uint8_t *at = put_start(input, KIND_HEAD);

	*at++ = depth;
	(void)put(at, root, FRESH_HASH_SIZE);
	sha256(input, sizeof(input), ret);
}

/* REPORTDATA from depth and root. */
static void make_report_data(unsigned depth, const uint8_t root[static FRESH_HASH_SIZE],
			     uint8_t ret[static FRESH_REPORT_DATA_SIZE])
{
	memset(ret, 0, FRESH_REPORT_DATA_SIZE);
	head_hash((uint8_t)depth, root, ret);
	memcpy(ret + FRESH_HASH_SIZE, FRESH_LABEL, LABEL_SIZE);
}

bool fresh_has_tag(const uint8_t report_data[static FRESH_REPORT_DATA_SIZE])
{
	uint8_t tag[FRESH_REPORT_DATA_SIZE - FRESH_HASH_SIZE] = {0};

	memcpy(tag, FRESH_LABEL, LABEL_SIZE);
	return memcmp(report_data + FRESH_HASH_SIZE, tag, sizeof(tag)) == 0;
}

bool fresh_is_reserved(const uint8_t report_data[static FRESH_REPORT_DATA_SIZE])
{
	return memcmp(report_data + FRESH_HASH_SIZE, "mse-", 4) == 0;
}

static unsigned depth_for(size_t count)
{
	unsigned depth = 0;

	while ((size_t)1 << depth < count)
		depth++;
	return depth;
}

/* Where the level that is height levels above the leaves begins. */
static size_t level_start(const struct fresh_tree *tree, unsigned height)
{
	size_t start = 0;

	for (unsigned i = 0; i < height; i++)
		start += (size_t)1 << (tree->depth - i);
	return start;
}

static void build(struct fresh_tree *tree)
{
	for (size_t i = tree->count; i < (size_t)1 << tree->depth; i++)
		pad_hash(tree->nodes[i]);
	for (unsigned height = 1; height <= tree->depth; height++) {
		const size_t from = level_start(tree, height - 1);
		const size_t to = level_start(tree, height);

		for (size_t i = 0; i < (size_t)1 << (tree->depth - height); i++)
			node_hash(tree->nodes[from + 2 * i], tree->nodes[from + 2 * i + 1], tree->nodes[to + i]);
	}
}

int fresh_tree_new(const uint8_t (*leaves)[FRESH_HASH_SIZE], size_t count, struct fresh_tree **ret, struct err *err)
{
	struct fresh_tree *tree;

	if (count < 1 || count > FRESH_LEAVES_MAX)
		return err_set(err, ERR_LIMIT, "batch of %zu leaves, expected 1..%d", count, FRESH_LEAVES_MAX);
	tree = calloc(1, sizeof(*tree));
	if (!tree)
		return err_no_memory(err);
	tree->depth = depth_for(count);
	tree->count = count;
	memcpy(tree->nodes, leaves, count * FRESH_HASH_SIZE);
	build(tree);
	*ret = tree;
	return 0;
}

void fresh_tree_free(struct fresh_tree *tree)
{
	free(tree);
}

unsigned fresh_tree_depth(const struct fresh_tree *tree)
{
	return tree->depth;
}

void fresh_tree_root(const struct fresh_tree *tree, uint8_t ret[static FRESH_HASH_SIZE])
{
	memcpy(ret, tree->nodes[level_start(tree, tree->depth)], FRESH_HASH_SIZE);
}

void fresh_tree_report_data(const struct fresh_tree *tree, uint8_t ret[static FRESH_REPORT_DATA_SIZE])
{
	make_report_data(tree->depth, tree->nodes[level_start(tree, tree->depth)], ret);
}

void fresh_tree_path(const struct fresh_tree *tree, size_t index, uint8_t ret[FRESH_DEPTH_MAX][FRESH_HASH_SIZE])
{
	assert(index < tree->count);
	for (unsigned height = 0; height < tree->depth; height++) {
		const size_t sibling = (index >> height) ^ 1;

		memcpy(ret[height], tree->nodes[level_start(tree, height) + sibling], FRESH_HASH_SIZE);
	}
}

const char *fresh_result_text(enum fresh_result result)
{
	static const char *const texts[] = {
#define X(name, text) [FRESH_##name] = text,
	    FRESH_RESULTS(X)
#undef X
	};

	return texts[result];
}

static void root_of_proof(const struct fresh_claim *claim, const struct fresh_proof *proof,
			  uint8_t ret[static FRESH_HASH_SIZE])
{
	fresh_leaf(claim, ret);
	for (uint32_t height = 0; height < proof->depth; height++) {
		uint8_t below[FRESH_HASH_SIZE];

		memcpy(below, ret, sizeof(below));
		if (proof->index >> height & 1)
			node_hash(proof->path[height], below, ret);
		else
			node_hash(below, proof->path[height], ret);
	}
}

enum fresh_result fresh_proof_verify(const struct fresh_claim *claim, const struct fresh_proof *proof,
				     const uint8_t report_data[static FRESH_REPORT_DATA_SIZE])
{
	uint8_t root[FRESH_HASH_SIZE];
	uint8_t wanted[FRESH_REPORT_DATA_SIZE];

	if (proof->depth > FRESH_DEPTH_MAX || proof->index >= (uint32_t)1 << proof->depth ||
	    proof->path_count != proof->depth)
		return FRESH_PROOF;
	if (!fresh_has_tag(report_data))
		return FRESH_TAG;
	root_of_proof(claim, proof, root);
	make_report_data(proof->depth, root, wanted);
	return memcmp(wanted, report_data, sizeof(wanted)) == 0 ? FRESH_OK : FRESH_BINDING;
}
