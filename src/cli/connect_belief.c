/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect_belief.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "cli/app_expect.h"
#include "cli/attest_options.h"
#include "cli/context_store.h"

#define NS_PER_SECOND 1000000000LL
#define COLLATERAL_AGE_NS (3600 * NS_PER_SECOND) /* then it is asked for again */
#define LOOK_NS (NS_PER_SECOND / 2)

enum file { FILE_POLICY, FILE_CONTEXT, FILE_RELEASE, FILE_COUNT };

/* One reading. Holds pointers into itself; freed with its last user. */
struct belief {
	struct app_expect app;
	struct attest_options judged;
	unsigned users;
	int64_t collateral_ns;
};

struct connect_beliefs {
	const struct cmd_call *call;
	char *paths[FILE_COUNT]; /* NULL: none */
	struct stat seen[FILE_COUNT];
	int64_t looked_ns;
	atomic_uint generation;
	pthread_mutex_t lock;  /* for all that follows, held for moments only */
	struct belief *belief; /* NULL: cannot be read, why says why */
	struct err why;
	struct hostport address;
	const char *source;
	/* What was learnt from verdicts; the identity until the files change. */
	int64_t deployed_seen;
	uint8_t identity[64];
	bool has_identity;
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
	expect->policy = &belief->judged.policy;
	expect->hardware_roots = &belief->judged.roots;
	belief->collateral_ns = clock_monotonic_ns();
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

static int note_path(struct connect_beliefs *beliefs, enum file file, const char *path, struct err *err)
{
	if (path && !(beliefs->paths[file] = strdup(path)))
		return err_no_memory(err);
	return 0;
}

static int note_paths(struct connect_beliefs *beliefs, struct err *err)
{
	const struct cmd_call *call = beliefs->call;
	const struct app_expect *app = &beliefs->belief->app;

	if (note_path(beliefs, FILE_POLICY, cmd_value(call, "policy"), err) < 0 ||
	    note_path(beliefs, FILE_RELEASE, cmd_value(call, "release"), err) < 0)
		return -1;
	if (cmd_has(call, "context") || !app->has_context)
		return note_path(beliefs, FILE_CONTEXT, cmd_value(call, "context"), err);
	/* A later deployment of the domain makes another folder beside this one. */
	return settings_path(call->settings, "context", &beliefs->paths[FILE_CONTEXT], err);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_dev == b->st_dev;
}

/* A file that is gone has changed. */
static bool look(struct connect_beliefs *beliefs)
{
	bool changed = false;

	for (size_t i = 0; i < FILE_COUNT; i++) {
		struct stat now;

		memset(&now, 0, sizeof(now));
		if (beliefs->paths[i] && stat(beliefs->paths[i], &now) < 0)
			memset(&now, 0, sizeof(now));
		changed = changed || !is_same(&now, &beliefs->seen[i]);
		beliefs->seen[i] = now;
	}
	return changed;
}

int connect_beliefs_new(const struct cmd_call *call, struct connect_beliefs **ret, struct err *err)
{
	scoped(connect_beliefs_freep) struct connect_beliefs *beliefs = calloc(1, sizeof(*beliefs));

	if (!beliefs)
		return err_no_memory(err);
	(void)pthread_mutex_init(&beliefs->lock, NULL);
	beliefs->call = call;
	if (belief_new(call, &beliefs->belief, err) < 0 || note_paths(beliefs, err) < 0)
		return -1;
	(void)look(beliefs);
	beliefs->address = beliefs->belief->app.expect.address;
	beliefs->source = beliefs->belief->app.fingerprint_from;
	*ret = TAKE_PTR(beliefs);
	return 0;
}

void connect_beliefs_free(struct connect_beliefs *beliefs)
{
	if (!beliefs)
		return;
	let_go(beliefs->belief);
	for (size_t i = 0; i < FILE_COUNT; i++)
		free(beliefs->paths[i]);
	(void)pthread_mutex_destroy(&beliefs->lock);
	free(beliefs);
}

int connect_beliefs_refresh(struct connect_beliefs *beliefs, struct err *err)
{
	const int64_t now_ns = clock_monotonic_ns();
	struct belief *read = NULL;
	int status;

	if (now_ns - beliefs->looked_ns < LOOK_NS)
		return 0;
	beliefs->looked_ns = now_ns;
	if (!look(beliefs))
		return 0;
	status = belief_new(beliefs->call, &read, err);
	(void)pthread_mutex_lock(&beliefs->lock);
	let_go(beliefs->belief);
	beliefs->belief = read;
	beliefs->has_identity = false; /* another release has another */
	atomic_fetch_add(&beliefs->generation, 1);
	if (status < 0)
		beliefs->why = *err;
	(void)pthread_mutex_unlock(&beliefs->lock);
	return status < 0 ? -1 : 1;
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

/* What one verdict taught holds for the next connection (F9). */
static void learn(struct connect_beliefs *beliefs, const struct context_expect *expect,
		  const struct attest_verdict *verdict)
{
	if (verdict->deployed > beliefs->deployed_seen)
		beliefs->deployed_seen = verdict->deployed;
	/* Without a ticket nobody says which instance of the code is meant: the first one, then. */
	if (!expect->has_identity && !expect->has_owner_key && !beliefs->has_identity && verdict->has_identity) {
		memcpy(beliefs->identity, verdict->identity, sizeof(beliefs->identity));
		beliefs->has_identity = true;
	}
}

/* The present belief, held, with what was learnt in *ret; NULL: there is none. */
static struct belief *begin(struct connect_beliefs *beliefs, struct context_expect *ret, struct err *err)
{
	struct belief *belief = beliefs->belief;

	if (!belief) {
		*err = beliefs->why;
		(void)err_prefix(err, "expectation");
		return NULL;
	}
	*ret = belief->app.expect; /* its pointers are into the belief, which stays */
	if (beliefs->deployed_seen > ret->deployed_seen)
		ret->deployed_seen = beliefs->deployed_seen;
	if (beliefs->has_identity && !ret->has_identity && !ret->has_owner_key) {
		memcpy(ret->identity, beliefs->identity, sizeof(ret->identity));
		ret->has_identity = true;
	}
	belief->users++;
	return belief;
}

static void renew_collateral(struct connect_beliefs *beliefs, struct belief *belief)
{
	(void)pthread_mutex_lock(&beliefs->lock);
	if (clock_monotonic_ns() - belief->collateral_ns > COLLATERAL_AGE_NS) {
		collateral_source_forget(belief->app.expect.collateral);
		belief->collateral_ns = clock_monotonic_ns();
	}
	(void)pthread_mutex_unlock(&beliefs->lock);
}

int connect_beliefs_open(void *arg, struct channel **ret_channel, struct attest_verdict **ret_verdict, struct err *err)
{
	struct connect_beliefs *beliefs = arg;
	struct context_expect expect;
	struct belief *belief;
	int status;

	(void)pthread_mutex_lock(&beliefs->lock);
	belief = begin(beliefs, &expect, err);
	(void)pthread_mutex_unlock(&beliefs->lock);
	if (!belief)
		return -1;
	renew_collateral(beliefs, belief);
	status = context_expect_open(&expect, ret_channel, ret_verdict, err);
	(void)pthread_mutex_lock(&beliefs->lock);
	if (status == 0)
		learn(beliefs, &expect, *ret_verdict);
	let_go(belief);
	(void)pthread_mutex_unlock(&beliefs->lock);
	return status;
}
