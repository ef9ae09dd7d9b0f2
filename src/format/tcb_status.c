/* SPDX-License-Identifier: Apache-2.0 */
#include "format/tcb_status.h"

#include <string.h>

#define STATUS_LENGTH_MAX 64

static const struct {
	enum tcb_status status;
	const char *text;
} STATUSES[] = {
#define X(name, text) {TCB_STATUS_##name, text},
    TCB_STATUSES(X)
#undef X
};

const char *tcb_status_text(enum tcb_status status)
{
	return STATUSES[status].text;
}

int tcb_status_get(const json_t *level, enum tcb_status *ret, struct err *err)
{
	const char *text;

	if (json_get_text(level, "tcbStatus", STATUS_LENGTH_MAX, &text, err) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(STATUSES); i++) {
		if (strcmp(STATUSES[i].text, text) == 0) {
			*ret = STATUSES[i].status;
			return 0;
		}
	}
	return err_set(err, ERR_INVALID, "unknown TCB status '%.40s'", text);
}
