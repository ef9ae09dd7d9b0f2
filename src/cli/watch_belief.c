/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/watch.h"

#define READINGS_MAX 3     /* of files that change while they are read */
#define READING_MS 30000LL /* who asks meanwhile waits so long */

static void belief_free(struct watch_belief *belief)
{
	if (!belief)
		return;
	for (size_t i = 0; i < belief->expect_count; i++)
		attest_expect_done(&belief->expects[i]);
	for (size_t i = 0; i < belief->cloud_count; i++) {
		collateral_source_free(belief->clouds[i].collateral);
		free(belief->clouds[i].url);
	}
	attest_options_done(&belief->options);
	free(belief);
}
DEFINE_SCOPED_PTR(struct watch_belief, belief_free);

static bool is_same_url(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Where none was named: what belongs to the cloud of each host (attest_options_guess), one for each cloud. */
static int choose_collateral(const struct watch *watch, struct watch_belief *belief, size_t host, struct err *err)
{
	scoped(freep) char *url = NULL;
	size_t i = 0;

	belief->collateral[host] = belief->options.collateral;
	if (belief->options.collateral)
		return 0;
	if (attest_options_cloud(watch->call, watch->hosts[host].address.host, &url, err) < 0)
		return -1;
	while (i < belief->cloud_count && !is_same_url(belief->clouds[i].url, url))
		i++;
	if (i == belief->cloud_count) {
		if (collateral_source_new(watch->call->settings, url, belief->options.mode,
					  &belief->clouds[i].collateral, err) < 0)
			return -1;
		belief->clouds[i].url = TAKE_PTR(url);
		belief->cloud_count++;
	}
	belief->collateral[host] = belief->clouds[i].collateral;
	return 0;
}

static int read_belief(const struct watch *watch, struct watch_belief *belief, struct err *err)
{
	if (attest_options_load(watch->call, &belief->options, err) < 0)
		return -1;
	for (size_t i = 0; i < watch->host_count; i++) {
		belief->expect_count++;
		if (attest_expect_load(watch->call, watch->hosts[i].address.host, INT64_MAX, &belief->options,
				       &belief->expects[i], err) < 0 ||
		    choose_collateral(watch, belief, i, err) < 0)
			return err_prefix(err, "%s", watch->hosts[i].label);
	}
	return 0;
}

/* Without the lock: recomputing a fingerprint takes its time. */
static struct watch_belief *belief_new(const struct watch *watch, struct err *err)
{
	scoped(belief_freep) struct watch_belief *belief = calloc(1, sizeof(*belief));

	if (!belief) {
		(void)err_no_memory(err);
		return NULL;
	}
	belief->users = 1;
	/* What a later failure frees must be there. */
	belief->options.root = BUF_INIT(TRUST_ROOTS_SIZE_MAX);
	bundle_init(&belief->options.bundle);
	return read_belief(watch, belief, err) < 0 ? NULL : TAKE_PTR(belief);
}

/* With the lock held. */
static void let_go(struct watch_belief *belief)
{
	if (belief && --belief->users == 0)
		belief_free(belief);
}

/* Every file and folder that the command line names for what is expected. */
static void note_files(struct watch *watch)
{
	static const char *const options[] = {"policy", "context",    "code",       "release",
					      "libpal", "collateral", "trust-root", "allow-simulation"};

	_Static_assert(COUNT_OF(options) <= FILE_WATCH_PATHS_MAX, "each of them is watched");

	for (size_t i = 0; i < COUNT_OF(options); i++)
		file_watch_add(&watch->files, cmd_value(watch->call, options[i]));
}

/*
 * Without the lock, by one thread at a time. 1: *ret is of files that have not changed since the first of them was
 * read; 0: nothing has changed since the last reading, and none is wanted anyway.
 */
static int read_settled(struct watch *watch, bool is_wanted, struct watch_belief **ret, struct err *err)
{
	bool has_changed;

	if (file_watch_look(&watch->files, &has_changed, err) < 0)
		return -1;
	if (!has_changed && !is_wanted)
		return 0;
	for (int i = 0; i < READINGS_MAX; i++) {
		scoped(belief_freep) struct watch_belief *belief = belief_new(watch, err);
		struct err late = ERR_INIT;

		if (file_watch_look(&watch->files, &has_changed, &late) < 0) {
			*err = late;
			return -1;
		}
		if (!has_changed) {
			*ret = TAKE_PTR(belief);
			return *ret ? 1 : -1;
		}
	}
	return err_set(err, ERR_UNAVAILABLE, "the files change while they are read");
}

int watch_belief_read(struct watch *watch, struct err *err)
{
	note_files(watch);
	return read_settled(watch, true, &watch->belief, err) < 0 ? -1 : 0;
}

/* With the lock held, which is let go meanwhile. What could not be read is tried again, changed or not. */
static void read_again(struct watch *watch)
{
	const bool is_wanted = !watch->belief;
	struct err failed = ERR_INIT;
	struct watch_belief *read = NULL;
	int status;

	watch->begun++;
	(void)pthread_mutex_unlock(&watch->lock);
	status = read_settled(watch, is_wanted, &read, &failed);
	(void)pthread_mutex_lock(&watch->lock);
	if (status != 0) {
		let_go(watch->belief);
		watch->belief = read;
		watch->why = failed;
	}
	if (read)
		read->generation = ++watch->generation;
	watch->done = watch->begun;
	(void)pthread_cond_broadcast(&watch->has_read);
}

/* With the lock held: until a reading is done that began after this call. */
static int await_reading(struct watch *watch, struct err *err)
{
	const int64_t end_ns = clock_monotonic_ns() + READING_MS * NS_PER_MS;
	const struct timespec end = {.tv_sec = end_ns / NS_PER_SECOND, .tv_nsec = end_ns % NS_PER_SECOND};
	const uint64_t wanted = watch->begun + 1;

	while (watch->done < wanted) {
		if (watch->begun == watch->done)
			read_again(watch);
		else if (pthread_cond_clockwait(&watch->has_read, &watch->lock, CLOCK_MONOTONIC, &end) == ETIMEDOUT)
			return err_set(err, ERR_TIMEOUT, "the files are being read again, which takes long");
	}
	return 0;
}

struct watch_belief *watch_belief_take(struct watch *watch, struct err *err)
{
	struct watch_belief *belief = NULL;

	(void)pthread_mutex_lock(&watch->lock);
	if (await_reading(watch, err) == 0) {
		belief = watch->belief;
		if (belief)
			belief->users++;
		else
			*err = watch->why;
	}
	(void)pthread_mutex_unlock(&watch->lock);
	return belief;
}

void watch_belief_give_back(struct watch *watch, struct watch_belief *belief)
{
	(void)pthread_mutex_lock(&watch->lock);
	let_go(belief);
	(void)pthread_mutex_unlock(&watch->lock);
}

void watch_belief_forget_collateral(const struct watch_belief *belief)
{
	if (belief->options.collateral)
		collateral_source_forget(belief->options.collateral);
	for (size_t i = 0; i < belief->cloud_count; i++)
		collateral_source_forget(belief->clouds[i].collateral);
}
