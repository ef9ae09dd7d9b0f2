/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/attested/code.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/fs.h"
#include "crypto/hash.h"
#include "crypto/secret.h"
#include "crypto/secretbox.h"

#define SUFFIX ".enc"
#define SUFFIX_SIZE (sizeof(SUFFIX) - 1)
#define PLAIN_NAME "requirements.txt"
#define DIR_MODE 0755
#define FILE_MODE 0644

/* One walk over the tree. target NULL: only check. */
struct walk {
	const char *root;
	const uint8_t *key;
	const char *target;
	size_t file_count;
	size_t encrypted_count;
	unsigned depth;
	char path[CODE_PATH_SIZE_MAX + 1]; /* of the entry being looked at, relative to root */
};

void code_key_id(const uint8_t key[static CODE_KEY_SIZE], uint8_t ret[static 32])
{
	scoped(sha256_freep) struct sha256_ctx *ctx = sha256_new();

	sha256_add(ctx, CODE_KEY_ID_LABEL, sizeof(CODE_KEY_ID_LABEL) - 1);
	sha256_add(ctx, key, CODE_KEY_SIZE);
	sha256_finish(ctx, ret);
}

static void wipe_buf(struct buf *buf)
{
	if (buf->data)
		secret_wipe(buf->data, buf->size);
	buf_done(buf);
}

static bool is_encrypted_name(const char *path)
{
	const size_t size = strlen(path);

	return size > SUFFIX_SIZE && strcmp(path + size - SUFFIX_SIZE, SUFFIX) == 0;
}

/*
 * Directories are made for files alone: a file is measured, and which directories there are besides is the host's word
 * (Python would take one for a package).
 */
static int write_target(const struct walk *walk, const char *path, const struct buf *content, struct err *err)
{
	scoped(freep) char *target = NULL;
	char *slash;

	if (fs_join(walk->target, path, &target, err) < 0)
		return -1;
	slash = strrchr(target, '/');
	*slash = 0;
	if (fs_make_dirs(target, DIR_MODE, err) < 0)
		return -1;
	*slash = '/';
	return fs_write_new(target, content->data, content->size, FILE_MODE, err);
}

static int take_encrypted(struct walk *walk, const struct buf *file, struct err *err)
{
	scoped(wipe_buf) struct buf plain = BUF_INIT(CODE_FILE_SIZE_MAX);
	char name[CODE_PATH_SIZE_MAX + 1];

	if (secretbox_open(walk->key, file->data, file->size, &plain, err) < 0)
		return err_prefix(err, "code file '%s'", walk->path);
	walk->encrypted_count++;
	if (!walk->target)
		return 0;
	(void)snprintf(name, sizeof(name), "%.*s", (int)(strlen(walk->path) - SUFFIX_SIZE), walk->path);
	return write_target(walk, name, &plain, err);
}

static int take_file(struct walk *walk, const char *full_path, struct err *err)
{
	const bool is_plain = !walk->key || strcmp(walk->path, PLAIN_NAME) == 0;
	scoped(buf_done) struct buf file = BUF_INIT(CODE_FILE_SIZE_MAX);

	if (++walk->file_count > CODE_FILES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d code files", CODE_FILES_MAX);
	if (!is_plain && !is_encrypted_name(walk->path))
		return err_set(err, ERR_UNTRUSTED, "code file '%s' is not encrypted", walk->path);
	if (is_plain && !walk->target)
		return 0;
	if (fs_read(full_path, &file, err) < 0)
		return -1;
	return is_plain ? write_target(walk, walk->path, &file, err) : take_encrypted(walk, &file, err);
}

static int visit(const char *name, void *arg, struct err *err);

static int take_dir(struct walk *walk, const char *full_path, struct err *err)
{
	int status;

	if (++walk->depth > CODE_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "code is nested deeper than %d directories", CODE_DEPTH_MAX);
	status = fs_each_entry(full_path, visit, walk, err);
	walk->depth--;
	return status;
}

static int take_entry(struct walk *walk, struct err *err)
{
	scoped(freep) char *full_path = NULL;
	struct stat info;

	if (fs_join(walk->root, walk->path, &full_path, err) < 0)
		return -1;
	if (lstat(full_path, &info) < 0)
		return err_set_errno(err, "cannot look at '%s'", full_path);
	if (S_ISDIR(info.st_mode))
		return take_dir(walk, full_path, err);
	if (!S_ISREG(info.st_mode))
		return err_set(err, ERR_UNTRUSTED, "code file '%s' is not a regular file", walk->path);
	return take_file(walk, full_path, err);
}

static int visit(const char *name, void *arg, struct err *err)
{
	struct walk *walk = arg;
	const size_t before = strlen(walk->path);
	const size_t size = strlen(name);
	int status;

	if (before + (before > 0) + size > CODE_PATH_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "code path '%s/%s' is longer than %d bytes", walk->path, name,
			       CODE_PATH_SIZE_MAX);
	if (before > 0)
		walk->path[before] = '/';
	memcpy(walk->path + before + (before > 0), name, size + 1);
	status = take_entry(walk, err);
	walk->path[before] = 0;
	return status;
}

static int walk_all(struct walk *walk, struct err *err)
{
	if (fs_each_entry(walk->root, visit, walk, err) < 0)
		return -1;
	if (walk->key && walk->encrypted_count == 0)
		return err_set(err, ERR_UNTRUSTED, "there is no encrypted code in '%s'", walk->root);
	return 0;
}

int code_check(const char *code_path, const uint8_t key[static CODE_KEY_SIZE], struct err *err)
{
	struct walk walk = {.root = code_path, .key = key};

	return walk_all(&walk, err);
}

static int remove_entry(const char *name, void *arg, struct err *err)
{
	scoped(freep) char *path = NULL;

	return fs_join(arg, name, &path, err) < 0 ? -1 : fs_remove_tree(path, err);
}

int code_install(const char *code_path, const uint8_t *key, const char *module_path, struct err *err)
{
	struct walk walk = {.root = code_path, .key = key, .target = module_path};
	scoped(freep) char *root = strdup(module_path);

	if (!root)
		return err_no_memory(err);
	/* What an earlier start left in a persistent mount is not part of the measured code. */
	if (fs_make_dirs(module_path, DIR_MODE, err) < 0 || fs_each_entry(root, remove_entry, root, err) < 0 ||
	    walk_all(&walk, err) < 0)
		return err_prefix(err, "cannot install the code");
	return 0;
}
