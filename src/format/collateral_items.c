/* SPDX-License-Identifier: Apache-2.0 */
#include "format/collateral_items.h"

static const char *const TEXTS[] = {
#define X(name, text, file) [COLLATERAL_ITEM_##name] = (text),
    COLLATERAL_ITEMS(X)
#undef X
};

static const char *const FILES[] = {
#define X(name, text, file) [COLLATERAL_ITEM_##name] = (file),
    COLLATERAL_ITEMS(X)
#undef X
};

const char *collateral_item_text(enum collateral_item item)
{
	return item < COLLATERAL_ITEM_COUNT ? TEXTS[item] : "";
}

const char *collateral_item_file(enum collateral_item item)
{
	return item < COLLATERAL_ITEM_COUNT ? FILES[item] : "";
}

void collateral_items_init(struct collateral_items *items)
{
	for (size_t i = 0; i < COLLATERAL_ITEM_COUNT; i++)
		items->items[i] = BUF_INIT(COLLATERAL_ITEM_SIZE_MAX);
}

void collateral_items_done(struct collateral_items *items)
{
	for (size_t i = 0; i < COLLATERAL_ITEM_COUNT; i++)
		buf_done(&items->items[i]);
}
