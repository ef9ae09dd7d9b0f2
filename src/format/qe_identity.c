/* SPDX-License-Identifier: Apache-2.0 */
#include "format/qe_identity.h"

#include <string.h>

#define VERSION 2
#define ID_LENGTH_MAX 8
#define STATUS_LENGTH_MAX 64

static const char *const IDS[] = {
    [QE_IDENTITY_QE] = "QE",
    [QE_IDENTITY_TD_QE] = "TD_QE",
    [QE_IDENTITY_QVE] = "QVE",
};

const char *qe_identity_id_text(enum qe_identity_id id)
{
	return IDS[id];
}

static int parse_id(const json_t *body, struct qe_identity *identity, struct err *err)
{
	const char *id;

	if (json_get_text(body, "id", ID_LENGTH_MAX, &id, err) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(IDS); i++) {
		if (strcmp(IDS[i], id) == 0) {
			identity->id = (enum qe_identity_id)i;
			return 0;
		}
	}
	return err_set(err, ERR_INVALID, "'id' is '%s', expected 'QE', 'TD_QE' or 'QVE'", id);
}

static int get_u32_memory_order(const json_t *body, const char *name, uint32_t *ret, struct err *err)
{
	uint8_t bytes[4];

	if (json_get_hex(body, name, bytes, sizeof(bytes), err) < 0)
		return -1;
	*ret = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
	return 0;
}

static int parse_level(const json_t *object, struct qe_level *ret, struct err *err)
{
	json_t *tcb;
	const char *status;
	int64_t isvsvn;

	if (json_get_object(object, "tcb", &tcb, err) < 0 ||
	    json_get_int(tcb, "isvsvn", 0, UINT16_MAX, &isvsvn, err) < 0 ||
	    signed_json_get_date(object, "tcbDate", &ret->date, err) < 0 ||
	    json_get_text(object, "tcbStatus", STATUS_LENGTH_MAX, &status, err) < 0 ||
	    tcb_status_parse(status, &ret->status, err) < 0)
		return -1;
	if (ret->status != TCB_STATUS_UP_TO_DATE && ret->status != TCB_STATUS_OUT_OF_DATE &&
	    ret->status != TCB_STATUS_REVOKED)
		return err_set(err, ERR_INVALID, "'tcbStatus' is '%s', expected 'UpToDate', 'OutOfDate' or 'Revoked'",
			       status);
	ret->isvsvn = (uint16_t)isvsvn;
	return advisories_parse(object, &ret->advisories, err);
}

static int compare_levels(const void *a_level, const void *b_level)
{
	const struct qe_level *a = a_level;
	const struct qe_level *b = b_level;

	return (int)b->isvsvn - (int)a->isvsvn;
}

static int parse_levels(const json_t *body, struct qe_identity *identity, struct err *err)
{
	json_t *array;

	if (json_get_array(body, "tcbLevels", QE_LEVELS_MAX, &array, err) < 0)
		return -1;
	identity->level_count = json_array_size(array);
	if (identity->level_count == 0)
		return err_set(err, ERR_INVALID, "'tcbLevels' is empty");
	identity->levels = calloc(identity->level_count, sizeof(*identity->levels));
	if (!identity->levels)
		return err_no_memory(err);
	for (size_t i = 0; i < identity->level_count; i++)
		if (parse_level(json_array_get(array, i), &identity->levels[i], err) < 0)
			return err_prefix(err, "tcbLevels[%zu]", i);
	qsort(identity->levels, identity->level_count, sizeof(*identity->levels), compare_levels);
	for (size_t i = 1; i < identity->level_count; i++)
		if (compare_levels(&identity->levels[i - 1], &identity->levels[i]) == 0)
			return err_set(err, ERR_INVALID, "'tcbLevels' has two equal levels");
	return 0;
}

static int parse_header(const json_t *body, struct qe_identity *identity, struct err *err)
{
	int64_t version, evaluation, isvprodid;

	if (json_get_int(body, "version", VERSION, VERSION, &version, err) < 0 || parse_id(body, identity, err) < 0 ||
	    signed_json_get_date(body, "issueDate", &identity->issue_date, err) < 0 ||
	    signed_json_get_date(body, "nextUpdate", &identity->next_update, err) < 0 ||
	    json_get_int(body, "tcbEvaluationDataNumber", 0, UINT32_MAX, &evaluation, err) < 0 ||
	    get_u32_memory_order(body, "miscselect", &identity->miscselect, err) < 0 ||
	    get_u32_memory_order(body, "miscselectMask", &identity->miscselect_mask, err) < 0 ||
	    json_get_hex(body, "attributes", identity->attributes, sizeof(identity->attributes), err) < 0 ||
	    json_get_hex(body, "attributesMask", identity->attributes_mask, sizeof(identity->attributes_mask), err) <
		0 ||
	    json_get_hex(body, "mrsigner", identity->mrsigner, sizeof(identity->mrsigner), err) < 0 ||
	    json_get_int(body, "isvprodid", 0, UINT16_MAX, &isvprodid, err) < 0)
		return -1;
	identity->evaluation_number = (uint32_t)evaluation;
	identity->isvprodid = (uint16_t)isvprodid;
	return 0;
}

int qe_identity_parse(const json_t *body, struct qe_identity **ret, struct err *err)
{
	scoped(qe_identity_freep) struct qe_identity *identity = calloc(1, sizeof(*identity));

	if (!identity)
		return err_no_memory(err);
	if (parse_header(body, identity, err) < 0 || parse_levels(body, identity, err) < 0)
		return err_prefix(err, "QE identity");
	*ret = TAKE_PTR(identity);
	return 0;
}

void qe_identity_free(struct qe_identity *identity)
{
	if (!identity)
		return;
	free(identity->levels);
	free(identity);
}
