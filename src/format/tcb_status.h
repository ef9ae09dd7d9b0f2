/* SPDX-License-Identifier: Apache-2.0 */
/* The words for how far a platform's trusted computing base is up to date; exact, with case (Intel PCS). */
#ifndef MSE_FORMAT_TCB_STATUS_H
#define MSE_FORMAT_TCB_STATUS_H

#include "format/json.h"

#define TCB_STATUSES(X) \
	X(UP_TO_DATE, "UpToDate") \
	X(SW_HARDENING_NEEDED, "SWHardeningNeeded") \
	X(CONFIGURATION_NEEDED, "ConfigurationNeeded") \
	X(CONFIGURATION_AND_SW_HARDENING_NEEDED, "ConfigurationAndSWHardeningNeeded") \
	X(OUT_OF_DATE, "OutOfDate") \
	X(OUT_OF_DATE_CONFIGURATION_NEEDED, "OutOfDateConfigurationNeeded") \
	X(REVOKED, "Revoked")

enum tcb_status {
#define X(name, text) TCB_STATUS_##name,
	TCB_STATUSES(X)
#undef X
};

const char *tcb_status_text(enum tcb_status status);
/* Member "tcbStatus" of a level. */
must_check int tcb_status_get(const json_t *level, enum tcb_status *ret, struct err *err);

#endif
