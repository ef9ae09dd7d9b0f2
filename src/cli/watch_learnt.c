/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/watch.h"

static bool is_same_owner(const struct watch_learnt *learnt, const struct attest_expect *expect)
{
	if (!learnt->has_owner_key || !expect->has_owner_key)
		return learnt->has_owner_key == expect->has_owner_key;
	return memcmp(learnt->owner_key, expect->owner_key, sizeof(learnt->owner_key)) == 0;
}

void watch_learnt_begin(struct watch_learnt *learnt, unsigned generation, const struct attest_expect *expect)
{
	/* Another context or release may mean another instance. */
	if (learnt->generation != generation && expect->has_app)
		learnt->has_identity = false;
	learnt->generation = generation;
	if (is_same_owner(learnt, expect))
		return;
	learnt->deployed_seen = 0;
	learnt->has_owner_key = expect->has_owner_key;
	memcpy(learnt->owner_key, expect->owner_key, sizeof(learnt->owner_key));
}

void watch_learnt_add(struct watch_learnt *learnt, const struct attest_expect *expect,
		      const struct attest_verdict *verdict)
{
	/* Without the owner's word, a ticket, the first that was accepted is meant. Role 1 shows none. */
	const bool has_ticket = expect->has_owner_key && verdict->role != ATTEST_ROLE_CONFIGURATION;

	if (verdict->deployed > learnt->deployed_seen)
		learnt->deployed_seen = verdict->deployed;
	if (!has_ticket && !learnt->has_identity && verdict->has_identity) {
		memcpy(learnt->identity, verdict->identity, sizeof(learnt->identity));
		learnt->has_identity = true;
	}
}
