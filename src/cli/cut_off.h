/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deployments that were cut off (mse was killed) between asking the cloud for an app and storing its context: the user
 * is told which app is left, and what is pending of it goes with the app.
 */
#ifndef MSE_CLI_CUT_OFF_H
#define MSE_CLI_CUT_OFF_H

#include "cli/api.h"
#include "cli/cmd.h"

/* Warns of each whose app is active, forgets those whose app is not. A failure is a warning too. */
void cut_off_report(struct cmd_call *call, struct api *api);

/* No app of that name is active in the project any more. */
must_check int cut_off_forget(struct cmd_call *call, const struct api *api, const char *project_id, const char *name,
			      struct err *err);

#endif
