/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/housekeeping.h"

#include <stdatomic.h>

#include "base/log.h"
#include "cloud/collateral.h"
#include "store/store_account.h"

#define SWEEP_EVERY_SECONDS 3600

static _Atomic int64_t swept_at;

static void warn(const char *event, const struct err *err)
{
	log_event(LOG_WARNING, event, "error", err_code_text(err->code), "message", err->text, NULL);
}

void housekeeping(struct cloud *cloud)
{
	const int64_t now = cloud_now(cloud);
	struct err err = ERR_INIT;

	if (cloud->collateral && collateral_keep_fresh(cloud->collateral, now, &err) < 0)
		warn("collateral_failed", &err);
	if (now - atomic_load(&swept_at) < SWEEP_EVERY_SECONDS)
		return;
	atomic_store(&swept_at, now);
	if (store_account_sweep(cloud->store, now, &err) < 0)
		warn("sweep_failed", &err);
}
