/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last phase of a deployment beside a running one: it gets name and domain of that one. Its context is stored
 * already. Once the cloud was asked, the new app is stopped only if the cloud said no: it may have the domain.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "cli/context_store.h"
#include "cli/deploy.h"
#include "cli/interrupt.h"

#define ASK_NS (60 * NS_PER_SECOND) /* for an answer: msed may be starting anew */
#define ASK_PAUSE_NS 300000000
#define LEAD_TRIES 50
#define LEAD_PAUSE_MS 200

static bool is_unanswered(const struct err *err)
{
	return err->code == ERR_UNAVAILABLE || err->code == ERR_TIMEOUT || err->code == ERR_IO;
}

/* Asking twice is fine. Ctrl-C waits for the answer. */
static int ask(struct deploy *deploy, struct err *err)
{
	static const struct timespec pause = {.tv_nsec = ASK_PAUSE_NS};
	const int64_t until = clock_monotonic_ns() + ASK_NS;
	char path[80];

	(void)snprintf(path, sizeof(path), "/apps/%s/take-over", deploy->uuid);
	deploy->take_over_sent = true;
	for (;;) {
		struct err failed = ERR_INIT;

		if (api_call(&deploy->api, &(struct api_request){.method = "POST", .path = path}, NULL, &failed) == 0)
			return 0;
		*err = failed;
		if (!is_unanswered(&failed) || clock_monotonic_ns() > until)
			return -1;
		(void)nanosleep(&pause, NULL);
	}
}

/* What users get from now on is what was attested before: the domain ends in the same enclave. */
static int attest_domain(struct deploy *deploy, struct err *err)
{
	for (int i = 0;; i++) {
		struct err failed = ERR_INIT;

		if (deploy_attest_again(deploy, &failed) == 0)
			return 0;
		*err = failed;
		if (i == LEAD_TRIES || failed.code == ERR_CANCELLED)
			return err_prefix(err, "'%s' does not lead to the new app", deploy->instance.domain);
		if (interrupt_sleep_ms(LEAD_PAUSE_MS, err) < 0)
			return -1;
	}
}

static void tell(struct deploy *deploy)
{
	struct out *out = deploy->call->out;
	struct err absent = ERR_INIT;

	out_info(out, "The previous app %s finishes what it has begun, then it is stopped", deploy->replaced);
	if (context_store_remove(deploy->call->settings, deploy->replaced, &absent) == 0)
		out_info(out, "Its context has been removed from this machine");
}

int deploy_take_over(struct deploy *deploy, struct err *err)
{
	struct out *out = deploy->call->out;

	if (!deploy->takes_over)
		return 0;
	out_step(out, "Taking the domain over");
	if (interrupt_check(err) < 0 || ask(deploy, err) < 0)
		return -1;
	deploy->has_taken_over = true;
	out_step_done(out);
	tell(deploy);
	out_step(out, "Attesting the application at its domain");
	if (attest_domain(deploy, err) < 0)
		return -1;
	out_step_done(out);
	return 0;
}

bool deploy_may_have_domain(const struct deploy *deploy, const struct err *cause)
{
	return deploy->has_taken_over || (deploy->take_over_sent && is_unanswered(cause));
}
