/* SPDX-License-Identifier: Apache-2.0 */
#include "image/plan.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 512

void plan_done(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->items[i].path);
		free(plan->items[i].source);
		free(plan->items[i].data);
	}
	free(plan->items);
	*plan = (struct plan){.count = 0};
}

static int make_room(struct plan *plan, struct err *err)
{
	const size_t capacity = plan->capacity ? 2 * plan->capacity : CAPACITY_FIRST;
	struct plan_item *items;

	if (plan->count >= BILL_FILES_MAX)
		return err_set(err, ERR_LIMIT, "image has more than %d files", BILL_FILES_MAX);
	if (plan->count < plan->capacity)
		return 0;
	items = reallocarray(plan->items, capacity, sizeof(*items));
	if (!items)
		return err_no_memory(err);
	plan->items = items;
	plan->capacity = capacity;
	return 0;
}

int plan_add_file(struct plan *plan, const char *path, const char *source, struct err *err)
{
	struct plan_item item = {.path = NULL};

	if (make_room(plan, err) < 0)
		return -1;
	item.path = strdup(path);
	item.source = strdup(source);
	if (!item.path || !item.source) {
		free(item.path);
		free(item.source);
		return err_no_memory(err);
	}
	plan->items[plan->count++] = item;
	return 0;
}

int plan_add_data(struct plan *plan, const char *path, const void *data, size_t size, struct err *err)
{
	struct plan_item item = {.size = size};

	if (make_room(plan, err) < 0)
		return -1;
	item.path = strdup(path);
	item.data = malloc(size ? size : 1);
	if (!item.path || !item.data) {
		free(item.path);
		free(item.data);
		return err_no_memory(err);
	}
	if (size)
		memcpy(item.data, data, size);
	plan->items[plan->count++] = item;
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct plan_item *)a)->path, ((const struct plan_item *)b)->path);
}

static bool is_same_file(const struct plan_item *a, const struct plan_item *b)
{
	return a->source && b->source && strcmp(a->source, b->source) == 0;
}

int plan_sort(struct plan *plan, struct err *err)
{
	size_t kept = 0;

	if (plan->count)
		qsort(plan->items, plan->count, sizeof(*plan->items), by_path);
	for (size_t i = 1; i < plan->count; i++) {
		if (strcmp(plan->items[i - 1].path, plan->items[i].path) == 0 &&
		    !is_same_file(&plan->items[i - 1], &plan->items[i]))
			return err_set(err, ERR_CONFLICT, "image has two files '%s'", plan->items[i].path);
	}
	for (size_t i = 0; i < plan->count; i++) {
		if (kept && strcmp(plan->items[kept - 1].path, plan->items[i].path) == 0) {
			free(plan->items[i].path);
			free(plan->items[i].source);
		} else {
			plan->items[kept++] = plan->items[i];
		}
	}
	plan->count = kept;
	return 0;
}

int plan_bill(const struct plan *plan, const char *image, const uint8_t loader[static 32], struct bill **ret,
	      struct err *err)
{
	scoped(bill_freep) struct bill *bill = NULL;

	if (bill_new(image, loader, &bill, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_item *item = &plan->items[i];

		if (bill_add(bill, item->path, item->sha256, item->size, err) < 0)
			return -1;
	}
	if (bill_sort(bill, err) < 0)
		return -1;
	*ret = TAKE_PTR(bill);
	return 0;
}
