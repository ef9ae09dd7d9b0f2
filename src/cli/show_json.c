/* SPDX-License-Identifier: Apache-2.0 */
/* What comes as JSON: Intel's collateral, instance documents, answers of enclaves, bundles. */
#include <string.h>

#include "cli/show_priv.h"
#include "format/attest_message.h"
#include "format/bundle.h"
#include "format/instance.h"
#include "format/qe_identity.h"
#include "format/tcb_info.h"

static json_t *advisory_list(const struct advisories *advisories)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < advisories->count; i++) {
		if (json_array_append_new(list, json_string(advisories_name(advisories, i))) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *number_list(const uint8_t *numbers, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < count; i++) {
		if (json_array_append_new(list, json_integer(numbers[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static void show_svn_levels(struct show *show, const struct svn_levels *levels)
{
	json_t *list = json_array();

	for (size_t i = 0; i < levels->count; i++) {
		const struct svn_level *level = &levels->items[i];
		struct show child = show_open(show);

		show_number(&child, "isvsvn", level->isvsvn);
		show_text(&child, "status", tcb_status_text(level->status));
		show_time(&child, "date", level->date);
		show_add(&child, "advisories", advisory_list(&level->advisories));
		show_close_in(show, list, &child);
	}
	show_add(show, "levels", list);
}

static void show_tcb_levels(struct show *show, const struct tcb_info *info)
{
	json_t *list = json_array();

	for (size_t i = 0; i < info->level_count; i++) {
		const struct tcb_level *level = &info->levels[i];
		struct show child = show_open(show);

		show_text(&child, "status", tcb_status_text(level->status));
		show_time(&child, "date", level->date);
		show_number(&child, "pcesvn", level->pcesvn);
		show_add(&child, "components", number_list(level->components, TCB_COMPONENT_COUNT));
		if (info->id == TCB_INFO_TDX)
			show_add(&child, "tdx_components", number_list(level->tdx_components, TCB_COMPONENT_COUNT));
		show_add(&child, "advisories", advisory_list(&level->advisories));
		show_close_in(show, list, &child);
	}
	show_add(show, "levels", list);
}

static void show_module(struct show *show, const struct tdx_module *module)
{
	show_hex(show, "mrsigner", module->mrsigner, sizeof(module->mrsigner));
	show_hex(show, "attributes", module->attributes, sizeof(module->attributes));
	show_hex(show, "attributes_mask", module->attributes_mask, sizeof(module->attributes_mask));
}

static void show_modules(struct show *show, const struct tdx_modules *modules)
{
	struct show module = show_open(show);
	json_t *list = json_array();

	show_module(&module, &modules->module);
	show_close(show, "tdx_module", &module);
	for (size_t i = 0; i < modules->identity_count; i++) {
		struct show child = show_open(show);

		show_number(&child, "module_version", modules->identities[i].version);
		show_module(&child, &modules->identities[i].module);
		show_svn_levels(&child, &modules->identities[i].levels);
		show_close_in(show, list, &child);
	}
	show_add(show, "tdx_module_identities", list);
}

static void show_tcb_info_members(struct show *show, const struct tcb_info *info)
{
	show_text(show, "id", info->id == TCB_INFO_TDX ? "TDX" : "SGX");
	show_number(show, "version", info->version);
	show_hex(show, "fmspc", info->fmspc, sizeof(info->fmspc));
	show_hex(show, "pceid", info->pceid, sizeof(info->pceid));
	show_time(show, "issue_date", info->issue_date);
	show_time(show, "next_update", info->next_update);
	show_number(show, "evaluation_number", info->evaluation_number);
	if (info->id == TCB_INFO_TDX)
		show_modules(show, &info->modules);
	show_tcb_levels(show, info);
}

int show_tcb_info(struct show *show, const void *data, size_t size, struct err *err)
{
	struct signed_json text = {0};
	struct tcb_info *info = NULL;
	int status = signed_json_parse(data, size, "tcbInfo", &text, err);

	if (status == 0) {
		status = tcb_info_parse(text.body, &info, err);
		if (status == 0)
			show_tcb_info_members(show, info);
		tcb_info_free(info);
		signed_json_done(&text);
	}
	return status;
}

static void show_identity_members(struct show *show, const struct qe_identity *identity)
{
	show_text(show, "id", qe_identity_id_text(identity->id));
	show_time(show, "issue_date", identity->issue_date);
	show_time(show, "next_update", identity->next_update);
	show_number(show, "evaluation_number", identity->evaluation_number);
	show_hex(show, "mrsigner", identity->mrsigner, sizeof(identity->mrsigner));
	show_number(show, "isvprodid", identity->isvprodid);
	show_number_hex(show, "miscselect", identity->miscselect, 8);
	show_number_hex(show, "miscselect_mask", identity->miscselect_mask, 8);
	show_hex(show, "attributes", identity->attributes, sizeof(identity->attributes));
	show_hex(show, "attributes_mask", identity->attributes_mask, sizeof(identity->attributes_mask));
	show_svn_levels(show, &identity->levels);
}

int show_qe_identity(struct show *show, const void *data, size_t size, struct err *err)
{
	struct signed_json text = {0};
	struct qe_identity *identity = NULL;
	int status = signed_json_parse(data, size, "enclaveIdentity", &text, err);

	if (status == 0) {
		status = qe_identity_parse(text.body, &identity, err);
		if (status == 0)
			show_identity_members(show, identity);
		qe_identity_free(identity);
		signed_json_done(&text);
	}
	return status;
}

int show_instance(struct show *show, const void *data, size_t size, struct err *err)
{
	struct instance instance;

	if (instance_parse(data, size, &instance, err) < 0)
		return -1;
	show_text(show, "domain", instance.domain);
	show_text(show, "config_domain", instance.config_domain);
	show_text(show, "tls", instance_tls_text(instance.tls));
	show_text(show, "uuid", instance.uuid);
	show_text(show, "expires", instance.expires);
	show_text(show, "subject", instance.subject);
	show_text(show, "certificate", instance.certificate);
	show_text(show, "log_key", instance.log_key);
	return 0;
}

int show_answer(struct show *show, const void *data, size_t size, struct err *err)
{
	scoped(attest_answer_done) struct attest_answer answer = ATTEST_ANSWER_INIT;

	if (attest_answer_parse(data, size, &answer, err) < 0)
		return -1;
	show_number(show, "role", answer.role);
	show_text(show, "tee", message_tee_text(answer.tee));
	show_number(show, "depth", answer.depth);
	show_number(show, "index", answer.index);
	show_inner(show, "quote", answer.quote.data, answer.quote.size);
	show_inner(show, "certificate", answer.certificate.data, answer.certificate.size);
	show_hex(show, "ticket", answer.ticket.data, answer.ticket.size);
	return 0;
}

static void show_exchange(struct show *show, const struct bundle_exchange *exchange)
{
	struct show child = show_open(show);

	show_text(&child, "host", exchange->host);
	show_text(&child, "domain", exchange->domain);
	show_number(&child, "role", exchange->role);
	show_time(&child, "asked", exchange->asked);
	show_number(&child, "elapsed_ms", (int64_t)exchange->elapsed_ms);
	show_hex(&child, "nonce", exchange->nonce, sizeof(exchange->nonce));
	show_hex(&child, "exporter", exchange->exporter, sizeof(exchange->exporter));
	show_hex(&child, "tls_key", exchange->tls_key, sizeof(exchange->tls_key));
	show_close(show, "exchange", &child);
}

int show_bundle(struct show *show, const void *data, size_t size, struct err *err)
{
	struct bundle bundle;
	struct show child;
	int status;

	bundle_init(&bundle);
	status = bundle_parse(data, size, &bundle, err);
	if (status == 0) {
		show_time(show, "made", bundle.made);
		show_text(show, "evidence_kind", bundle_kind_text(bundle.kind));
		show_inner(show, "evidence", bundle.evidence.data, bundle.evidence.size);
		if (bundle.kind == BUNDLE_EXCHANGE)
			show_exchange(show, &bundle.exchange);
		child = show_open(show);
		for (enum collateral_item item = 0; item < COLLATERAL_ITEM_COUNT; item++) {
			const struct buf *bytes = &bundle.collateral.items[item];

			if (bytes->size)
				show_inner(&child, collateral_item_text(item), bytes->data, bytes->size);
		}
		show_close(show, "collateral", &child);
	}
	bundle_done(&bundle);
	return status;
}
