/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypts the code and computes what must run: all from this machine, but the bill to be judged nothing from the
 * cloud. */
#include "base/fs.h"
#include "cli/deploy.h"
#include "cli/release_plan.h"
#include "domain/release.h"

int deploy_package(struct deploy *deploy, struct err *err)
{
	if (fs_join(deploy->workspace.path, "app.tar", &deploy->tar_path, err) < 0 ||
	    package_plan(&deploy->tree, &deploy->project_key, &deploy->package, err) < 0 ||
	    package_write(&deploy->tree, &deploy->package, deploy->tar_path, err) < 0)
		return -1;
	deploy->workspace.keep = true;
	return 0;
}

int deploy_measure(struct deploy *deploy, struct err *err)
{
	const struct app_config *config = &deploy->project.config;
	/* The cloud's bill is judged before the code is sent; if it runs another, the fingerprint tells. */
	const struct bill_wanted wanted = {.image = config->docker,
					   .cloud_url = cmd_has(deploy->call, "no-verify") ? NULL : deploy->api.url};
	const struct release_plan plan = {
	    .application = config->python_application,
	    .healthcheck = config->healthcheck_endpoint,
	    .restart = config->restart,
	    .logs = config->logs,
	    .egress = config->egress,
	    .enclave_size_mib = deploy->enclave_size_mib,
	    .owner_key = deploy->owner_public,
	};

	deploy->manifest = BUF_INIT(RELEASE_MANIFEST_MAX);
	if (bill_source_get(deploy->call->settings, deploy->call->out, &wanted, &deploy->bill, &deploy->bill_belief,
			    err) < 0)
		return -1;
	return release_plan_make(&plan, &deploy->package, deploy->bill, &deploy->manifest, deploy->fingerprint, err);
}
