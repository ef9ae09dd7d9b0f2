/* SPDX-License-Identifier: Apache-2.0 */
#include "format/qe_identity.h"

#include <string.h>

#define VERSION 2
#define ID_LENGTH_MAX 8

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
	if (parse_header(body, identity, err) < 0 || svn_levels_parse(body, &identity->levels, err) < 0)
		return err_prefix(err, "QE identity");
	*ret = TAKE_PTR(identity);
	return 0;
}

void qe_identity_free(struct qe_identity *identity)
{
	if (!identity)
		return;
	svn_levels_done(&identity->levels);
	free(identity);
}
