/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "crypto/hash.h"
#include "format/hex.h"
#include "measure/sim_loader.h"

#define HASH_THREADS 2
#define PIECE_SIZE ((size_t)256 << 10)

/* ---- reading ---- */

static int add_file(struct plan *plan, const char *dir, const char *prefix, const char *path, const uint8_t *sha256,
		    struct err *err)
{
	struct plan_file *file = &plan->files[plan->file_count];

	if (asprintf(&file->path, "%s/%s", prefix, path) < 0) {
		file->path = NULL;
		return err_no_memory(err);
	}
	file->dir = dir;
	file->below = file->path + strlen(prefix) + 1;
	memcpy(file->sha256, sha256, sizeof(file->sha256));
	plan->file_count++;
	return 0;
}

static int add_files(struct plan *plan, const struct engine_launch *launch, const struct bill *bill, struct err *err)
{
	const struct release *release = plan->release;

	plan->files = calloc(bill->count + release->file_count + 1, sizeof(*plan->files));
	if (!plan->files)
		return err_no_memory(err);
	for (size_t i = 0; i < bill->count; i++) {
		if (add_file(plan, launch->image_dir, "", bill->files[i].path, bill->files[i].sha256, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < release->file_count; i++) {
		if (add_file(plan, launch->code_dir, RELEASE_CODE_DIR, release->files[i].path, release->files[i].sha256,
			     err) < 0)
			return -1;
	}
	return 0;
}

static int check_release(const struct release *release, const struct bill *bill, const struct engine_launch *launch,
			 struct err *err)
{
	if (release->tee != RELEASE_TEE_SIM)
		return err_set(err, ERR_INVALID, "the manifest is for TEE '%s', not for the simulation",
			       release_tee_text(release->tee));
	if (memcmp(bill->loader, sim_loader_sha256, sizeof(bill->loader)) != 0)
		return err_set(err, ERR_INVALID, "the manifest names a loader that is not the simulation's");
	if (launch->egress == ENGINE_EGRESS_INTERNET && release->egress == RELEASE_EGRESS_NONE)
		return err_set(err, ERR_DENIED, "the manifest declares no egress, the launch asks for it");
	return 0;
}

static int measure(struct plan *plan, const struct buf *text, struct err *err)
{
	const struct measure_params params = {.enclave_size = plan->release->enclave_size,
					      .threads = plan->release->max_threads};
	struct measure_result result;

	if (measure_run(&params, text->data, text->size, sim_loader, SIM_LOADER_SIZE, &result, err) < 0)
		return -1;
	memcpy(plan->measurement, result.mrenclave, sizeof(plan->measurement));
	return 0;
}

static int fill(struct plan *plan, const struct engine_launch *launch, const struct buf *text, struct err *err)
{
	scoped(bill_freep) struct bill *bill = NULL;

	if (release_from_manifest(text->data, text->size, &plan->release, &bill, err) < 0 ||
	    check_release(plan->release, bill, launch, err) < 0 || measure(plan, text, err) < 0 ||
	    release_env_make(plan->release, &plan->env, err) < 0)
		return -1;
	return add_files(plan, launch, bill, err);
}

int plan_load(const struct engine_launch *launch, struct plan **ret, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(RELEASE_MANIFEST_MAX);
	scoped(plan_freep) struct plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return err_no_memory(err);
	if (fs_read(launch->manifest_path, &text, err) < 0)
		return -1;
	if (fill(plan, launch, &text, err) < 0)
		return err_prefix(err, "manifest '%s'", launch->manifest_path);
	*ret = TAKE_PTR(plan);
	return 0;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->file_count; i++)
		free(plan->files[i].path);
	free(plan->files);
	release_env_done(&plan->env);
	release_free(plan->release);
	free(plan);
}

/* ---- hashing ---- */

struct hashing {
	const struct plan *plan;
	atomic_size_t next;
	atomic_bool failed;
	pthread_mutex_t lock;
	size_t failed_at; /* the first in the manifest's order, with its error */
	struct err err;
};

static int open_trusted(const struct plan_file *file, int *ret_fd, struct err *err)
{
	const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
				     .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	scoped(fd_closep) int dir = open(file->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	scoped(fd_closep) int fd = -1;
	struct stat st;

	if (dir < 0)
		return err_set_errno(err, "cannot open '%s'", file->dir);
	fd = (int)syscall(SYS_openat2, dir, file->below, &how, sizeof(how));
	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_UNTRUSTED, "trusted file '%s' is missing", file->path);
	if (fd < 0 && (errno == ELOOP || errno == EXDEV))
		return err_set(err, ERR_UNTRUSTED, "trusted file '%s' is reached through a link", file->path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set_errno(err, "cannot open trusted file '%s'", file->path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_UNTRUSTED, "trusted file '%s' is no regular file", file->path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int hash_file(const struct plan_file *file, uint8_t *piece, uint8_t ret[static 32], struct err *err)
{
	scoped(sha256_freep) struct sha256_ctx *ctx = sha256_new();
	scoped(fd_closep) int fd = -1;
	ssize_t got;

	if (open_trusted(file, &fd, err) < 0)
		return -1;
	while ((got = read(fd, piece, PIECE_SIZE)) != 0) {
		if (got < 0 && errno != EINTR)
			return err_set_errno(err, "cannot read trusted file '%s'", file->path);
		if (got > 0)
			sha256_add(ctx, piece, (size_t)got);
	}
	sha256_finish(ctx, ret);
	return 0;
}

static int check_file(const struct plan_file *file, uint8_t *piece, struct err *err)
{
	uint8_t seen[32];
	char seen_text[HEX_TEXT_SIZE(32)], wanted_text[HEX_TEXT_SIZE(32)];

	if (hash_file(file, piece, seen, err) < 0)
		return -1;
	if (memcmp(seen, file->sha256, sizeof(seen)) == 0)
		return 0;
	hex_encode(seen, sizeof(seen), seen_text);
	hex_encode(file->sha256, sizeof(file->sha256), wanted_text);
	return err_set(err, ERR_UNTRUSTED, "trusted file '%s': sha256 %s, the manifest wants %s", file->path, seen_text,
		       wanted_text);
}

static void note_failure(struct hashing *hashing, size_t at, const struct err *err)
{
	pthread_mutex_lock(&hashing->lock);
	if (!atomic_load(&hashing->failed) || at < hashing->failed_at) {
		hashing->failed_at = at;
		hashing->err = *err;
	}
	atomic_store(&hashing->failed, true);
	pthread_mutex_unlock(&hashing->lock);
}

static void *hash_some(void *arg)
{
	struct hashing *hashing = arg;
	struct err err = ERR_INIT;
	scoped(freep) uint8_t *piece = malloc(PIECE_SIZE);

	if (!piece) {
		err_no_memory(&err);
		note_failure(hashing, 0, &err);
		return NULL;
	}
	while (!atomic_load(&hashing->failed)) {
		const size_t at = atomic_fetch_add(&hashing->next, 1);

		if (at >= hashing->plan->file_count)
			break;
		if (check_file(&hashing->plan->files[at], piece, &err) < 0)
			note_failure(hashing, at, &err);
	}
	return NULL;
}

int plan_check_files(const struct plan *plan, struct err *err)
{
	struct hashing hashing = {.plan = plan, .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[HASH_THREADS - 1];
	size_t started = 0;

	while (started < COUNT_OF(threads) && pthread_create(&threads[started], NULL, hash_some, &hashing) == 0)
		started++;
	(void)hash_some(&hashing); /* this thread is one of them, so none is needed */
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	if (!atomic_load(&hashing.failed))
		return 0;
	*err = hashing.err;
	return -1;
}
