/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/context_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "cli/local_zone.h"

#define CONTEXT_FILE "context.mse"
#define TAR_FILE "app.tar"
#define COPY_PIECE (1u << 20)

static int folder(const struct settings *settings, const char *prefix, const char *uuid, char **ret_path,
		  struct err *err)
{
	char name[80];

	if (!context_is_uuid(uuid))
		return err_set(err, ERR_INVALID, "'%.60s' is not a uuid", uuid);
	(void)snprintf(name, sizeof(name), "context/%s%s", prefix, uuid);
	return settings_path(settings, name, ret_path, err);
}

static int write_context(const char *dir, const struct context *context, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(CONTEXT_SIZE_MAX);
	scoped(freep) char *path = NULL;

	if (fs_join(dir, CONTEXT_FILE, &path, err) < 0 || context_format(context, &text, err) < 0)
		return -1;
	return fs_write_atomic(path, text.data, text.size, 0600, err);
}

int context_store_save_pending(const struct settings *settings, const struct context *context, struct err *err)
{
	scoped(freep) char *dir = NULL;

	if (folder(settings, ".pending-", context->id, &dir, err) < 0 || fs_make_dirs(dir, 0700, err) < 0 ||
	    write_context(dir, context, err) < 0)
		return -1;
	return 0;
}

int context_store_drop_pending(const struct settings *settings, const char *uuid, struct err *err)
{
	scoped(freep) char *dir = NULL;

	if (folder(settings, ".pending-", uuid, &dir, err) < 0)
		return -1;
	return fs_remove_tree(dir, err);
}

/* The kernel shares the blocks where the file system can. */
static int copy_file(const char *from, const char *to, struct err *err)
{
	scoped(fd_closep) int in = open(from, O_RDONLY | O_CLOEXEC);
	scoped(fd_closep) int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	scoped(freep) char *piece = NULL;
	ssize_t got;

	if (in < 0)
		return err_set_errno(err, "cannot open '%s'", from);
	if (out < 0)
		return err_set_errno(err, "cannot write '%s'", to);
	do {
		got = copy_file_range(in, NULL, out, NULL, COPY_PIECE, 0);
	} while (got > 0);
	if (got < 0) {
		piece = malloc(COPY_PIECE);
		if (!piece)
			return err_no_memory(err);
		while ((got = read(in, piece, COPY_PIECE)) > 0) {
			if (fd_write_all(out, piece, (size_t)got, err) < 0)
				return err_prefix(err, "'%s'", to);
		}
	}
	if (got < 0 || fsync(out) < 0)
		return err_set_errno(err, "cannot copy '%s' to '%s'", from, to);
	return 0;
}

int context_store_commit(const struct settings *settings, const struct context *context, const char *tar_path,
			 struct err *err)
{
	scoped(freep) char *parent = NULL;
	scoped(freep) char *pending = NULL;
	scoped(freep) char *final = NULL;
	scoped(freep) char *tar = NULL;

	if (settings_path(settings, "context", &parent, err) < 0 ||
	    folder(settings, ".pending-", context->id, &pending, err) < 0 ||
	    folder(settings, "", context->id, &final, err) < 0 || fs_join(pending, TAR_FILE, &tar, err) < 0 ||
	    context_store_save_pending(settings, context, err) < 0 || (tar_path && copy_file(tar_path, tar, err) < 0))
		return -1;
	if (rename(pending, final) < 0)
		return err_set_errno(err, "cannot rename '%s' to '%s'", pending, final);
	return fs_sync_dir(parent, err);
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

	if (folder(settings, "", uuid, &dir, err) < 0 || fs_join(dir, CONTEXT_FILE, &path, err) < 0)
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

	if (context_store_path(settings, uuid, &path, err) < 0 || folder(settings, "", uuid, &dir, err) < 0 ||
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
