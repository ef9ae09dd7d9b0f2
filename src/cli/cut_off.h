/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deployments that were cut off (mse was killed) between asking the cloud for an app and storing its context: the user
 * is told which app is left, and what is pending of it goes with the app.
 */
#ifndef MSE_CLI_CUT_OFF_H
#define MSE_CLI_CUT_OFF_H

#include "cli/api.h"
#include "cli/cmd.h"

enum cut_off_left {
	CUT_OFF_TELL,
	CUT_OFF_STOP_REPLACING, /* stops those that were to take over from another app: they would be in the way */
};

/* Warns of each whose app is active, forgets those whose app is not. A failure is a warning too. */
void cut_off_report(struct cmd_call *call, struct api *api, enum cut_off_left left);

/* No app of that name is active in the project any more. */
must_check int cut_off_forget(struct cmd_call *call, const struct api *api, const char *project_id, const char *name,
			      struct err *err);

#endif
