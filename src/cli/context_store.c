/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/context_store.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "cli/local_zone.h"

int context_store_folder(const struct settings *settings, const char *uuid, char **ret_path, struct err *err)
{
	char name[80];

	if (!context_is_uuid(uuid))
		return err_set(err, ERR_INVALID, "'%.60s' is not a uuid", uuid);
	(void)snprintf(name, sizeof(name), "context/%s", uuid);
	return settings_path(settings, name, ret_path, err);
}

int context_store_load_file(const char *path, struct context *ret_context, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(CONTEXT_SIZE_MAX);
	int status;

	if (fs_read(path, &text, err) < 0)
		return -1;
	status = context_parse(text.data, text.size, ret_context, err);
	if (text.data)
		explicit_bzero(text.data, text.size);
	return status < 0 ? err_prefix(err, "context '%s'", path) : 0;
}

int context_store_path(const struct settings *settings, const char *uuid, char **ret_path, struct err *err)
{
	scoped(freep) char *dir = NULL;
	scoped(freep) char *path = NULL;

	if (context_store_folder(settings, uuid, &dir, err) < 0 || fs_join(dir, CONTEXT_FILE, &path, err) < 0)
		return -1;
	if (!fs_exists(path))
		return err_set(err, ERR_NOT_FOUND, "Can't find context for UUID %s", uuid);
	*ret_path = TAKE_PTR(path);
	return 0;
}

int context_store_load(const struct settings *settings, const char *uuid, struct context *ret_context, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (context_store_path(settings, uuid, &path, err) < 0)
		return -1;
	return context_store_load_file(path, ret_context, err);
}

int context_store_remove(const struct settings *settings, const char *uuid, struct err *err)
{
	scoped(freep) char *path = NULL;
	scoped(freep) char *dir = NULL;
	scoped(freep) char *parent = NULL;

	if (context_store_path(settings, uuid, &path, err) < 0 || context_store_folder(settings, uuid, &dir, err) < 0 ||
	    settings_path(settings, "context", &parent, err) < 0 || fs_remove_tree(dir, err) < 0)
		return -1;
	return fs_sync_dir(parent, err);
}

struct purging {
	const char *dir;
	size_t count;
};

static int purge_one(const char *name, void *arg, struct err *err)
{
	struct purging *purging = arg;
	scoped(freep) char *path = NULL;

	if (!context_is_uuid(name))
		return 0;
	if (fs_join(purging->dir, name, &path, err) < 0 || fs_remove_tree(path, err) < 0)
		return -1;
	purging->count++;
	return 0;
}

int context_store_purge(const struct settings *settings, size_t *ret_count, struct err *err)
{
	scoped(freep) char *dir = NULL;
	struct purging purging = {0};

	if (settings_path(settings, "context", &dir, err) < 0)
		return -1;
	purging.dir = dir;
	if (fs_is_dir(dir) && fs_each_entry(dir, purge_one, &purging, err) < 0)
		return -1;
	*ret_count = purging.count;
	return 0;
}

struct visiting {
	const char *dir;
	int (*visit)(const struct context_store_item *item, void *arg, struct err *err);
	void *arg;
};

/* When it was deployed; files of the original do not say, so their own time counts. */
static struct date created_at(const struct context *context, const char *path)
{
	struct err ignored = ERR_INIT;
	struct date date;
	struct stat st;

	if (context && context->created_at && date_parse(context->created_at, &date, &ignored) == 0) {
		struct date local = local_date_from_unix(local_date_to_unix(&date));

		local.nanosecond = date.nanosecond;
		return local;
	}
	if (stat(path, &st) < 0)
		return date_from_unix(0);
	date = local_date_from_unix(st.st_mtim.tv_sec);
	date.nanosecond = (int32_t)st.st_mtim.tv_nsec;
	return date;
}

static int visit_one(const char *name, void *arg, struct err *err)
{
	const struct visiting *visiting = arg;
	scoped(context_done) struct context context = {0};
	scoped(freep) char *dir = NULL;
	scoped(freep) char *path = NULL;
	struct err unreadable = ERR_INIT;
	bool is_read;

	if (!context_is_uuid(name))
		return 0;
	if (fs_join(visiting->dir, name, &dir, err) < 0 || fs_join(dir, CONTEXT_FILE, &path, err) < 0)
		return -1;
	is_read = context_store_load_file(path, &context, &unreadable) == 0;
	return visiting->visit(&(struct context_store_item){.uuid = name,
							    .context = is_read ? &context : NULL,
							    .created = created_at(is_read ? &context : NULL, path)},
			       visiting->arg, err);
}

int context_store_each(const struct settings *settings,
		       int (*visit)(const struct context_store_item *item, void *arg, struct err *err), void *arg,
		       struct err *err)
{
	scoped(freep) char *dir = NULL;
	struct visiting visiting = {.visit = visit, .arg = arg};

	if (settings_path(settings, "context", &dir, err) < 0)
		return -1;
	visiting.dir = dir;
	return fs_is_dir(dir) ? fs_each_entry(dir, visit_one, &visiting, err) : 0;
}
