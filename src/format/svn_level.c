/* SPDX-License-Identifier: Apache-2.0 */
#include "format/svn_level.h"

static int check_status(enum tcb_status status, struct err *err)
{
	if (status == TCB_STATUS_UP_TO_DATE || status == TCB_STATUS_OUT_OF_DATE || status == TCB_STATUS_REVOKED)
		return 0;
	return err_set(err, ERR_INVALID, "'tcbStatus' is '%s', expected 'UpToDate', 'OutOfDate' or 'Revoked'",
		       tcb_status_text(status));
}

static int parse_level(const json_t *object, struct svn_level *ret, struct err *err)
{
	json_t *tcb;
	int64_t isvsvn;

	if (json_get_object(object, "tcb", &tcb, err) < 0 ||
	    json_get_int(tcb, "isvsvn", 0, UINT16_MAX, &isvsvn, err) < 0 ||
	    signed_json_get_date(object, "tcbDate", &ret->date, err) < 0 ||
	    tcb_status_get(object, &ret->status, err) < 0 || check_status(ret->status, err) < 0)
		return -1;
	ret->isvsvn = (uint16_t)isvsvn;
	return advisories_parse(object, &ret->advisories, err);
}

static int compare_levels(const void *a_level, const void *b_level)
{
	const struct svn_level *a = a_level;
	const struct svn_level *b = b_level;

	return (int)b->isvsvn - (int)a->isvsvn;
}

static int parse_items(const json_t *array, struct svn_levels *levels, struct err *err)
{
	for (size_t i = 0; i < levels->count; i++)
		if (parse_level(json_array_get(array, i), &levels->items[i], err) < 0)
			return err_prefix(err, "tcbLevels[%zu]", i);
	qsort(levels->items, levels->count, sizeof(*levels->items), compare_levels);
	for (size_t i = 1; i < levels->count; i++)
		if (compare_levels(&levels->items[i - 1], &levels->items[i]) == 0)
			return err_set(err, ERR_INVALID, "'tcbLevels' has two equal levels");
	return 0;
}

int svn_levels_parse(const json_t *identity, struct svn_levels *ret, struct err *err)
{
	json_t *array;

	*ret = (struct svn_levels){0};
	if (json_get_array(identity, "tcbLevels", SVN_LEVELS_MAX, &array, err) < 0)
		return -1;
	ret->count = json_array_size(array);
	if (ret->count == 0)
		return err_set(err, ERR_INVALID, "'tcbLevels' is empty");
	ret->items = calloc(ret->count, sizeof(*ret->items));
	if (!ret->items)
		return err_no_memory(err);
	if (parse_items(array, ret, err) == 0)
		return 0;
	svn_levels_done(ret);
	return -1;
}

void svn_levels_done(struct svn_levels *levels)
{
	free(levels->items);
	*levels = (struct svn_levels){0};
}

const struct svn_level *svn_levels_find(const struct svn_levels *levels, uint16_t isvsvn)
{
	for (size_t i = 0; i < levels->count; i++)
		if (levels->items[i].isvsvn <= isvsvn)
			return &levels->items[i];
	return NULL;
}
