/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/context_pending.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "cli/context_store.h"
#include "format/json.h"

#define BEGUN_FILE "begun.json"
#define BEGUN_SIZE_MAX 16384u
#define BEGUN_TEXT_MAX 4096
#define COPY_PIECE (1u << 20)

/* 1 locked by us, 0 by somebody who lives. */
static int try_lock(const char *dir, int *ret_fd, struct err *err)
{
	scoped(fd_closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_set_errno(err, "cannot open '%s'", dir);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 0 : err_set_errno(err, "cannot lock '%s'", dir);
	*ret_fd = TAKE_FD(fd);
	return 1;
}

static int write_begun(const char *dir, const struct context_begun *begun, struct err *err)
{
	scoped(json_decrefp) json_t *object =
	    json_pack("{s:s, s:s, s:s, s:s, s:I}", "cloud_url", begun->cloud_url, "project_id", begun->project_id,
		      "name", begun->name, "fingerprint", begun->fingerprint, "at", (json_int_t)begun->at);
	scoped(buf_done) struct buf text = BUF_INIT(BEGUN_SIZE_MAX);
	scoped(freep) char *path = NULL;

	if (!object)
		return err_no_memory(err);
	if (json_format(object, &text, err) < 0 || fs_join(dir, BEGUN_FILE, &path, err) < 0)
		return -1;
	return fs_write_atomic(path, text.data, text.size, 0600, err);
}

int context_pending_begin(const struct settings *settings, const struct context_begun *begun,
			  struct context_pending *ret_pending, struct err *err)
{
	struct context_pending pending = CONTEXT_PENDING_INIT;
	scoped(freep) char *parent = NULL;
	struct err ignored = ERR_INIT;
	int locked;

	if (settings_make_folder(settings, "context", &parent, err) < 0 ||
	    fs_make_temp_dir(parent, CONTEXT_PENDING_PREFIX, &pending.dir, err) < 0)
		return -1;
	locked = try_lock(pending.dir, &pending.lock_fd, err);
	if (locked == 1 && write_begun(pending.dir, begun, err) == 0 && fs_sync_dir(parent, err) == 0) {
		*ret_pending = pending;
		return 0;
	}
	if (locked == 0)
		(void)err_set(err, ERR_CONFLICT, "'%s' is locked by another mse", pending.dir);
	IGNORE_RESULT(context_pending_drop(&pending, &ignored));
	return -1;
}

int context_pending_save(const struct context_pending *pending, const struct context *context, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(CONTEXT_SIZE_MAX);
	scoped(freep) char *path = NULL;

	if (fs_join(pending->dir, CONTEXT_FILE, &path, err) < 0 || context_format(context, &text, err) < 0)
		return -1;
	return fs_write_atomic(path, text.data, text.size, 0600, err);
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

/* Renamed before begun.json goes: killed between the two, the context is there and one file too many. */
static int make_visible(const char *dir, const char *final, struct err *err)
{
	scoped(freep) char *begun = NULL;

	if (fs_join(final, BEGUN_FILE, &begun, err) < 0)
		return -1;
	if (rename(dir, final) < 0)
		return err_set_errno(err, "cannot rename '%s' to '%s'", dir, final);
	(void)unlink(begun);
	return 0;
}

int context_pending_commit(const struct settings *settings, struct context_pending *pending,
			   const struct context *context, const char *tar_path, struct err *err)
{
	scoped(freep) char *parent = NULL;
	scoped(freep) char *final = NULL;
	scoped(freep) char *tar = NULL;

	if (settings_path(settings, "context", &parent, err) < 0 ||
	    context_store_folder(settings, context->id, &final, err) < 0 ||
	    fs_join(pending->dir, CONTEXT_TAR_FILE, &tar, err) < 0 || context_pending_save(pending, context, err) < 0 ||
	    (tar_path && copy_file(tar_path, tar, err) < 0) || make_visible(pending->dir, final, err) < 0)
		return -1;
	context_pending_done(pending);
	return fs_sync_dir(parent, err);
}

int context_pending_drop(struct context_pending *pending, struct err *err)
{
	const int status = pending->dir ? fs_remove_tree(pending->dir, err) : 0;

	context_pending_done(pending);
	return status;
}

void context_pending_done(struct context_pending *pending)
{
	fd_close(pending->lock_fd);
	free(pending->dir);
	*pending = CONTEXT_PENDING_INIT;
}

static int parse_begun(const struct buf *text, json_t **ret_root, struct context_begun *ret, struct err *err)
{
	if (json_parse_strict(text->data, text->size, 1, ret_root, err) < 0 ||
	    json_get_text(*ret_root, "cloud_url", BEGUN_TEXT_MAX, &ret->cloud_url, err) < 0 ||
	    json_get_text(*ret_root, "project_id", BEGUN_TEXT_MAX, &ret->project_id, err) < 0 ||
	    json_get_text(*ret_root, "name", BEGUN_TEXT_MAX, &ret->name, err) < 0 ||
	    json_get_text(*ret_root, "fingerprint", BEGUN_TEXT_MAX, &ret->fingerprint, err) < 0)
		return -1;
	return json_get_int(*ret_root, "at", 0, INT64_MAX, &ret->at, err);
}

struct visiting {
	const char *parent;
	int (*visit)(const struct context_begun *begun, void *arg, struct err *err);
	void *arg;
};

static int visit_dir(const char *dir, const struct visiting *visiting, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(BEGUN_SIZE_MAX);
	scoped(json_decrefp) json_t *root = NULL;
	scoped(freep) char *path = NULL;
	struct context_begun begun = {0};
	struct stat st;

	if (stat(dir, &st) < 0)
		return 0; /* its mse has just finished */
	if (fs_join(dir, BEGUN_FILE, &path, err) < 0)
		return -1;
	if (!fs_exists(path))
		begun.at = st.st_mtim.tv_sec;
	else if (fs_read(path, &text, err) < 0 || parse_begun(&text, &root, &begun, err) < 0)
		return err_prefix(err, "'%s'", path);
	return visiting->visit(&begun, visiting->arg, err);
}

static int visit_one(const char *name, void *arg, struct err *err)
{
	const struct visiting *visiting = arg;
	struct context_pending pending = CONTEXT_PENDING_INIT;
	struct err gone = ERR_INIT;
	int status;

	if (strncmp(name, CONTEXT_PENDING_PREFIX, strlen(CONTEXT_PENDING_PREFIX)) != 0)
		return 0;
	if (fs_join(visiting->parent, name, &pending.dir, err) < 0)
		return -1;
	status = try_lock(pending.dir, &pending.lock_fd, &gone) == 1 ? visit_dir(pending.dir, visiting, err) : 0;
	if (status == 1)
		return context_pending_drop(&pending, err);
	context_pending_done(&pending);
	return status;
}

int context_pending_each(const struct settings *settings,
			 int (*visit)(const struct context_begun *begun, void *arg, struct err *err), void *arg,
			 struct err *err)
{
	struct visiting visiting = {.visit = visit, .arg = arg};
	scoped(freep) char *parent = NULL;

	if (settings_path(settings, "context", &parent, err) < 0)
		return -1;
	visiting.parent = parent;
	return fs_is_dir(parent) ? fs_each_entry(parent, visit_one, &visiting, err) : 0;
}
