/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "crypto/hash.h"
#include "image/plan.h"

#define PIECE_SIZE (256u << 10)
#define STEP_ITEMS 64 /* between calls of the progress callback */

/* What every root has besides the bill's files: fixed, so that nobody needs to be told. */
static const char *const root_dirs[] = {"code", "dev",     "etc",     "instance", "key",   "mse-app",
					"proc", "root",    "run",     "run/mse",  "state", "tmp",
					"usr",  "usr/bin", "usr/lib", "usr/lib64"};
static const char *const root_links[][2] = {{"bin", "usr/bin"}, {"lib", "usr/lib"}, {"lib64", "usr/lib64"}};

struct work {
	struct plan *plan;
	int root; /* -1: hash only */
	const struct image_progress *progress;
	const char *phase;
	atomic_size_t next;
	atomic_bool failed;
	pthread_mutex_t lock; /* guards err */
	struct err err;
};

static int make_dir(int root, const char *path, struct err *err)
{
	if (mkdirat(root, path, 0755) < 0 && errno != EEXIST)
		return err_set_errno(err, "cannot create directory '%s'", path);
	return 0;
}

static int make_parents(int root, const char *path, struct err *err)
{
	char part[BILL_PATH_MAX + 1];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		const size_t size = (size_t)(slash - path);

		if (size >= sizeof(part))
			return err_set(err, ERR_LIMIT, "path '%.80s…' has more than %d bytes", path, BILL_PATH_MAX);
		memcpy(part, path, size);
		part[size] = 0;
		if (make_dir(root, part, err) < 0)
			return -1;
	}
	return 0;
}

/* Items are sorted: a directory's files come together. */
static int make_dirs(const struct plan *plan, int root, struct err *err)
{
	const char *last = "";

	for (size_t i = 0; i < COUNT_OF(root_dirs); i++) {
		if (make_dir(root, root_dirs[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < COUNT_OF(root_links); i++) {
		if (symlinkat(root_links[i][1], root, root_links[i][0]) < 0)
			return err_set_errno(err, "cannot create link '%s'", root_links[i][0]);
	}
	for (size_t i = 0; i < plan->count; i++) {
		const char *path = plan->items[i].path;
		const char *slash = strrchr(path, '/');
		const size_t size = slash ? (size_t)(slash + 1 - path) : 0;

		if (strncmp(path, last, size) == 0 && !strchr(last + size, '/'))
			continue;
		if (make_parents(root, path, err) < 0)
			return -1;
		last = path;
	}
	return 0;
}

/* The kernel wants x on the program and on the dynamic loader; libraries carry it by custom. */
static mode_t mode_of(const char *path)
{
	return strncmp(path, "usr/bin/", 8) == 0 || strstr(path, ".so") ? 0555 : 0444;
}

static int open_copy(const struct work *work, const char *path, struct err *err)
{
	int fd;

	if (work->root < 0)
		return -1;
	fd = openat(work->root, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		(void)err_set_errno(err, "cannot create '%s'", path);
	return fd;
}

static int finish_copy(int copy, const char *path, struct err *err)
{
	if (copy >= 0 && fchmod(copy, mode_of(path)) < 0)
		return err_set_errno(err, "cannot set the mode of '%s'", path);
	return 0;
}

static int realise_data(struct plan_item *item, int copy, struct err *err)
{
	sha256(item->data, (size_t)item->size, item->sha256);
	return copy >= 0 ? fd_write_all(copy, item->data, (size_t)item->size, err) : 0;
}

static int realise_file(struct plan_item *item, int copy, uint8_t *piece, struct err *err)
{
	scoped(sha256_freep) struct sha256_ctx *hash = sha256_new();
	scoped(fd_closep) int fd = open(item->source, O_RDONLY | O_CLOEXEC);
	uint64_t total = 0;

	if (fd < 0)
		return err_set_errno(err, "cannot open '%s'", item->source);
	for (;;) {
		const ssize_t got = read(fd, piece, PIECE_SIZE);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, "cannot read '%s'", item->source);
		if (got == 0)
			break;
		sha256_add(hash, piece, (size_t)got);
		total += (uint64_t)got;
		if (copy >= 0 && fd_write_all(copy, piece, (size_t)got, err) < 0)
			return -1;
	}
	sha256_finish(hash, item->sha256);
	item->size = total;
	return 0;
}

static int realise_item(const struct work *work, struct plan_item *item, uint8_t *piece, struct err *err)
{
	scoped(fd_closep) int copy = open_copy(work, item->path, err);

	if (work->root >= 0 && copy < 0)
		return -1;
	if (item->source ? realise_file(item, copy, piece, err) < 0 : realise_data(item, copy, err) < 0)
		return err_prefix(err, "'%s'", item->path);
	return finish_copy(copy, item->path, err);
}

static void fail(struct work *work, const struct err *err)
{
	(void)pthread_mutex_lock(&work->lock);
	if (!atomic_exchange(&work->failed, true))
		work->err = *err;
	(void)pthread_mutex_unlock(&work->lock);
}

/* Takes items until none is left. Only the caller's own thread reports progress. */
static void run(struct work *work, bool reports)
{
	scoped(freep) uint8_t *piece = malloc(PIECE_SIZE);
	struct err err = ERR_INIT;

	if (!piece) {
		(void)err_no_memory(&err);
		fail(work, &err);
		return;
	}
	while (!atomic_load(&work->failed)) {
		const size_t at = atomic_fetch_add(&work->next, 1);

		if (at >= work->plan->count)
			return;
		if (realise_item(work, &work->plan->items[at], piece, &err) < 0)
			fail(work, &err);
		if (reports && work->progress && at % STEP_ITEMS < 2)
			work->progress->step(work->progress->arg, work->phase, at, work->plan->count);
	}
}

static void *run_second(void *arg)
{
	run(arg, false);
	return NULL;
}

static int run_all(struct work *work, struct err *err)
{
	pthread_t second;
	const bool has_second = pthread_create(&second, NULL, run_second, work) == 0;

	run(work, true);
	if (has_second)
		(void)pthread_join(second, NULL);
	if (atomic_load(&work->failed)) {
		*err = work->err;
		return -1;
	}
	return 0;
}

int plan_realise(struct plan *plan, const char *dest, const struct image_progress *progress, struct err *err)
{
	struct work work = {.plan = plan,
			    .root = -1,
			    .progress = progress,
			    .phase = dest ? "copy" : "hash",
			    .lock = PTHREAD_MUTEX_INITIALIZER};
	scoped(fd_closep) int root = dest ? open(dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (dest && root < 0)
		return err_set_errno(err, "cannot open directory '%s'", dest);
	work.root = root;
	if (root >= 0 && make_dirs(plan, root, err) < 0)
		return err_prefix(err, "'%s'", dest);
	if (run_all(&work, err) < 0)
		return -1;
	if (progress)
		progress->step(progress->arg, work.phase, plan->count, plan->count);
	return 0;
}
