/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows <-> domain structs: all of our SQL. One store may be used by any number of threads. Functions that change more
 * than one row make their own transaction; several can be put into one with store_begin and store_commit.
 *
 * Tokens, codes and cookies reach the store as SHA-256 in hex only: who reads the database can use none of them.
 */
#ifndef MSE_STORE_STORE_H
#define MSE_STORE_STORE_H

#include <stdint.h>

#include "base/err.h"
#include "base/fault.h"

#define STORE_HASH_SIZE 65 /* SHA-256 in hex with its zero byte */
#define STORE_PAGE_MAX 100 /* rows of one page of a list */
#define STORE_PAGE_NUMBER_MAX 1000000

struct store;

/* Opens and migrates. url as db_open. ERR_UNSUPPORTED: the database is newer than this program. */
must_check int store_open(const char *url, int64_t now, struct store **ret, struct err *err);
void store_close(struct store *store);
DEFINE_SCOPED_PTR(struct store, store_close);

must_check int store_begin(struct store *store, struct err *err);
void store_rollback(struct store *store);
must_check int store_commit_now(struct store *store, struct err *err);

/* Commits, with the fault points "POINT:before" and "POINT:after" around it. point is a string literal. */
#define store_commit(store, point, err) \
	({ \
		fault_point(point ":before"); \
		int commit_status_ = store_commit_now((store), (err)); \
		fault_point(point ":after"); \
		commit_status_; \
	})

struct store_page {
	int64_t page;     /* from 1 */
	int64_t per_page; /* 1 … STORE_PAGE_MAX */
};

#endif
