/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/watch.h"

static void belief_free(struct watch_belief *belief)
{
	if (!belief)
		return;
	for (size_t i = 0; i < belief->expect_count; i++)
		attest_expect_done(&belief->expects[i]);
	attest_options_done(&belief->options);
	free(belief);
}
DEFINE_SCOPED_PTR(struct watch_belief, belief_free);

static int read_belief(const struct watch *watch, struct watch_belief *belief, struct err *err)
{
	if (attest_options_load(watch->call, &belief->options, err) < 0)
		return -1;
	for (size_t i = 0; i < watch->host_count; i++) {
		belief->expect_count++;
		if (attest_expect_load(watch->call, watch->hosts[i].address.host, &belief->options, &belief->expects[i],
				       err) < 0)
			return err_prefix(err, "%s", watch->hosts[i].label);
	}
	return attest_options_guess(watch->call, watch->hosts[0].address.host, &belief->options, err);
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
	static const char *const options[] = {"policy",     "context",         "code", "release", "collateral",
					      "trust-root", "allow-simulation"};

	for (size_t i = 0; i < COUNT_OF(options); i++)
		file_watch_add(&watch->files, cmd_value(watch->call, options[i]));
	(void)file_watch_changed(&watch->files);
}

int watch_belief_read(struct watch *watch, struct err *err)
{
	note_files(watch);
	watch->belief = belief_new(watch, err);
	return watch->belief ? 0 : -1;
}

/* With the lock held. Who comes meanwhile still goes by what counted before. */
static void read_again(struct watch *watch)
{
	struct err failed = ERR_INIT;
	struct watch_belief *read;

	(void)pthread_mutex_unlock(&watch->lock);
	read = belief_new(watch, &failed);
	(void)pthread_mutex_lock(&watch->lock);
	let_go(watch->belief);
	watch->belief = read;
	watch->generation++;
	if (read)
		read->generation = watch->generation;
	else
		watch->why = failed;
}

struct watch_belief *watch_belief_take(struct watch *watch, struct err *err)
{
	struct watch_belief *belief;

	(void)pthread_mutex_lock(&watch->lock);
	if (file_watch_changed(&watch->files))
		read_again(watch);
	belief = watch->belief;
	if (belief)
		belief->users++;
	else
		*err = watch->why;
	(void)pthread_mutex_unlock(&watch->lock);
	return belief;
}

void watch_belief_give_back(struct watch *watch, struct watch_belief *belief)
{
	(void)pthread_mutex_lock(&watch->lock);
	let_go(belief);
	(void)pthread_mutex_unlock(&watch->lock);
}
