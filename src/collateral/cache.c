/* SPDX-License-Identifier: Apache-2.0 */
#include "collateral/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/fs.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "format/hex.h"

#define FILE_ID_SIZE 16 /* bytes of the hash that name a file */
#define ITEM_SUFFIX ".item"
#define PAUSE_SUFFIX ".pause"
#define FILE_NAME_SIZE (HEX_TEXT_SIZE(FILE_ID_SIZE) + sizeof(PAUSE_SUFFIX))
#define LOCK_FILE "lock"
#define TRIM_PLACE 0 /* in the lock's file; items are at places from 1 on */
#define TRIM_WAIT_MS 1000
#define LOCK_POLL_MS 10
#define STALE_TEMP_SECONDS 3600
#define ENTRIES_MAX 8192 /* more are left for the next time */

struct collateral_cache {
	char *path;
	int dir; /* descriptor of the folder */
	struct collateral_cache_limits limits;
};

/* ---- life ---- */

static int check_folder(const struct collateral_cache *cache, struct err *err)
{
	struct stat info;

	if (fstat(cache->dir, &info) < 0)
		return err_set_errno(err, "cannot look at '%s'", cache->path);
	if (info.st_uid != geteuid())
		return err_set(err, ERR_DENIED, "'%s' belongs to another user", cache->path);
	if ((info.st_mode & 077) && fchmod(cache->dir, 0700) < 0)
		return err_set_errno(err, "cannot close '%s' to others", cache->path);
	return 0;
}

int collateral_cache_open(const char *path, const struct collateral_cache_limits *limits,
			  struct collateral_cache **ret_cache, struct err *err)
{
	scoped(collateral_cache_closep) struct collateral_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return err_no_memory(err);
	cache->dir = -1;
	cache->path = strdup(path);
	if (!cache->path)
		return err_no_memory(err);
	cache->limits.count_max = limits && limits->count_max ? limits->count_max : COLLATERAL_CACHE_COUNT_MAX;
	cache->limits.bytes_max = limits && limits->bytes_max ? limits->bytes_max : COLLATERAL_CACHE_BYTES_MAX;
	if (fs_make_dirs(path, 0700, err) < 0)
		return -1;
	cache->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cache->dir < 0)
		return err_set_errno(err, "cannot open '%s'", path);
	if (check_folder(cache, err) < 0)
		return -1;
	*ret_cache = TAKE_PTR(cache);
	return 0;
}

void collateral_cache_close(struct collateral_cache *cache)
{
	if (!cache)
		return;
	fd_close(cache->dir);
	free(cache->path);
	free(cache);
}

/* ---- items ---- */

static bool is_pause(const char *name)
{
	return strncmp(name, COLLATERAL_PAUSE_PREFIX, strlen(COLLATERAL_PAUSE_PREFIX)) == 0;
}

static void hash_name(const char *name, uint8_t ret[static SHA256_SIZE])
{
	sha256(name, strlen(name), ret);
}

static void file_name(const char *name, char ret[static FILE_NAME_SIZE])
{
	uint8_t hash[SHA256_SIZE];

	hash_name(name, hash);
	hex_encode(hash, FILE_ID_SIZE, ret);
	(void)snprintf(ret + 2 * (size_t)FILE_ID_SIZE, sizeof(PAUSE_SUFFIX), "%s",
		       is_pause(name) ? PAUSE_SUFFIX : ITEM_SUFFIX);
}

static int read_item(const struct collateral_cache *cache, const char *file, struct buf *ret, struct err *err)
{
	scoped(fd_closep) int fd = openat(cache->dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat info;

	if (fd < 0)
		return err_set_errno(err, "cannot open '%s'", file);
	if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode) || info.st_uid != geteuid())
		return err_set(err, ERR_INVALID, "'%s' is no file of ours", file);
	return buf_read_fd(ret, fd, err);
}

int collateral_cache_find(const struct collateral_cache *cache, const char *name, struct collateral_record *ret)
{
	scoped(buf_done) struct buf data = BUF_INIT(COLLATERAL_RECORD_MAX);
	struct err ignored = ERR_INIT;
	char file[FILE_NAME_SIZE];

	file_name(name, file);
	return read_item(cache, file, &data, &ignored) == 0 &&
	       collateral_record_parse(data.data, data.size, ret, &ignored) == 0 && strcmp(ret->name, name) == 0;
}

/* ---- locks ---- */

/* 1 taken, 0 still another's. A lock of one byte, which belongs to this opening of the file (fcntl(2), "Open file
 * description locks"): threads exclude each other too, and whatever ends lets go. */
static int try_lock(int fd, off_t place, struct err *err)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 1;
	return errno == EAGAIN || errno == EACCES || errno == EINTR ? 0 : err_set_errno(err, "cannot lock");
}

static int take_lock(const struct collateral_cache *cache, off_t place, int wait_ms, bool (*keep_going)(void *arg),
		     void *arg, int *ret_fd, struct err *err)
{
	const int64_t deadline_ns = clock_monotonic_ns() + wait_ms * INT64_C(1000000);
	scoped(fd_closep) int fd = openat(cache->dir, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int taken;

	if (fd < 0)
		return err_set_errno(err, "cannot open '%s/%s'", cache->path, LOCK_FILE);
	while ((taken = try_lock(fd, place, err)) == 0 && clock_monotonic_ns() < deadline_ns) {
		(void)poll(NULL, 0, LOCK_POLL_MS);
		if (keep_going && !keep_going(arg))
			return err_set(err, ERR_CANCELLED, "interrupted");
	}
	if (taken < 0)
		return -1;
	*ret_fd = taken ? TAKE_FD(fd) : -1;
	return 0;
}

/* Nobody holds two, so that nobody waits in a ring. */
int collateral_cache_lock(const struct collateral_cache *cache, const char *name, int wait_ms,
			  bool (*keep_going)(void *arg), void *arg, int *ret_fd, struct err *err)
{
	uint8_t hash[SHA256_SIZE];
	off_t place = 0;

	hash_name(name, hash);
	for (size_t i = 0; i < sizeof(place); i++)
		place = (off_t)((uint64_t)place << 8 | hash[i]);
	return take_lock(cache, (place & (INT64_MAX >> 1)) + 1, wait_ms, keep_going, arg, ret_fd, err);
}

/* ---- how much is kept ---- */

struct entry {
	char file[FILE_NAME_SIZE];
	struct timespec written;
	size_t size;
};

struct listing {
	const struct collateral_cache *cache;
	const char *suffix;
	struct collateral_cache_limits limits;
	struct entry *entries;
	size_t count;
	size_t bytes;
};

static int add_entry(const char *name, void *arg, struct err *err)
{
	struct listing *listing = arg;
	struct entry *entry = &listing->entries[listing->count];
	struct stat info;

	(void)err;
	if (listing->count == ENTRIES_MAX || fstatat(listing->cache->dir, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	/* What a process that was killed while it wrote left behind. */
	if (strstr(name, ".tmp-") && info.st_mtime < clock_now_seconds() - STALE_TEMP_SECONDS)
		(void)unlinkat(listing->cache->dir, name, 0);
	if (!text_ends_with(name, listing->suffix) || strlen(name) >= sizeof(entry->file))
		return 0;
	memcpy(entry->file, name, strlen(name) + 1);
	entry->written = info.st_mtim;
	entry->size = (size_t)info.st_size;
	listing->bytes += entry->size;
	listing->count++;
	return 0;
}

static int compare_age(const void *a, const void *b)
{
	const struct entry *left = a;
	const struct entry *right = b;

	if (left->written.tv_sec != right->written.tv_sec)
		return left->written.tv_sec < right->written.tv_sec ? -1 : 1;
	return (left->written.tv_nsec > right->written.tv_nsec) - (left->written.tv_nsec < right->written.tv_nsec);
}

static void remove_oldest(struct listing *listing)
{
	const struct collateral_cache_limits *limits = &listing->limits;
	size_t left = listing->count;

	if (left <= limits->count_max && listing->bytes <= limits->bytes_max)
		return;
	qsort(listing->entries, listing->count, sizeof(*listing->entries), compare_age);
	for (size_t i = 0; i < listing->count && (left > limits->count_max || listing->bytes > limits->bytes_max);
	     i++) {
		(void)unlinkat(listing->cache->dir, listing->entries[i].file, 0);
		listing->bytes -= listing->entries[i].size;
		left--;
	}
}

static int trim(const struct collateral_cache *cache, bool pauses, struct err *err)
{
	scoped(fd_closep) int lock = -1;
	scoped(freep) struct entry *entries = calloc(ENTRIES_MAX, sizeof(*entries));
	const struct collateral_cache_limits of_pauses = {COLLATERAL_CACHE_PAUSES_MAX, cache->limits.bytes_max};
	struct listing listing = {.cache = cache,
				  .entries = entries,
				  .suffix = pauses ? PAUSE_SUFFIX : ITEM_SUFFIX,
				  .limits = pauses ? of_pauses : cache->limits};

	if (!entries)
		return err_no_memory(err);
	if (take_lock(cache, TRIM_PLACE, TRIM_WAIT_MS, NULL, NULL, &lock, err) < 0 ||
	    fs_each_entry(cache->path, add_entry, &listing, err) < 0)
		return -1;
	remove_oldest(&listing);
	return 0;
}

int collateral_cache_put(const struct collateral_cache *cache, const struct collateral_record *record, struct err *err)
{
	scoped(buf_done) struct buf data = BUF_INIT(COLLATERAL_RECORD_MAX);
	scoped(freep) char *path = NULL;
	char file[FILE_NAME_SIZE];

	file_name(record->name, file);
	if (collateral_record_format(record, &data, err) < 0 || fs_join(cache->path, file, &path, err) < 0 ||
	    fs_write_replace(path, data.data, data.size, 0600, err) < 0)
		return -1;
	return trim(cache, is_pause(record->name), err);
}

void collateral_cache_drop(const struct collateral_cache *cache, const char *name)
{
	char file[FILE_NAME_SIZE];

	file_name(name, file);
	(void)unlinkat(cache->dir, file, 0);
}
