/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse attest bundle: evidence and all the collateral that its verdict needs, in one file, to be judged where there is
 * no network. Nothing is judged here, and nothing that evidence has to be bound to goes into the file.
 */
#include <string.h>

#include "base/clock.h"
#include "cli/attest_evidence.h"
#include "cli/attest_options.h"
#include "cli/bundle_file.h"
#include "crypto/hash.h"
#include "format/hex.h"

#define FILE_MODE 0644

static const enum bundle_kind KINDS[] = {
    [EVIDENCE_QUOTE] = BUNDLE_QUOTE, [EVIDENCE_REPORT] = BUNDLE_REPORT, [EVIDENCE_RATLS] = BUNDLE_RATLS};

struct gathering {
	struct attest_options options;
	struct evidence evidence;
	struct bundle bundle;
};

#define AMD_ITEMS \
	(1u << COLLATERAL_ITEM_VEK | 1u << COLLATERAL_ITEM_ASK | 1u << COLLATERAL_ITEM_ARK | \
	 1u << COLLATERAL_ITEM_ARK_CRL)
#define INTEL_ITEMS \
	(1u << COLLATERAL_ITEM_TCB_INFO | 1u << COLLATERAL_ITEM_TCB_INFO_ISSUER_CHAIN | \
	 1u << COLLATERAL_ITEM_QE_IDENTITY | 1u << COLLATERAL_ITEM_QE_IDENTITY_ISSUER_CHAIN | \
	 1u << COLLATERAL_ITEM_ROOT_CA_CRL | 1u << COLLATERAL_ITEM_PCK_CRL)

/* A bit for each item that a verdict on this evidence cannot do without; 0 if it cannot be read. */
static unsigned find_needed(const struct bundle *bundle)
{
	const struct attest_bytes evidence = {bundle->evidence.data, bundle->evidence.size};
	struct attest_needs needs;
	const char *why;

	if (attest_needs(&evidence, &needs, &why) < 0)
		return 0;
	return needs.tee == ATTEST_TEE_SEV_SNP ? AMD_ITEMS : INTEL_ITEMS;
}

static json_t *describe_items(const struct collateral_items *items)
{
	json_t *object = json_object();
	uint8_t hash[SHA256_SIZE];
	char text[HEX_TEXT_SIZE(SHA256_SIZE)];

	for (enum collateral_item item = 0; object && item < COLLATERAL_ITEM_COUNT; item++) {
		const struct buf *bytes = &items->items[item];

		if (bytes->size == 0)
			continue;
		sha256(bytes->data, bytes->size, hash);
		hex_encode(hash, sizeof(hash), text);
		(void)json_object_set_new(object, collateral_item_text(item),
					  json_pack("{s:I,s:s}", "size", (json_int_t)bytes->size, "sha256", text));
	}
	return object;
}

/* Who gave what is new in it. */
static void tell_sources(struct cmd_call *call, const struct gathering *gathering)
{
	scoped(buf_done) struct buf line = BUF_INIT(COLLATERAL_SET_TEXT_MAX);
	struct err ignored = ERR_INIT;

	if (collateral_source_text(gathering->options.collateral, &line, &ignored) == 0 && line.size)
		out_info(call->out, "Collateral of: %s", buf_text(&line));
}

static void report(struct cmd_call *call, const char *path, const struct gathering *gathering)
{
	const struct bundle *bundle = &gathering->bundle;
	json_t *missing = json_array();
	const unsigned needed = find_needed(bundle);

	for (enum collateral_item item = 0; item < COLLATERAL_ITEM_COUNT; item++) {
		if (bundle->collateral.items[item].size || !(needed & 1u << item))
			continue;
		out_warning(call->out, "The bundle has no %s: a verdict will need it", collateral_item_text(item));
		(void)json_array_append_new(missing, json_string(collateral_item_text(item)));
	}
	if (cmd_has(call, "json")) {
		out_json(call->out, json_pack("{s:s,s:s,s:b,s:I,s:o,s:o,s:o}", "file", path, "kind",
					      bundle_kind_text(bundle->kind), "verified", 0, "evidence_size",
					      (json_int_t)bundle->evidence.size, "collateral",
					      describe_items(&bundle->collateral), "missing", missing, "sources",
					      collateral_source_json(gathering->options.collateral)));
		return;
	}
	json_decref(missing);
	tell_sources(call, gathering);
	out_success(call->out, "The bundle has been saved at: %s (not verified: see 'mse attest verify --bundle')",
		    path);
}

static int gather(const struct cmd_call *call, struct gathering *gathering, struct err *err)
{
	const struct buf *evidence = &gathering->bundle.evidence;
	struct collateral_items *kept = &gathering->bundle.collateral;
	const struct attest_options *options = &gathering->options;
	scoped(collateral_loan_freep) struct collateral_loan *loan = NULL;

	if (attest_options_guess(call, NULL, &gathering->options, err) < 0 ||
	    collateral_source_get(options->collateral, &options->roots, &options->policy, evidence->data,
				  evidence->size, &loan, err) < 0)
		return -1;
	for (enum collateral_item item = 0; item < COLLATERAL_ITEM_COUNT; item++) {
		const struct buf *fresh = &collateral_loan_items(loan)->items[item];

		/* What the source does not have is kept: a bundle never loses its chain by being refreshed. */
		if (fresh->size == 0)
			continue;
		buf_clear(&kept->items[item]);
		if (buf_add(&kept->items[item], fresh->data, fresh->size, err) < 0)
			return err_prefix(err, "%s", collateral_item_text(item));
	}
	gathering->bundle.made = clock_now_seconds();
	return 0;
}

static int make(struct cmd_call *call, struct gathering *gathering, struct err *err)
{
	const char *path = cmd_value(call, "output");
	const int found = evidence_load(call, &gathering->evidence, err);

	if (found < 0)
		return -1;
	if (!found)
		return err_set(err, ERR_INVALID,
			       "no evidence: give --quote, --report, --ratls or --host, or --refresh");
	if (!path)
		return err_set(err, ERR_INVALID, "option '--output' is missing");
	if (gathering->evidence.data.size == 0)
		return err_set(err, ERR_INVALID, "'%s' is empty", gathering->evidence.from);
	gathering->bundle.kind = KINDS[gathering->evidence.kind];
	if (buf_add(&gathering->bundle.evidence, gathering->evidence.data.data, gathering->evidence.data.size, err) <
		0 ||
	    attest_options_load(call, &gathering->options, err) < 0 || gather(call, gathering, err) < 0 ||
	    bundle_file_save(path, &gathering->bundle, FILE_MODE, err) < 0)
		return -1;
	report(call, path, gathering);
	return 0;
}

static int refresh(struct cmd_call *call, struct gathering *gathering, const char *path, struct err *err)
{
	bool intact;

	if (cmd_value(call, "output") || cmd_value(call, "quote") || cmd_value(call, "report") ||
	    cmd_value(call, "ratls") || cmd_value(call, "host") || cmd_value(call, "servername"))
		return err_set(err, ERR_INVALID,
			       "--refresh renews FILE in place: only --collateral and --pccs go with it");
	if (bundle_file_load(path, &gathering->bundle, &intact, err) < 0)
		return -1;
	if (gathering->bundle.kind == BUNDLE_EXCHANGE)
		return err_set(err, ERR_INVALID,
			       "'%s' is a saved exchange: it is judged as of its time, its collateral stays", path);
	if (attest_options_load(call, &gathering->options, err) < 0 || gather(call, gathering, err) < 0 ||
	    bundle_file_save(path, &gathering->bundle, FILE_MODE, err) < 0)
		return -1;
	report(call, path, gathering);
	return 0;
}

int cmd_attest_bundle(struct cmd_call *call, struct err *err)
{
	struct gathering gathering = {0};
	const char *path = cmd_value(call, "refresh");
	int status;

	bundle_init(&gathering.bundle);
	status = path ? refresh(call, &gathering, path, err) : make(call, &gathering, err);
	bundle_done(&gathering.bundle);
	evidence_done(&gathering.evidence);
	attest_options_done(&gathering.options);
	return status;
}
