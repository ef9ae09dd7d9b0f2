/* SPDX-License-Identifier: Apache-2.0 */
/* Encrypts the code and computes what must run: all from this machine, nothing from the cloud. */
#include <string.h>

#include "base/fs.h"
#include "cli/bill_source.h"
#include "cli/deploy.h"
#include "cli/release_plan.h"
#include "domain/release.h"
#include "format/uri.h"

#define DIFFERENCES_MAX 5

int deploy_package(struct deploy *deploy, struct err *err)
{
	if (fs_join(deploy->workspace.path, "app.tar", &deploy->tar_path, err) < 0 ||
	    package_plan(&deploy->tree, &deploy->project_key, &deploy->package, err) < 0 ||
	    package_write(&deploy->tree, &deploy->package, deploy->tar_path, err) < 0)
		return -1;
	deploy->workspace.keep = true;
	return 0;
}

static bool same_file(const struct bill_file *a, const struct bill_file *b)
{
	return a && memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

/* Files of one bill that the other has not, or has otherwise. */
static int add_differences(const struct bill *bill, const struct bill *other, bool absent_only, struct buf *lines,
			   size_t *count, struct err *err)
{
	for (size_t i = 0; i < bill->count; i++) {
		const struct bill_file *found = bill_find(other, bill->files[i].path);

		if ((found && absent_only) || same_file(found, &bill->files[i]) || ++*count > DIFFERENCES_MAX)
			continue;
		if (buf_addf(lines, err, "\n'%s' %s", bill->files[i].path,
			     found         ? "differs"
			     : absent_only ? "is in the cloud's only"
					   : "is not in the cloud's") < 0)
			return -1;
	}
	return 0;
}

static int say_bill(const struct deploy *deploy, const struct bill *theirs, struct err *err)
{
	scoped(buf_done) struct buf lines = BUF_INIT(ERR_TEXT_SIZE);
	struct err full = ERR_INIT;
	size_t count = 0;

	if (add_differences(deploy->bill, theirs, false, &lines, &count, &full) == 0)
		IGNORE_RESULT(add_differences(theirs, deploy->bill, true, &lines, &count, &full));
	return err_set(err, ERR_UNTRUSTED,
		       "bill-untrusted: the cloud's image %s is not the one that this machine's packages make:%s",
		       deploy->project.config.docker, buf_text(&lines));
}

/* Told before the code is sent; if the cloud shows one bill and runs another, the fingerprint tells. */
static int compare_bill(struct deploy *deploy, struct err *err)
{
	const char *docker = deploy->project.config.docker;
	scoped(buf_done) struct buf path = BUF_INIT(URI_TEXT_MAX);
	scoped(buf_done) struct buf text = BUF_INIT(BILL_TEXT_MAX);
	scoped(bill_freep) struct bill *theirs = NULL;
	uint8_t digest[DEPLOY_HASH_SIZE];

	if (buf_add_text(&path, "/images/", err) < 0 || uri_encode(docker, strlen(docker), &path, err) < 0 ||
	    buf_add_text(&path, "/bill", err) < 0 || api_get_text(&deploy->api, buf_text(&path), &text, err) < 0)
		return err_prefix(err, "bill of image '%s'", docker);
	bill_digest(text.data, text.size, digest);
	if (memcmp(digest, deploy->bill_digest, sizeof(digest)) == 0)
		return 0;
	if (bill_parse(text.data, text.size, &theirs, err) < 0)
		return err_prefix(err, "bill-untrusted: bill of image '%s'", docker);
	return say_bill(deploy, theirs, err);
}

int deploy_measure(struct deploy *deploy, struct err *err)
{
	const struct app_config *config = &deploy->project.config;
	const struct bill_wanted wanted = {.image = config->docker};
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
	if (bill_source_get(deploy->call->settings, deploy->call->out, &wanted, &deploy->bill, deploy->bill_digest,
			    &deploy->bill_trust, err) < 0 ||
	    (!cmd_has(deploy->call, "no-verify") && compare_bill(deploy, err) < 0))
		return -1;
	return release_plan_make(&plan, &deploy->package, deploy->bill, &deploy->manifest, deploy->fingerprint, err);
}
