/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/package.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "cli/interrupt.h"
#include "cli/project_key.h"
#include "crypto/hash.h"
#include "crypto/secretbox.h"
#include "format/hex.h"
#include "format/tar.h"

#define KEY_ID_LABEL "mse-code-key-1"
#define TREE_LABEL "mse-tree-1"
#define LENGTH_SIZE 8

static void put_le64(uint8_t ret[static LENGTH_SIZE], uint64_t value)
{
	for (int i = 0; i < LENGTH_SIZE; i++)
		ret[i] = (uint8_t)(value >> (8 * i));
}

static void wipe_done(struct buf *buf)
{
	if (buf->data)
		secret_wipe(buf->data, buf->capacity);
	buf_done(buf);
}

/* One allocation of the known size, so that growing leaves no copy of the code behind. */
static int read_source(const struct code_tree *tree, const struct code_file *file, struct buf *ret, struct err *err)
{
	scoped(freep) char *path = NULL;
	uint8_t *room;

	*ret = BUF_INIT(CODE_TREE_SIZE_MAX + 1);
	if (interrupt_check(err) < 0 || fs_join(tree->root, file->path, &path, err) < 0 ||
	    buf_reserve(ret, (size_t)file->size + 1, &room, err) < 0)
		return -1;
	return fs_read(path, ret, err);
}

static int by_tar_path(const void *a, const void *b)
{
	return strcmp(((const struct package_file *)a)->tar_path, ((const struct package_file *)b)->tar_path);
}

/* The list without hashes and nonces. */
static int list_files(const struct code_tree *tree, struct package *package, struct err *err)
{
	package->files = calloc(tree->count, sizeof(*package->files));
	if (!package->files)
		return err_no_memory(err);
	for (; package->count < tree->count; package->count++) {
		struct package_file *file = &package->files[package->count];

		file->source = &tree->files[package->count];
		file->plain = strcmp(file->source->path, PACKAGE_PLAIN_FILE) == 0;
		if (asprintf(&file->tar_path, "%s%s", file->source->path, file->plain ? "" : PACKAGE_SUFFIX) < 0) {
			file->tar_path = NULL;
			return err_no_memory(err);
		}
		if (tar_path_check(file->tar_path, strlen(file->tar_path), err) < 0)
			return err_prefix(err, "'%s'", file->source->path);
	}
	return 0;
}

/* Adds one file to the digest and makes its nonce, from one reading. */
static int digest_file(const struct code_tree *tree, struct package_file *file, const struct secret *nonce_key,
		       struct sha256_ctx *digest, struct err *err)
{
	scoped(wipe_done) struct buf content = BUF_INIT(0);
	uint8_t path_length[LENGTH_SIZE], content_length[LENGTH_SIZE];
	const size_t path_size = strlen(file->source->path);

	if (read_source(tree, file->source, &content, err) < 0)
		return -1;
	put_le64(path_length, path_size);
	put_le64(content_length, content.size);
	const struct hash_part parts[] = {{path_length, sizeof(path_length)},
					  {file->source->path, path_size},
					  {content_length, sizeof(content_length)},
					  {buf_text(&content), content.size}};
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		sha256_add(digest, parts[i].data, parts[i].size);
	blake2b_keyed_parts(nonce_key->data, parts, COUNT_OF(parts), file->nonce, sizeof(file->nonce));
	sha256(buf_text(&content), content.size, file->content_sha256);
	return 0;
}

static int set_key(struct package *package, const uint8_t *key, struct err *err)
{
	uint8_t text[sizeof(KEY_ID_LABEL) - 1 + SECRETBOX_KEY_SIZE];

	if (!package->code_key.data && secret_init(&package->code_key, key, SECRETBOX_KEY_SIZE, err) < 0)
		return -1;
	memcpy(text, KEY_ID_LABEL, sizeof(KEY_ID_LABEL) - 1);
	memcpy(text + sizeof(KEY_ID_LABEL) - 1, package->code_key.data, SECRETBOX_KEY_SIZE);
	sha256(text, sizeof(text), package->code_key_id);
	secret_wipe(text, sizeof(text));
	return 0;
}

static int plan(const struct code_tree *tree, const struct secret *project_key, struct package *package,
		struct err *err)
{
	scoped(secret_done) struct secret nonce_key = SECRET_INIT;
	scoped(sha256_freep) struct sha256_ctx *digest = sha256_new();
	uint8_t tree_digest[SHA256_SIZE];

	if (list_files(tree, package, err) < 0 ||
	    project_key_derive(project_key, "mse-nonce-1", NULL, 0, &nonce_key, err) < 0)
		return -1;
	sha256_add(digest, TREE_LABEL, sizeof(TREE_LABEL) - 1);
	for (size_t i = 0; i < package->count; i++) {
		if (digest_file(tree, &package->files[i], &nonce_key, digest, err) < 0)
			return -1;
	}
	sha256_finish(digest, tree_digest);
	if (project_key_derive(project_key, "mse-code-1", tree_digest, sizeof(tree_digest), &package->code_key, err) <
	    0)
		return -1;
	return set_key(package, NULL, err);
}

int package_plan(const struct code_tree *tree, const struct secret *project_key, struct package *ret, struct err *err)
{
	struct package package = {.code_key = SECRET_INIT};

	if (plan(tree, project_key, &package, err) < 0) {
		package_done(&package);
		return -1;
	}
	qsort(package.files, package.count, sizeof(package.files[0]), by_tar_path);
	*ret = package;
	return 0;
}

static int hash_content(const struct code_tree *tree, struct package_file *file, struct err *err)
{
	scoped(wipe_done) struct buf content = BUF_INIT(0);

	if (read_source(tree, file->source, &content, err) < 0)
		return -1;
	sha256(buf_text(&content), content.size, file->content_sha256);
	return 0;
}

static const struct context_nonce *find_nonce(const struct context *context, const char *path)
{
	for (size_t i = 0; i < context->nonce_count; i++) {
		if (strcmp(context->nonces[i].path, path) == 0)
			return &context->nonces[i];
	}
	return NULL;
}

static int take_nonces(const struct code_tree *tree, const struct context *context, struct package *package,
		       struct err *err)
{
	size_t known = 0;

	for (size_t i = 0; i < package->count; i++) {
		struct package_file *file = &package->files[i];
		const struct context_nonce *nonce = find_nonce(context, file->source->path);

		if (hash_content(tree, file, err) < 0)
			return -1;
		if (file->plain)
			continue;
		if (!nonce)
			return err_set(err, ERR_NOT_FOUND, "'%s' is in '%s', but not in the deployed code",
				       file->source->path, tree->root);
		if (hex_decode(nonce->hex, strlen(nonce->hex), file->nonce, sizeof(file->nonce), err) < 0)
			return -1;
		known++;
	}
	for (size_t i = 0; known < context->nonce_count && i < context->nonce_count; i++) {
		size_t j = 0;

		while (j < package->count && strcmp(package->files[j].source->path, context->nonces[i].path) != 0)
			j++;
		if (j == package->count)
			return err_set(err, ERR_NOT_FOUND, "'%s' is in the deployed code, but not in '%s'",
				       context->nonces[i].path, tree->root);
	}
	return 0;
}

static int plan_from_context(const struct code_tree *tree, const struct context *context, struct package *package,
			     struct err *err)
{
	if (!context->code_secret_key)
		return err_set(err, ERR_INVALID, "the context has no code key: the code cannot be compared");
	if (secret_new(&package->code_key, SECRETBOX_KEY_SIZE, err) < 0 ||
	    hex_decode(context->code_secret_key, strlen(context->code_secret_key), package->code_key.data,
		       SECRETBOX_KEY_SIZE, err) < 0 ||
	    set_key(package, NULL, err) < 0 || list_files(tree, package, err) < 0)
		return -1;
	return take_nonces(tree, context, package, err);
}

int package_plan_from_context(const struct code_tree *tree, const struct context *context, struct package *ret,
			      struct err *err)
{
	struct package package = {.code_key = SECRET_INIT};

	if (plan_from_context(tree, context, &package, err) < 0) {
		package_done(&package);
		return -1;
	}
	qsort(package.files, package.count, sizeof(package.files[0]), by_tar_path);
	*ret = package;
	return 0;
}

/* What goes into the tar for one file. */
static int make_content(const struct code_tree *tree, const struct package *package, const struct package_file *file,
			struct buf *ret, struct err *err)
{
	scoped(wipe_done) struct buf content = BUF_INIT(0);
	uint8_t seen[SHA256_SIZE];
	uint8_t *room;

	if (read_source(tree, file->source, &content, err) < 0)
		return -1;
	sha256(buf_text(&content), content.size, seen);
	if (memcmp(seen, file->content_sha256, sizeof(seen)) != 0)
		return err_set(err, ERR_CONFLICT, "'%s' changed while it was packaged", file->source->path);
	if (buf_reserve(ret, content.size + SECRETBOX_OVERHEAD, &room, err) < 0)
		return -1;
	if (file->plain)
		return buf_add(ret, content.data, content.size, err);
	return secretbox_seal(package->code_key.data, file->nonce, buf_text(&content), content.size, ret, err);
}

static int write_file(const struct code_tree *tree, const struct package *package, struct package_file *file,
		      struct tar_writer *tar, struct err *err)
{
	scoped(buf_done) struct buf content = BUF_INIT(CODE_TREE_SIZE_MAX + SECRETBOX_OVERHEAD);

	if (make_content(tree, package, file, &content, err) < 0)
		return -1;
	sha256(buf_text(&content), content.size, file->sha256);
	file->tar_size = content.size;
	if (!tar)
		return 0;
	if (tar_write_file(tar, file->tar_path, content.size, err) < 0 ||
	    (content.size && tar_write_data(tar, content.data, content.size, err) < 0))
		return -1;
	return 0;
}

static int write_all(const struct code_tree *tree, struct package *package, struct tar_writer *tar, struct err *err)
{
	for (size_t i = 0; i < package->count; i++) {
		if (write_file(tree, package, &package->files[i], tar, err) < 0)
			return -1;
	}
	return tar ? tar_write_end(tar, err) : 0;
}

static int write_fd(void *arg, const void *data, size_t size, struct err *err)
{
	return fd_write_all(*(int *)arg, data, size, err);
}

int package_write(const struct code_tree *tree, struct package *package, const char *tar_path, struct err *err)
{
	scoped(fd_closep) int fd = -1;
	struct tar_writer tar;

	if (!tar_path)
		return write_all(tree, package, NULL, err);
	fd = open(tar_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set_errno(err, "cannot write '%s'", tar_path);
	tar_writer_init(&tar, (struct tar_sink){.write = write_fd, .arg = &fd});
	if (write_all(tree, package, &tar, err) < 0)
		return err_prefix(err, "cannot make '%s'", tar_path);
	return fsync(fd) < 0 ? err_set_errno(err, "cannot write '%s'", tar_path) : 0;
}

int package_describe(const struct package *package, struct release *release, struct err *err)
{
	for (size_t i = 0; i < package->count; i++) {
		const struct package_file *file = &package->files[i];

		if (release_add_file(release, file->tar_path, file->sha256, file->tar_size, err) < 0)
			return -1;
	}
	memcpy(release->code_key_id, package->code_key_id, sizeof(release->code_key_id));
	release->has_code_key_id = true;
	return 0;
}

void package_done(struct package *package)
{
	for (size_t i = 0; i < package->count; i++)
		free(package->files[i].tar_path);
	free(package->files);
	secret_done(&package->code_key);
	*package = (struct package){0};
}
