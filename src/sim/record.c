/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/record.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "engine/sim_protocol.h"
#include "format/json.h"

#define PATH_SIZE 4096
#define RECORD_SIZE_MAX ((size_t)16 << 10)
#define SUFFIX ".json"
#define SECONDS_PER_DAY 86400

static int path_of(const char *dir, const char *uuid, char ret[static PATH_SIZE], struct err *err)
{
	if (snprintf(ret, PATH_SIZE, "%s/%s" SUFFIX, dir, uuid) >= PATH_SIZE)
		return err_set(err, ERR_LIMIT, "path of the record of app '%s' is too long", uuid);
	return 0;
}

int record_save(const char *dir, const struct engine_status *status, struct err *err)
{
	scoped(json_decrefp) json_t *object = NULL;
	scoped(buf_done) struct buf text = BUF_INIT(RECORD_SIZE_MAX);
	char path[PATH_SIZE];

	if (path_of(dir, status->uuid, path, err) < 0 || sim_status_format(status, &object, err) < 0 ||
	    json_format(object, &text, err) < 0)
		return -1;
	return fs_write_atomic(path, text.data, text.size, 0600, err);
}

void record_remove(const char *dir, const char *uuid)
{
	struct err err = ERR_INIT;
	char path[PATH_SIZE];

	if (path_of(dir, uuid, path, &err) == 0)
		(void)unlink(path);
}

static int load(const char *path, struct engine_status *ret, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(RECORD_SIZE_MAX);
	scoped(json_decrefp) json_t *object = NULL;

	if (fs_read(path, &text, err) < 0 || json_parse_strict(text.data, text.size, SIM_DEPTH_MAX, &object, err) < 0)
		return -1;
	return sim_status_parse(object, ret, err);
}

struct loading {
	const char *dir;
	int64_t oldest;
	int (*visit)(void *arg, const struct engine_status *status, struct err *err);
	void *arg;
};

static int load_entry(const char *name, void *arg, struct err *err)
{
	const struct loading *loading = arg;
	struct engine_status status;
	struct err load_err = ERR_INIT;
	char path[PATH_SIZE];

	if (snprintf(path, sizeof(path), "%s/%s", loading->dir, name) >= (int)sizeof(path))
		return 0;
	if (load(path, &status, &load_err) < 0 || (status.exited_at != 0 && status.exited_at < loading->oldest)) {
		(void)unlink(path); /* also what an interrupted write left */
		return 0;
	}
	return loading->visit(loading->arg, &status, err);
}

int record_load_all(const char *dir, int64_t now_seconds,
		    int (*visit)(void *arg, const struct engine_status *status, struct err *err), void *arg,
		    struct err *err)
{
	struct loading loading = {.dir = dir,
				  .oldest = now_seconds - (int64_t)ENGINE_HISTORY_DAYS * SECONDS_PER_DAY,
				  .visit = visit,
				  .arg = arg};

	return fs_each_entry(dir, load_entry, &loading, err);
}
