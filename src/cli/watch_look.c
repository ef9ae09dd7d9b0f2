/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "cli/channel.h"
#include "cli/watch.h"

#define RENEWAL_SECONDS 3600 /* the services are asked for newer collateral so often */

static void renew_collateral(struct watch_host *host, const struct watch_belief *belief, int64_t now)
{
	struct watch *watch = host->watch;
	bool due;

	(void)pthread_mutex_lock(&watch->lock);
	due = now - watch->renewed >= RENEWAL_SECONDS || now < watch->renewed ||
	      (host->state.has_accepted && watch_is_ending(&host->state.accepted, now));
	if (due)
		watch->renewed = now;
	(void)pthread_mutex_unlock(&watch->lock);
	if (due)
		watch_belief_forget_collateral(belief);
}

static const uint8_t *expected_identity(const struct watch_host *host, const struct attest_expect *expect)
{
	const uint8_t *recorded = attest_expect_identity(expect);

	return recorded ? recorded : host->learnt.has_identity ? host->learnt.identity : NULL;
}

static int ask_host(struct watch_host *host, const struct watch_belief *belief, struct attest_verdict **ret_verdict,
		    struct err *err)
{
	const size_t index = (size_t)(host - host->watch->hosts);
	const struct attest_expect *expect = &belief->expects[index];
	const int64_t deployed = expect->deployed_seen, seen = host->learnt.deployed_seen;
	scoped(channel_closep) struct channel *channel = NULL;
	const struct channel_expect wanted = {
	    .host = host->address.host,
	    .port = host->address.port,
	    .role = host->watch->role,
	    .instance = &expect->instance,
	    .owner_key = attest_expect_owner_key(expect),
	    .identity = expected_identity(host, expect),
	    .tickets_from = expect->tickets_from,
	    .deployed_seen = deployed > seen ? deployed : seen,
	    .collateral = belief->collateral[index],
	    .policy = &belief->options.policy,
	    .roots = &belief->options.roots,
	};
	struct err failed = ERR_INIT;
	int status = channel_open(&wanted, &channel, ret_verdict, &failed);

	if (status < 0 && !*ret_verdict)
		*ret_verdict = attest_report_of_connection(&failed, clock_now_seconds());
	if (!*ret_verdict) {
		*err = failed;
		return -1;
	}
	if ((*ret_verdict)->accepted)
		watch_learnt_add(&host->learnt, expect, *ret_verdict);
	return 0;
}

static int judge(struct watch_host *host, int64_t now, struct attest_verdict **ret_verdict, struct err *err)
{
	struct watch_belief *belief = watch_belief_take(host->watch, err);
	int status;

	if (!belief)
		return err_prefix(err, "what is expected cannot be read");
	watch_learnt_begin(&host->learnt, belief->generation, &belief->expects[host - host->watch->hosts]);
	renew_collateral(host, belief, now);
	status = ask_host(host, belief, ret_verdict, err);
	watch_belief_give_back(host->watch, belief);
	return status;
}

int watch_look_at(struct watch_host *host, struct watch_look *ret, struct attest_verdict **ret_verdict)
{
	const int64_t now = clock_now_seconds();
	struct err err = ERR_INIT;

	if (judge(host, now, ret_verdict, &err) == 0) {
		watch_look_of_verdict(*ret_verdict, now, ret);
		return 0;
	}
	if (err.code == ERR_CANCELLED)
		return -1;
	watch_look_unjudged(err_code_text(err.code), err.text, now, ret);
	return 0;
}
