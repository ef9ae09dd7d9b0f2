/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/attested/quoter.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/scoped.h"

#define AGE_MAX_NS (QUOTER_AGE_MAX_MS * 1000000LL)

struct entry {
	uint8_t leaf[FRESH_HASH_SIZE];
	quoter_done done;
	void *arg;
	int64_t since_ns;
};

struct quoter {
	struct quoter_options options;
	pthread_t thread;
	pthread_mutex_t lock; /* guards the four below */
	pthread_cond_t changed;
	bool is_closing;
	size_t head; /* queue is a ring */
	size_t count;
	struct entry queue[QUOTER_QUEUE_MAX];
	/* The quoting thread's own. */
	bool is_failing;
	struct entry batch[FRESH_LEAVES_MAX];
	uint8_t leaves[FRESH_LEAVES_MAX][FRESH_HASH_SIZE];
};

static void refuse(const struct entry *entry)
{
	const struct quoter_proof none = {.quote = NULL};

	entry->done(entry->arg, &none);
}

/* Waits for work; how many entries were moved to batch, 0 when closing and the queue is empty. */
static size_t take_batch(struct quoter *quoter)
{
	size_t taken = 0;

	(void)pthread_mutex_lock(&quoter->lock);
	while (quoter->count == 0 && !quoter->is_closing)
		(void)pthread_cond_wait(&quoter->changed, &quoter->lock);
	for (; quoter->count > 0 && taken < FRESH_LEAVES_MAX; taken++) {
		quoter->batch[taken] = quoter->queue[quoter->head];
		quoter->head = (quoter->head + 1) % QUOTER_QUEUE_MAX;
		quoter->count--;
	}
	(void)pthread_mutex_unlock(&quoter->lock);
	return taken;
}

static bool is_closing(struct quoter *quoter)
{
	bool closing;

	(void)pthread_mutex_lock(&quoter->lock);
	closing = quoter->is_closing;
	(void)pthread_mutex_unlock(&quoter->lock);
	return closing;
}

static bool is_old(const struct entry *entry)
{
	return clock_monotonic_ns() - entry->since_ns > AGE_MAX_NS;
}

/* Refuses who waited too long; the number of those that are left, moved together. */
static size_t drop_old(struct quoter *quoter, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (is_old(&quoter->batch[i]))
			refuse(&quoter->batch[i]);
		else
			quoter->batch[kept++] = quoter->batch[i];
	}
	return kept;
}

static int make_quote(struct quoter *quoter, size_t count, struct fresh_tree **ret_tree, struct buf *ret_quote,
		      struct err *err)
{
	scoped(fresh_tree_freep) struct fresh_tree *tree = NULL;
	uint8_t report_data[FRESH_REPORT_DATA_SIZE];

	for (size_t i = 0; i < count; i++)
		memcpy(quoter->leaves[i], quoter->batch[i].leaf, FRESH_HASH_SIZE);
	if (fresh_tree_new((const uint8_t(*)[FRESH_HASH_SIZE])quoter->leaves, count, &tree, err) < 0)
		return -1;
	fresh_tree_report_data(tree, report_data);
	if (quoter->options.quote(quoter->options.quote_arg, report_data, ret_quote, err) < 0)
		return -1;
	*ret_tree = TAKE_PTR(tree);
	return 0;
}

static void answer(const struct entry *entry, const struct fresh_tree *tree, size_t index, const struct buf *quote)
{
	uint8_t path[FRESH_DEPTH_MAX][FRESH_HASH_SIZE];
	const struct quoter_proof proof = {
	    .quote = quote,
	    .depth = fresh_tree_depth(tree),
	    .index = (unsigned)index,
	    .path = (const uint8_t(*)[FRESH_HASH_SIZE])path,
	};

	fresh_tree_path(tree, index, path);
	entry->done(entry->arg, &proof);
}

static void note_failure(struct quoter *quoter, const struct err *err)
{
	if (!quoter->is_failing && quoter->options.report)
		quoter->options.report(err->text);
	quoter->is_failing = true;
}

static void serve_batch(struct quoter *quoter, size_t count)
{
	scoped(fresh_tree_freep) struct fresh_tree *tree = NULL;
	scoped(buf_done) struct buf quote = BUF_INIT(quoter->options.quote_size_max);
	struct err err = ERR_INIT;

	count = drop_old(quoter, count);
	if (count == 0)
		return;
	if (is_closing(quoter) || make_quote(quoter, count, &tree, &quote, &err) < 0) {
		if (err.text[0])
			note_failure(quoter, &err);
		for (size_t i = 0; i < count; i++)
			refuse(&quoter->batch[i]);
		return;
	}
	quoter->is_failing = false;
	for (size_t i = 0; i < count; i++) {
		if (is_old(&quoter->batch[i]))
			refuse(&quoter->batch[i]);
		else
			answer(&quoter->batch[i], tree, i, &quote);
	}
}

static void *quoter_thread(void *arg)
{
	struct quoter *quoter = arg;
	size_t count;

	while ((count = take_batch(quoter)) > 0)
		serve_batch(quoter, count);
	return NULL;
}

static void free_quoter(struct quoter *quoter)
{
	(void)pthread_cond_destroy(&quoter->changed);
	(void)pthread_mutex_destroy(&quoter->lock);
	free(quoter);
}

int quoter_start(const struct quoter_options *options, struct quoter **ret, struct err *err)
{
	struct quoter *quoter = calloc(1, sizeof(*quoter));
	int status;

	if (!quoter)
		return err_no_memory(err);
	quoter->options = *options;
	(void)pthread_mutex_init(&quoter->lock, NULL);
	(void)pthread_cond_init(&quoter->changed, NULL);
	status = pthread_create(&quoter->thread, NULL, quoter_thread, quoter);
	if (status != 0) {
		free_quoter(quoter);
		errno = status;
		return err_set_errno(err, "cannot start the quoting thread");
	}
	*ret = quoter;
	return 0;
}

bool quoter_submit(struct quoter *quoter, const uint8_t leaf[static FRESH_HASH_SIZE], quoter_done done, void *arg)
{
	bool is_accepted;

	(void)pthread_mutex_lock(&quoter->lock);
	is_accepted = !quoter->is_closing && quoter->count < QUOTER_QUEUE_MAX;
	if (is_accepted) {
		struct entry *entry = &quoter->queue[(quoter->head + quoter->count) % QUOTER_QUEUE_MAX];

		*entry = (struct entry){.done = done, .arg = arg, .since_ns = clock_monotonic_ns()};
		memcpy(entry->leaf, leaf, FRESH_HASH_SIZE);
		quoter->count++;
		(void)pthread_cond_signal(&quoter->changed);
	}
	(void)pthread_mutex_unlock(&quoter->lock);
	return is_accepted;
}

void quoter_stop(struct quoter *quoter)
{
	if (!quoter)
		return;
	(void)pthread_mutex_lock(&quoter->lock);
	quoter->is_closing = true;
	(void)pthread_cond_broadcast(&quoter->changed);
	(void)pthread_mutex_unlock(&quoter->lock);
	(void)pthread_join(quoter->thread, NULL);
	free_quoter(quoter);
}
