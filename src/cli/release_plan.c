/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/release_plan.h"

#include <string.h>

#define MIB ((uint64_t)1 << 20)
#define EGRESS_DEFAULT "internet" /* as apps of the original have it; the scaffold writes none */

static int fill_in(const struct release_plan *plan, struct release *release, struct err *err)
{
	if (plan->enclave_size_mib <= 0)
		return err_set(err, ERR_INVALID, "the size of the enclave is not known");
	release->enclave_size = (uint64_t)plan->enclave_size_mib * MIB;
	if (plan->owner_key) {
		memcpy(release->owner_key, plan->owner_key, sizeof(release->owner_key));
		release->has_owner_key = true;
	}
	if ((plan->restart && release_restart_parse(plan->restart, &release->restart, err) < 0) ||
	    (plan->logs && release_logs_parse(plan->logs, &release->logs, err) < 0) ||
	    release_egress_parse(plan->egress ? plan->egress : EGRESS_DEFAULT, &release->egress, err) < 0 ||
	    release_set_application(release, plan->application, err) < 0)
		return -1;
	return release_set_healthcheck(release, plan->healthcheck, err);
}

int release_plan_make(const struct release_plan *plan, const struct package *package, const struct bill *bill,
		      struct buf *ret_manifest, uint8_t ret_fingerprint[static 32], struct err *err)
{
	scoped(release_freep) struct release *release = NULL;
	struct measure_result result;

	if (release_new(&release, err) < 0 || fill_in(plan, release, err) < 0 ||
	    package_describe(package, release, err) < 0 ||
	    release_fingerprint(release, bill, ret_manifest, &result, err) < 0)
		return -1;
	memcpy(ret_fingerprint, result.mrenclave, sizeof(result.mrenclave));
	return 0;
}
