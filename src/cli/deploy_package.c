/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypts the code and computes what must run: all from this machine, but the bill to be judged nothing from the
 * cloud. */
#include <fcntl.h>

#include "base/fd.h"
#include "base/fs.h"
#include "cli/deploy.h"
#include "cli/release_plan.h"
#include "domain/release.h"
#include "image/image.h"

/* What the cloud is sent, for whoever wants to look at it afterwards (F2): read back from the tar itself. */
static int keep_encrypted_code(struct deploy *deploy, struct err *err)
{
	scoped(fd_closep) int fd = open(deploy->tar_path, O_RDONLY | O_CLOEXEC);
	scoped(freep) char *path = NULL;

	if (fd < 0)
		return err_set_errno(err, "cannot open '%s'", deploy->tar_path);
	if (fs_join(deploy->workspace.path, "encrypted_code", &path, err) < 0)
		return -1;
	return image_unpack_code(image_fd_source(&fd), path, err);
}

static int keep_chain(struct deploy *deploy, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (deploy->chain_pem.size == 0)
		return 0;
	if (fs_join(deploy->workspace.path, "fullchain.pem", &path, err) < 0)
		return -1;
	return fs_write_atomic(path, deploy->chain_pem.data, deploy->chain_pem.size, 0644, err);
}

int deploy_package(struct deploy *deploy, struct err *err)
{
	if (fs_join(deploy->workspace.path, "app.tar", &deploy->tar_path, err) < 0 ||
	    package_plan(&deploy->tree, &deploy->project_key, &deploy->package, err) < 0 ||
	    package_write(&deploy->tree, &deploy->package, deploy->tar_path, err) < 0)
		return -1;
	deploy->workspace.keep = true;
	return keep_encrypted_code(deploy, err) < 0 ? -1 : keep_chain(deploy, err);
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
