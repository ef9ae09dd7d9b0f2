/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collateral on disk, for any number of processes at once: one file (0600) for each item in a folder (0700) of ours,
 * replaced whole. Items are looked for by what they are (collateral_name_format). What is damaged, cut or of another
 * user is as if it were not there. Nothing in it is believed: the verifier checks every signature.
 *
 * Bounded in number and bytes: the oldest go first. Nothing is synced: after a crash of the machine items are fetched
 * again. One struct serves one thread.
 */
#ifndef MSE_COLLATERAL_CACHE_H
#define MSE_COLLATERAL_CACHE_H

#include "collateral/record.h"

#define COLLATERAL_CACHE_COUNT_MAX 512
#define COLLATERAL_CACHE_BYTES_MAX (64u << 20)
#define COLLATERAL_CACHE_PAUSES_MAX 128

/* Records whose name begins so are pauses (pause.h): beside the items, with a limit of their own. */
#define COLLATERAL_PAUSE_PREFIX "pause, "

struct collateral_cache;

struct collateral_cache_limits {
	size_t count_max; /* 0: COLLATERAL_CACHE_COUNT_MAX */
	size_t bytes_max; /* 0: COLLATERAL_CACHE_BYTES_MAX */
};

/* Makes the folder. ERR_DENIED if it is another user's. */
must_check int collateral_cache_open(const char *path, const struct collateral_cache_limits *limits,
				     struct collateral_cache **ret_cache, struct err *err);
void collateral_cache_close(struct collateral_cache *cache);
DEFINE_SCOPED_PTR(struct collateral_cache, collateral_cache_close);

/* 1: *ret is that item, valid or not; 0: it is not there, or unreadable. */
int collateral_cache_find(const struct collateral_cache *cache, const char *name, struct collateral_record *ret);

/* Puts it in the place of what was there, and removes what is then too much. */
must_check int collateral_cache_put(const struct collateral_cache *cache, const struct collateral_record *record,
				    struct err *err);

/* As if it had never been there. */
void collateral_cache_drop(const struct collateral_cache *cache, const char *name);

/*
 * For who fetches an item: others wait, and then find it. One lock for each item, so that a slow service holds up
 * nobody who wants another thing. *ret_fd is closed to let go; -1 when the wait was over
 * first, which is no failure. ERR_CANCELLED when keep_going (NULL: always) says false.
 */
must_check int collateral_cache_lock(const struct collateral_cache *cache, const char *name, int wait_ms,
				     bool (*keep_going)(void *arg), void *arg, int *ret_fd, struct err *err);

#endif
