/* SPDX-License-Identifier: Apache-2.0 */
#include "collateral/plan.h"

#include <string.h>

#define NO_ITEM COLLATERAL_ITEM_COUNT

/* ---- what is needed ---- */

struct plan_row {
	enum attest_tee tee;
	bool vlek;
	enum collateral_kind kinds[COLLATERAL_PLAN_MAX];
	size_t count;
};

/* What signs others comes before them. */
static const struct plan_row plans[] = {
    {ATTEST_TEE_SGX,
     false,
     {COLLATERAL_KIND_SGX_TCB_INFO, COLLATERAL_KIND_QE_IDENTITY, COLLATERAL_KIND_PCK_CRL, COLLATERAL_KIND_ROOT_CRL},
     4},
    {ATTEST_TEE_TDX,
     false,
     {COLLATERAL_KIND_TDX_TCB_INFO, COLLATERAL_KIND_TD_QE_IDENTITY, COLLATERAL_KIND_PCK_CRL, COLLATERAL_KIND_ROOT_CRL},
     4},
    {ATTEST_TEE_SEV_SNP, false, {COLLATERAL_KIND_VCEK_CHAIN, COLLATERAL_KIND_VCEK, COLLATERAL_KIND_VCEK_CRL}, 3},
    {ATTEST_TEE_SEV_SNP, true, {COLLATERAL_KIND_VLEK_CHAIN, COLLATERAL_KIND_VLEK_CRL}, 2},
};

static const struct plan_row *find_plan(const struct attest_needs *needs)
{
	for (size_t i = 0; i < COUNT_OF(plans); i++) {
		if (plans[i].tee == needs->tee && (plans[i].tee != ATTEST_TEE_SEV_SNP || plans[i].vlek == needs->vlek))
			return &plans[i];
	}
	return NULL;
}

size_t collateral_plan(const struct attest_needs *needs, const char *product,
		       struct collateral_wanted ret[static COLLATERAL_PLAN_MAX])
{
	const struct plan_row *plan = find_plan(needs);

	if (!plan)
		return 0;
	for (size_t i = 0; i < plan->count; i++) {
		ret[i] = (struct collateral_wanted){
		    .kind = plan->kinds[i],
		    .fmspc = needs->fmspc,
		    .ca = needs->ca,
		    .product = product,
		    .chip_id = needs->chip_id,
		    .chip_id_size = sizeof(needs->chip_id),
		};
		memcpy(ret[i].tcb, needs->reported_tcb, sizeof(ret[i].tcb));
	}
	return plan->count;
}

/* Reports of version 2, which do not name their processor, are made by Milan and Genoa only. */
const char *const *collateral_plan_products(const struct attest_needs *needs)
{
	static const char *const all[][3] = {
	    {"Milan", NULL}, {"Genoa", NULL}, {"Turin", NULL}, {"Milan", "Genoa", NULL}};
	static const char *const none[] = {"", NULL};

	if (needs->tee != ATTEST_TEE_SEV_SNP)
		return none;
	for (size_t i = 0; needs->product && i < COUNT_OF(all) - 1; i++) {
		if (strcmp(needs->product, all[i][0]) == 0)
			return all[i];
	}
	return needs->product && *needs->product ? none : all[COUNT_OF(all) - 1];
}

/* ---- where it goes ---- */

static const struct place_row {
	enum collateral_item body, chain;
} places[COLLATERAL_KIND_COUNT] = {
    [COLLATERAL_KIND_SGX_TCB_INFO] = {COLLATERAL_ITEM_TCB_INFO, COLLATERAL_ITEM_TCB_INFO_ISSUER_CHAIN},
    [COLLATERAL_KIND_TDX_TCB_INFO] = {COLLATERAL_ITEM_TCB_INFO, COLLATERAL_ITEM_TCB_INFO_ISSUER_CHAIN},
    [COLLATERAL_KIND_QE_IDENTITY] = {COLLATERAL_ITEM_QE_IDENTITY, COLLATERAL_ITEM_QE_IDENTITY_ISSUER_CHAIN},
    [COLLATERAL_KIND_TD_QE_IDENTITY] = {COLLATERAL_ITEM_QE_IDENTITY, COLLATERAL_ITEM_QE_IDENTITY_ISSUER_CHAIN},
    [COLLATERAL_KIND_PCK_CRL] = {COLLATERAL_ITEM_PCK_CRL, COLLATERAL_ITEM_PCK_CRL_ISSUER_CHAIN},
    [COLLATERAL_KIND_ROOT_CRL] = {COLLATERAL_ITEM_ROOT_CA_CRL, NO_ITEM},
    [COLLATERAL_KIND_VCEK] = {COLLATERAL_ITEM_VEK, NO_ITEM},
    [COLLATERAL_KIND_VCEK_CHAIN] = {NO_ITEM, NO_ITEM}, /* two certificates: ASK and ARK */
    [COLLATERAL_KIND_VCEK_CRL] = {COLLATERAL_ITEM_ARK_CRL, NO_ITEM},
    [COLLATERAL_KIND_VLEK_CHAIN] = {NO_ITEM, NO_ITEM},
    [COLLATERAL_KIND_VLEK_CRL] = {COLLATERAL_ITEM_ARK_CRL, NO_ITEM},
};

static void move(struct buf *from, struct collateral_items *items, enum collateral_item item)
{
	const size_t max = from->max;

	if (item == NO_ITEM)
		return;
	buf_done(&items->items[item]);
	items->items[item] = *from;
	items->items[item].max = COLLATERAL_ITEM_SIZE_MAX;
	*from = BUF_INIT(max);
}

int collateral_plan_place(enum collateral_kind kind, struct collateral_answer *answer, struct collateral_items *items,
			  struct err *err)
{
	if (collateral_kind_form(kind) == COLLATERAL_FORM_CHAIN)
		return collateral_answer_split(answer, &items->items[COLLATERAL_ITEM_ASK],
					       &items->items[COLLATERAL_ITEM_ARK], err);
	move(&answer->body, items, places[kind].body);
	move(&answer->chain, items, places[kind].chain);
	return 0;
}
