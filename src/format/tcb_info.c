/* SPDX-License-Identifier: Apache-2.0 */
#include "format/tcb_info.h"

#include <stdio.h>
#include <string.h>

#define VERSION_FLAT 2
#define VERSION_MAX 3
#define ID_LENGTH_MAX 8
#define FLAT_NAME_SIZE 24

static int parse_components(const json_t *tcb, const char *name, uint8_t *ret, struct err *err)
{
	json_t *array;

	if (json_get_array(tcb, name, TCB_COMPONENT_COUNT, &array, err) < 0)
		return -1;
	if (json_array_size(array) != TCB_COMPONENT_COUNT)
		return err_set(err, ERR_INVALID, "'%s' has %zu components, expected %d", name, json_array_size(array),
			       TCB_COMPONENT_COUNT);
	for (size_t i = 0; i < TCB_COMPONENT_COUNT; i++) {
		int64_t svn;

		if (json_get_int(json_array_get(array, i), "svn", 0, UINT8_MAX, &svn, err) < 0)
			return err_prefix(err, "'%s'[%zu]", name, i);
		ret[i] = (uint8_t)svn;
	}
	return 0;
}

/* Version 2: sgxtcbcomp01svn to sgxtcbcomp16svn. */
static int parse_flat_components(const json_t *tcb, uint8_t *ret, struct err *err)
{
	char name[FLAT_NAME_SIZE];
	int64_t svn;

	for (unsigned i = 0; i < TCB_COMPONENT_COUNT; i++) {
		(void)snprintf(name, sizeof(name), "sgxtcbcomp%02usvn", i + 1);
		if (json_get_int(tcb, name, 0, UINT8_MAX, &svn, err) < 0)
			return -1;
		ret[i] = (uint8_t)svn;
	}
	return 0;
}

static int parse_level(const json_t *object, const struct tcb_info *info, struct tcb_level *ret, struct err *err)
{
	json_t *tcb;
	int64_t pcesvn;

	if (json_get_object(object, "tcb", &tcb, err) < 0 ||
	    (info->version == VERSION_FLAT ? parse_flat_components(tcb, ret->components, err)
					   : parse_components(tcb, "sgxtcbcomponents", ret->components, err)) < 0 ||
	    (info->id == TCB_INFO_TDX && parse_components(tcb, "tdxtcbcomponents", ret->tdx_components, err) < 0) ||
	    json_get_int(tcb, "pcesvn", 0, UINT16_MAX, &pcesvn, err) < 0 ||
	    signed_json_get_date(object, "tcbDate", &ret->date, err) < 0 ||
	    tcb_status_get(object, &ret->status, err) < 0)
		return -1;
	ret->pcesvn = (uint16_t)pcesvn;
	return advisories_parse(object, &ret->advisories, err);
}

/* Falling. Componentwise order implies this one, so the first level that fits is the highest that does. */
static int compare_levels(const void *a_level, const void *b_level)
{
	const struct tcb_level *a = a_level;
	const struct tcb_level *b = b_level;
	int order = memcmp(b->components, a->components, sizeof(a->components));

	if (order == 0)
		order = (int)b->pcesvn - (int)a->pcesvn;
	if (order == 0)
		order = memcmp(b->tdx_components, a->tdx_components, sizeof(a->tdx_components));
	return order;
}

static int parse_levels(const json_t *body, struct tcb_info *info, struct err *err)
{
	json_t *array;

	if (json_get_array(body, "tcbLevels", TCB_LEVELS_MAX, &array, err) < 0)
		return -1;
	info->level_count = json_array_size(array);
	if (info->level_count == 0)
		return err_set(err, ERR_INVALID, "'tcbLevels' is empty");
	info->levels = calloc(info->level_count, sizeof(*info->levels));
	if (!info->levels)
		return err_no_memory(err);
	for (size_t i = 0; i < info->level_count; i++)
		if (parse_level(json_array_get(array, i), info, &info->levels[i], err) < 0)
			return err_prefix(err, "tcbLevels[%zu]", i);
	qsort(info->levels, info->level_count, sizeof(*info->levels), compare_levels);
	for (size_t i = 1; i < info->level_count; i++)
		if (compare_levels(&info->levels[i - 1], &info->levels[i]) == 0)
			return err_set(err, ERR_INVALID, "'tcbLevels' has two equal levels");
	return 0;
}

/* Version 3 names its TEE, and has the members of that TEE and no other. */
static int parse_id(const json_t *body, struct tcb_info *info, struct err *err)
{
	const char *id = "SGX";

	if (info->version > VERSION_FLAT && json_get_text(body, "id", ID_LENGTH_MAX, &id, err) < 0)
		return -1;
	if (strcmp(id, "SGX") != 0 && strcmp(id, "TDX") != 0)
		return err_set(err, ERR_INVALID, "'id' is '%s', expected 'SGX' or 'TDX'", id);
	if (strcmp(id, "TDX") == 0) {
		info->id = TCB_INFO_TDX;
		return tdx_modules_parse(body, &info->modules, err);
	}
	if (json_object_get(body, "tdxModule") || json_object_get(body, "tdxModuleIdentities"))
		return err_set(err, ERR_INVALID, "a TDX module is given in TCB info for SGX");
	return 0;
}

static int parse_header(const json_t *body, struct tcb_info *info, struct err *err)
{
	int64_t version, type, evaluation;

	if (json_get_int(body, "version", VERSION_FLAT, VERSION_MAX, &version, err) < 0)
		return -1;
	info->version = (unsigned)version;
	if (parse_id(body, info, err) < 0 || signed_json_get_date(body, "issueDate", &info->issue_date, err) < 0 ||
	    signed_json_get_date(body, "nextUpdate", &info->next_update, err) < 0 ||
	    json_get_hex(body, "fmspc", info->fmspc, sizeof(info->fmspc), err) < 0 ||
	    json_get_hex(body, "pceId", info->pceid, sizeof(info->pceid), err) < 0 ||
	    json_get_int(body, "tcbType", 0, 0, &type, err) < 0 ||
	    json_get_int(body, "tcbEvaluationDataNumber", 0, UINT32_MAX, &evaluation, err) < 0)
		return -1;
	info->evaluation_number = (uint32_t)evaluation;
	return 0;
}

int tcb_info_parse(const json_t *body, struct tcb_info **ret, struct err *err)
{
	scoped(tcb_info_freep) struct tcb_info *info = calloc(1, sizeof(*info));

	if (!info)
		return err_no_memory(err);
	if (parse_header(body, info, err) < 0 || parse_levels(body, info, err) < 0)
		return err_prefix(err, "TCB info");
	*ret = TAKE_PTR(info);
	return 0;
}

void tcb_info_free(struct tcb_info *info)
{
	if (!info)
		return;
	tdx_modules_done(&info->modules);
	free(info->levels);
	free(info);
}
