/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/tcb.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const enum attest_tcb_status PUBLIC_STATUSES[] = {
#define X(name, text) [TCB_STATUS_##name] = ATTEST_TCB_##name,
    TCB_STATUSES(X)
#undef X
};

enum attest_tcb_status tcb_public_status(enum tcb_status status)
{
	return PUBLIC_STATUSES[status];
}

static bool level_fits(const struct tcb_level *level, const struct pck_extension *pck)
{
	for (size_t i = 0; i < TCB_COMPONENT_COUNT; i++)
		if (pck->components[i] < level->components[i])
			return false;
	return pck->pcesvn >= level->pcesvn;
}

const struct tcb_level *tcb_find_level(const struct tcb_info *info, const struct pck_extension *pck)
{
	for (size_t i = 0; i < info->level_count; i++)
		if (level_fits(&info->levels[i], pck))
			return &info->levels[i];
	return NULL;
}

const struct qe_level *tcb_find_qe_level(const struct qe_identity *identity, uint16_t isvsvn)
{
	for (size_t i = 0; i < identity->level_count; i++)
		if (identity->levels[i].isvsvn <= isvsvn)
			return &identity->levels[i];
	return NULL;
}

static enum tcb_status converge_out_of_date(enum tcb_status platform)
{
	switch (platform) {
	case TCB_STATUS_UP_TO_DATE:
	case TCB_STATUS_SW_HARDENING_NEEDED:
		return TCB_STATUS_OUT_OF_DATE;
	case TCB_STATUS_CONFIGURATION_NEEDED:
	case TCB_STATUS_CONFIGURATION_AND_SW_HARDENING_NEEDED:
		return TCB_STATUS_OUT_OF_DATE_CONFIGURATION_NEEDED;
	case TCB_STATUS_OUT_OF_DATE:
	case TCB_STATUS_OUT_OF_DATE_CONFIGURATION_NEEDED:
	case TCB_STATUS_REVOKED:
		return platform;
	}
	return TCB_STATUS_REVOKED;
}

enum tcb_status tcb_converge(enum tcb_status platform, enum tcb_status other)
{
	if (platform == TCB_STATUS_REVOKED || other == TCB_STATUS_REVOKED)
		return TCB_STATUS_REVOKED;
	if (other == TCB_STATUS_OUT_OF_DATE)
		return converge_out_of_date(platform);
	return platform;
}

/* Keeps the list sorted and free of doubles. False if it is full. */
static bool add_advisory(struct attest_facts *facts, const char *name)
{
	size_t at = 0;

	while (at < facts->advisory_count && strcmp(facts->advisories[at], name) < 0)
		at++;
	if (at < facts->advisory_count && strcmp(facts->advisories[at], name) == 0)
		return true;
	if (facts->advisory_count == ATTEST_ADVISORIES_MAX)
		return false;
	memmove(facts->advisories[at + 1], facts->advisories[at],
		(facts->advisory_count - at) * sizeof(facts->advisories[0]));
	(void)snprintf(facts->advisories[at], sizeof(facts->advisories[at]), "%s", name);
	facts->advisory_count++;
	return true;
}

static_assert(ADVISORY_LENGTH_MAX + 1 == ATTEST_ADVISORY_SIZE, "an advisory fits");
static_assert(2 * ADVISORIES_MAX <= ATTEST_ADVISORIES_MAX, "the union of two levels fits");

static void add_advisories(struct attest_facts *facts, const struct advisories *list)
{
	for (size_t i = 0; i < list->count; i++)
		(void)add_advisory(facts, list->names[i]);
}

bool tcb_judge(struct judge *judge, const struct tcb_info *info, const struct tcb_level *level,
	       const struct qe_identity *identity, const struct qe_level *qe_level)
{
	struct attest_facts *facts = judge->facts;
	const char *status;

	if (!level || !qe_level)
		return judge_fail(judge, "tcb-level", ATTEST_ERROR_TCB_NOT_SUPPORTED,
				  "the %s is below the lowest level", level ? "quoting enclave" : "platform");
	facts->tcb_known = true;
	facts->intel.platform_status = tcb_public_status(level->status);
	facts->intel.qe_status = tcb_public_status(qe_level->status);
	facts->tcb_status = tcb_public_status(tcb_converge(level->status, qe_level->status));
	facts->tcb_date = level->date;
	facts->intel.qe_tcb_date = qe_level->date;
	facts->evaluation_number = info->evaluation_number < identity->evaluation_number ? info->evaluation_number
											 : identity->evaluation_number;
	add_advisories(facts, &level->advisories);
	add_advisories(facts, &qe_level->advisories);
	status = attest_tcb_status_text(facts->tcb_status);
	judge_pass(judge, "tcb-level", "platform %s, quoting enclave %s, together %s", tcb_status_text(level->status),
		   tcb_status_text(qe_level->status), status);
	if (facts->tcb_status == ATTEST_TCB_REVOKED)
		(void)judge_fail(judge, "tcb-revoked", ATTEST_ERROR_TCB_REVOKED, "TCB status is %s", status);
	else
		judge_pass(judge, "tcb-revoked", "TCB status is %s", status);
	return true;
}
