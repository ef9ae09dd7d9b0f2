/* SPDX-License-Identifier: Apache-2.0 */
/* `msed stop-all`: ends every app, haproxy and mse-sim of a data directory that no msed serves. */
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/fs.h"
#include "cloud/cloud.h"
#include "cloud/command.h"
#include "cloud/edge.h"
#include "cloud/files.h"
#include "cloud/lock.h"
#include "cloud/reconcile_app.h"
#include "engine/engine_process.h"
#include "store/store_app.h"

#define MSED_ENDS_MS 10000 /* one that was just told to end is waited for */
#define REASON "stopped by msed stop-all"

enum { OPTION_DATA_DIR };

static const struct command_option options[] = {
    [OPTION_DATA_DIR] = {"--data-dir", "DIR", "the directory that msed init made", true, false},
};

static int end_app(struct cloud *cloud, const char *id, size_t *stopped, struct err *err)
{
	struct app app;
	const int found = store_app_find(cloud->store, id, &app, err);

	if (found < 0)
		return -1;
	if (found == 0 || app_state_is_final(app.state))
		return 0;
	if (reconcile_end(cloud, &app, err) < 0 || reconcile_move(cloud, &app, APP_STOPPED, REASON, err) < 0)
		return -1;
	(*stopped)++;
	return 0;
}

static int end_apps(struct cloud *cloud, size_t *stopped, struct err *err)
{
	scoped(freep) char(*ids)[UUID_TEXT_SIZE] = NULL;
	size_t count = 0;

	if (store_app_work(cloud->store, 0, &ids, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (end_app(cloud, ids[i], stopped, err) < 0)
			return -1;
	return 0;
}

static int end_everything(struct cloud *cloud, struct err *err)
{
	size_t stopped = 0;

	/* An engine that does not answer has nothing running below it: it is the parent of every sandbox. */
	if (end_apps(cloud, &stopped, err) < 0 && err->code != ERR_UNAVAILABLE)
		return -1;
	if (engine_process_shutdown(cloud->engine, err) < 0 || edge_shutdown(cloud, err) < 0)
		return -1;
	(void)printf("%zu apps stopped; haproxy and mse-sim ended\n", stopped);
	return 0;
}

static int run(const struct command_line *line, struct err *err)
{
	scoped(cloud_closep) struct cloud *cloud = NULL;
	scoped(fd_closep) int lock = -1;

	if (cloud_open(line->values[OPTION_DATA_DIR], &cloud, err) < 0 ||
	    data_dir_lock(cloud->data_dir, MSED_ENDS_MS, &lock, err) < 0)
		return -1;
	if (strcmp(cloud->config.engine, "process") != 0)
		return 0;
	if (engine_process_open(cloud->data_dir, &cloud->engine, err) < 0)
		return -1;
	return end_everything(cloud, err);
}

const struct command command_stop_all = {
    .words = "stop-all",
    .summary = "stop every app, haproxy and mse-sim (msed must not serve)",
    .options = options,
    .option_count = COUNT_OF(options),
    .run = run,
};
