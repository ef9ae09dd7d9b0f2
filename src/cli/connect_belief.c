/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect_belief.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/app_expect.h"
#include "cli/attest_options.h"
#include "cli/connect_stamp.h"
#include "cli/context_store.h"

#define COLLATERAL_AGE_NS (3600 * NS_PER_SECOND) /* then it is asked for again */
#define LOOK_MS 400
#define LOOK_SHARE 20    /* looking takes at most so small a part of the time */
#define READING_MS 10000 /* who asks meanwhile waits so long */

/* Everything that is read to know what is expected. */
enum file {
	FILE_POLICY,
	FILE_CONTEXT,
	FILE_RELEASE,
	FILE_LIBPAL,
	FILE_CODE,
	FILE_COLLATERAL,
	FILE_TRUST_ROOT,
	FILE_SIMULATION,
	FILE_STORED, /* contexts: what is expected, and deployments that were seen */
	FILE_TRUST,  /* clouds that are trusted */
	FILE_COUNT
};

/* One reading. Holds pointers into itself; freed with its last user. */
struct belief {
	struct app_expect app;
	struct attest_options judged;
	unsigned users;
	int64_t collateral_ns;
	/* What was learnt from verdicts by it. */
	int64_t deployed_seen;
	uint8_t identity[64];
	bool has_identity;
};

struct connect_beliefs {
	const struct cmd_call *call;
	char *paths[FILE_COUNT]; /* NULL: none */
	uint64_t seen;           /* stamp of them */
	bool is_blind;           /* they could not be looked at last time */
	atomic_uint generation;
	pthread_mutex_t lock;   /* for all that follows, held for moments only */
	pthread_cond_t changed; /* of is_reading, is_ending; monotonic clock */
	bool is_reading;        /* the files have changed: who asks waits for what they say */
	bool is_ending;
	struct belief *belief; /* NULL: cannot be read, why says why */
	struct err why;
	int news; /* 1: changed, -1: cannot be read; not yet told */
	pthread_t watcher;
	bool is_watched;
	struct hostport address;
	const char *source;
};

/* ---- reading ---- */

static void belief_free(struct belief *belief)
{
	if (!belief)
		return;
	app_expect_done(&belief->app);
	attest_options_done(&belief->judged);
	free(belief);
}
DEFINE_SCOPED_PTR(struct belief, belief_free);

/* A fingerprint of the command line or a context must be one that the policy allows. */
static int check_measurement(const struct belief *belief, struct err *err)
{
	const struct attest_policy *policy = &belief->judged.policy;
	const struct context_expect *expect = &belief->app.expect;

	if (!expect->has_fingerprint || policy->measurement_count == 0)
		return 0;
	for (size_t i = 0; i < policy->measurement_count; i++) {
		const struct attest_measurement *allowed = &policy->measurements[i];

		if (allowed->size == sizeof(expect->fingerprint) &&
		    memcmp(allowed->data, expect->fingerprint, allowed->size) == 0)
			return 0;
	}
	return err_set(err, ERR_INVALID, "the policy does not allow the fingerprint that the app is expected to have");
}

static int read_belief(const struct cmd_call *call, struct belief *belief, struct err *err)
{
	if (attest_options_load(call, &belief->judged, err) < 0)
		return -1;
	const struct app_expect_options options = {
	    .address = call->args[0],
	    .context = cmd_value(call, "context"),
	    .code = cmd_value(call, "code"),
	    .fingerprint = cmd_value(call, "fingerprint"),
	    .release = cmd_value(call, "release"),
	    .libpal = cmd_value(call, "libpal"),
	    .simulation_root = cmd_value(call, "allow-simulation"),
	    .pccs = cmd_value(call, "pccs"),
	    .mode = belief->judged.mode,
	    .may_be_stored = true,
	    .has_policy = belief->judged.policy.measurement_count > 0,
	};
	struct context_expect *expect = &belief->app.expect;

	if (app_expect_init(call->settings, call->out, &options, &belief->app, err) < 0 ||
	    check_measurement(belief, err) < 0)
		return -1;
	if (belief->judged.collateral) {
		collateral_source_free(expect->collateral);
		expect->collateral = TAKE_PTR(belief->judged.collateral);
	}
	context_expect_judge_by(expect, &belief->judged);
	belief->collateral_ns = clock_boot_ns();
	return 0;
}

static int belief_new(const struct cmd_call *call, struct belief **ret, struct err *err)
{
	scoped(belief_freep) struct belief *belief = calloc(1, sizeof(*belief));

	if (!belief)
		return err_no_memory(err);
	belief->users = 1;
	/* What a later failure frees must be there. */
	belief->judged.root = BUF_INIT(TRUST_ROOTS_SIZE_MAX);
	bundle_init(&belief->judged.bundle);
	if (read_belief(call, belief, err) < 0)
		return -1;
	*ret = TAKE_PTR(belief);
	return 0;
}

/* With the lock held. */
static void let_go(struct belief *belief)
{
	if (belief && --belief->users == 0)
		belief_free(belief);
}

/* ---- files ---- */

static int note_paths(struct connect_beliefs *beliefs, struct err *err)
{
	static const char *const options[FILE_COUNT] = {
	    [FILE_POLICY] = "policy",
	    [FILE_CONTEXT] = "context",
	    [FILE_RELEASE] = "release",
	    [FILE_LIBPAL] = "libpal",
	    [FILE_CODE] = "code",
	    [FILE_COLLATERAL] = "collateral",
	    [FILE_TRUST_ROOT] = "trust-root",
	    [FILE_SIMULATION] = "allow-simulation",
	};
	const struct cmd_call *call = beliefs->call;

	for (size_t i = 0; i < FILE_COUNT; i++) {
		const char *path = options[i] ? cmd_value(call, options[i]) : NULL;

		if (path && !(beliefs->paths[i] = strdup(path)))
			return err_no_memory(err);
	}
	if (settings_path(call->settings, "context", &beliefs->paths[FILE_STORED], err) < 0)
		return -1;
	return settings_path(call->settings, "trust", &beliefs->paths[FILE_TRUST], err);
}

static int look(const struct connect_beliefs *beliefs, uint64_t *ret, struct err *err)
{
	return connect_stamp((const char *const *)beliefs->paths, FILE_COUNT, ret, err);
}

/* A deployment that was seen stays seen for the same owner; an identity that was met is that of the old reading. */
static void inherit(const struct belief *old, struct belief *new)
{
	const struct context_expect *a = &old->app.expect, *b = &new->app.expect;

	if (a->has_owner_key && b->has_owner_key && memcmp(a->owner_key, b->owner_key, sizeof(a->owner_key)) == 0)
		new->deployed_seen = old->deployed_seen;
}

/* With the lock held, which is let go while the files are read. The old reading counts no more from the first moment.
 */
static void read_anew(struct connect_beliefs *beliefs)
{
	struct belief *old = beliefs->belief, *read = NULL;
	struct err err = ERR_INIT;
	int status;

	beliefs->is_reading = true;
	atomic_fetch_add(&beliefs->generation, 1);
	(void)pthread_mutex_unlock(&beliefs->lock);
	status = belief_new(beliefs->call, &read, &err);
	(void)pthread_mutex_lock(&beliefs->lock);
	if (read && old)
		inherit(old, read);
	let_go(old);
	beliefs->belief = read;
	beliefs->why = err;
	beliefs->news = status < 0 ? -1 : 1;
	beliefs->is_reading = false;
	(void)pthread_cond_broadcast(&beliefs->changed);
}

/* With the lock held, until then or the end. */
static bool wait_ms(struct connect_beliefs *beliefs, int64_t ms)
{
	const int64_t end_ns = clock_monotonic_ns() + ms * NS_PER_MS;
	const struct timespec end = {.tv_sec = end_ns / NS_PER_SECOND, .tv_nsec = end_ns % NS_PER_SECOND};

	return pthread_cond_timedwait(&beliefs->changed, &beliefs->lock, &end) == 0;
}

/* With the lock held. Files of which nobody knows whether they have changed count no more. */
static void give_up(struct connect_beliefs *beliefs, const struct err *why)
{
	if (beliefs->is_blind)
		return;
	beliefs->is_blind = true;
	atomic_fetch_add(&beliefs->generation, 1);
	let_go(beliefs->belief);
	beliefs->belief = NULL;
	beliefs->why = *why;
	beliefs->news = -1;
}

/* With the lock held, which is let go meanwhile. */
static void look_again(struct connect_beliefs *beliefs)
{
	struct err err = ERR_INIT;
	uint64_t stamp = 0;
	int status;

	(void)pthread_mutex_unlock(&beliefs->lock);
	status = look(beliefs, &stamp, &err);
	(void)pthread_mutex_lock(&beliefs->lock);
	if (status < 0) {
		give_up(beliefs, &err);
	} else if (beliefs->is_blind || stamp != beliefs->seen) {
		beliefs->is_blind = false;
		beliefs->seen = stamp;
		read_anew(beliefs);
	}
}

/* The stamp is taken before the files are read: what changes meanwhile has another one at the next look. */
static void *watch(void *arg)
{
	struct connect_beliefs *beliefs = arg;
	int64_t pause_ms = LOOK_MS;

	(void)pthread_mutex_lock(&beliefs->lock);
	while (!beliefs->is_ending) {
		const int64_t begin_ns = clock_monotonic_ns();

		look_again(beliefs);
		pause_ms = (clock_monotonic_ns() - begin_ns) / NS_PER_MS * LOOK_SHARE;
		if (!beliefs->is_ending)
			(void)wait_ms(beliefs, pause_ms < LOOK_MS ? LOOK_MS : pause_ms);
	}
	(void)pthread_mutex_unlock(&beliefs->lock);
	return NULL;
}

/* Signals are for the thread that relays. */
static int start_watcher(struct connect_beliefs *beliefs, struct err *err)
{
	sigset_t all, before;
	int failed;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&beliefs->watcher, NULL, watch, beliefs);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	beliefs->is_watched = failed == 0;
	return failed ? err_set(err, ERR_IO, "cannot start a thread: %s", strerror(failed)) : 0;
}

static void init_locks(struct connect_beliefs *beliefs)
{
	pthread_condattr_t attributes;

	(void)pthread_mutex_init(&beliefs->lock, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&beliefs->changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

int connect_beliefs_new(const struct cmd_call *call, struct connect_beliefs **ret, struct err *err)
{
	scoped(connect_beliefs_freep) struct connect_beliefs *beliefs = calloc(1, sizeof(*beliefs));

	if (!beliefs)
		return err_no_memory(err);
	init_locks(beliefs);
	beliefs->call = call;
	if (note_paths(beliefs, err) < 0 || look(beliefs, &beliefs->seen, err) < 0 ||
	    belief_new(call, &beliefs->belief, err) < 0)
		return -1;
	beliefs->address = beliefs->belief->app.expect.address;
	beliefs->source = beliefs->belief->app.fingerprint_from;
	*ret = TAKE_PTR(beliefs);
	return 0;
}

int connect_beliefs_watch(struct connect_beliefs *beliefs, struct err *err)
{
	return start_watcher(beliefs, err);
}

void connect_beliefs_free(struct connect_beliefs *beliefs)
{
	if (!beliefs)
		return;
	(void)pthread_mutex_lock(&beliefs->lock);
	beliefs->is_ending = true;
	(void)pthread_cond_broadcast(&beliefs->changed);
	(void)pthread_mutex_unlock(&beliefs->lock);
	if (beliefs->is_watched)
		(void)pthread_join(beliefs->watcher, NULL);
	let_go(beliefs->belief);
	for (size_t i = 0; i < FILE_COUNT; i++)
		free(beliefs->paths[i]);
	(void)pthread_cond_destroy(&beliefs->changed);
	(void)pthread_mutex_destroy(&beliefs->lock);
	free(beliefs);
}

int connect_beliefs_news(struct connect_beliefs *beliefs, struct err *err)
{
	int news;

	(void)pthread_mutex_lock(&beliefs->lock);
	news = beliefs->news;
	beliefs->news = 0;
	if (news < 0)
		*err = beliefs->why;
	(void)pthread_mutex_unlock(&beliefs->lock);
	return news;
}

/* ---- asking ---- */

const struct hostport *connect_beliefs_address(const struct connect_beliefs *beliefs)
{
	return &beliefs->address;
}

const char *connect_beliefs_source(const struct connect_beliefs *beliefs)
{
	return beliefs->source;
}

unsigned connect_beliefs_generation(void *arg)
{
	return atomic_load(&((struct connect_beliefs *)arg)->generation);
}

/*
 * What one verdict taught holds for the next connection (F9), as long as what it was judged by. false: another one of
 * those that were attested at the same time was the first, and it is of another instance.
 */
static bool learn(struct belief *belief, const struct context_expect *expect, const struct attest_verdict *verdict)
{
	if (verdict->deployed > belief->deployed_seen)
		belief->deployed_seen = verdict->deployed;
	/* Without a ticket nobody says which instance of the code is meant: the first one, then. */
	if (expect->has_identity || expect->has_owner_key || !verdict->has_identity)
		return true;
	if (belief->has_identity)
		return memcmp(belief->identity, verdict->identity, sizeof(belief->identity)) == 0;
	memcpy(belief->identity, verdict->identity, sizeof(belief->identity));
	belief->has_identity = true;
	return true;
}

static int refuse_second(struct channel **ret_channel, struct attest_verdict *verdict, struct err *err)
{
	channel_close(TAKE_PTR(*ret_channel));
	attest_report_refuse(verdict, "identity", ATTEST_ERROR_IDENTITY_CHANGED, "another instance answered first");
	return err_set(err, ERR_UNTRUSTED, "%s: another instance answered first", verdict->error_text);
}

/* The present belief, held, with what was learnt in *ret; NULL: there is none. */
static struct belief *begin(struct connect_beliefs *beliefs, struct context_expect *ret, struct err *err)
{
	struct belief *belief;

	while (beliefs->is_reading && wait_ms(beliefs, READING_MS))
		;
	belief = beliefs->is_reading ? NULL : beliefs->belief;
	if (!belief) {
		if (beliefs->is_reading)
			(void)err_set(err, ERR_TIMEOUT, "it is being read again, which takes long");
		else
			*err = beliefs->why;
		(void)err_prefix(err, "expectation");
		return NULL;
	}
	*ret = belief->app.expect; /* its pointers are into the belief, which stays */
	if (belief->deployed_seen > ret->deployed_seen)
		ret->deployed_seen = belief->deployed_seen;
	if (belief->has_identity && !ret->has_identity && !ret->has_owner_key) {
		memcpy(ret->identity, belief->identity, sizeof(ret->identity));
		ret->has_identity = true;
	}
	belief->users++;
	return belief;
}

static void renew_collateral(struct connect_beliefs *beliefs, struct belief *belief)
{
	(void)pthread_mutex_lock(&beliefs->lock);
	if (clock_boot_ns() - belief->collateral_ns > COLLATERAL_AGE_NS) {
		collateral_source_forget(belief->app.expect.collateral);
		belief->collateral_ns = clock_boot_ns();
	}
	(void)pthread_mutex_unlock(&beliefs->lock);
}

int connect_beliefs_open(void *arg, struct channel **ret_channel, struct attest_verdict **ret_verdict, struct err *err)
{
	struct connect_beliefs *beliefs = arg;
	struct context_expect expect;
	struct belief *belief;
	bool is_first;
	int status;

	(void)pthread_mutex_lock(&beliefs->lock);
	belief = begin(beliefs, &expect, err);
	(void)pthread_mutex_unlock(&beliefs->lock);
	if (!belief)
		return -1;
	renew_collateral(beliefs, belief);
	status = context_expect_open(&expect, ret_channel, ret_verdict, err);
	(void)pthread_mutex_lock(&beliefs->lock);
	is_first = status < 0 || learn(belief, &expect, *ret_verdict);
	let_go(belief);
	(void)pthread_mutex_unlock(&beliefs->lock);
	if (!is_first)
		return refuse_second(ret_channel, *ret_verdict, err);
	return status;
}
