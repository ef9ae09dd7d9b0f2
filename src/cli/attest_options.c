/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/attest_options.h"

#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cli/attest_policy_file.h"
#include "cli/bundle_file.h"
#include "cli/collateral_dir.h"
#include "cli/hardware_root.h"
#include "format/date.h"
#include "format/hex.h"

#define MRENCLAVE_SIZE 32

int attest_options_time(const char *text, int64_t *ret, struct err *err)
{
	struct date date;

	if (date_parse(text, &date, err) < 0)
		return -1;
	if (!date.zoned)
		return err_set(err, ERR_INVALID, "'%s' has no zone: write it like 2026-01-31T12:00:00Z", text);
	*ret = date_to_unix(&date, 0);
	return 0;
}

static int read_time(const struct cmd_call *call, struct attest_options *options, struct err *err)
{
	const char *text = cmd_find_value(call, "time");

	options->time = clock_now_seconds();
	options->has_time = text != NULL;
	if (text && attest_options_time(text, &options->time, err) < 0)
		return err_prefix(err, "--time");
	return 0;
}

static int read_measurement(const struct cmd_call *call, struct attest_options *options, struct err *err)
{
	const char *text = cmd_find_value(call, "measurement");
	struct attest_measurement *measurement = &options->measurement;

	if (!text)
		return 0;
	measurement->size = strlen(text) == 2 * MRENCLAVE_SIZE ? MRENCLAVE_SIZE : (size_t)ATTEST_MEASUREMENT_SIZE_MAX;
	if (strlen(text) != 2 * measurement->size)
		return err_set(
		    err, ERR_INVALID,
		    "--measurement has %zu characters, expected 64 hex digits (32 bytes of SGX) or 96 (48 of "
		    "TDX and SEV-SNP)",
		    strlen(text));
	if (hex_decode(text, strlen(text), measurement->data, measurement->size, err) < 0)
		return err_prefix(err, "--measurement (32 bytes of SGX, 48 of TDX and SEV-SNP)");
	if (options->policy.measurement_count)
		return err_set(err, ERR_INVALID, "--measurement: the policy names measurements already");
	options->policy.measurements = measurement;
	options->policy.measurement_count = 1;
	return 0;
}

static int read_policy(const struct cmd_call *call, struct attest_options *options, struct err *err)
{
	const char *path = cmd_find_value(call, "policy");

	if (path && attest_policy_file_load(path, &options->file_policy, err) < 0)
		return err_prefix(err, "--policy '%s'", path);
	if (options->file_policy)
		options->policy = *options->file_policy;
	if (cmd_find_value(call, "allow-debug"))
		options->policy.allow_debug = true;
	if (cmd_find_value(call, "allow-missing-crl"))
		options->policy.allow_missing_crl = true;
	return read_measurement(call, options, err);
}

static int read_trust(const struct cmd_call *call, struct attest_options *options, struct err *err)
{
	const char *root = cmd_find_value(call, "trust-root");

	if (trust_roots_load(NULL, cmd_find_value(call, "allow-simulation"), &options->simulation, err) < 0)
		return -1;
	if (options->simulation.count && options->policy.simulation_root_count)
		return err_set(err, ERR_INVALID, "--allow-simulation: the policy names simulation roots already");
	if (options->simulation.count) {
		options->policy.simulation_roots = options->simulation.roots;
		options->policy.simulation_root_count = options->simulation.count;
	}
	if (!root)
		return 0;
	if (fs_read(root, &options->root, err) < 0)
		return err_prefix(err, "--trust-root");
	options->hardware = (struct attest_bytes){options->root.data, options->root.size};
	options->roots.hardware = &options->hardware;
	options->roots.hardware_count = 1;
	if (hardware_root_check(&options->roots, err) < 0)
		return err_prefix(err, "--trust-root '%s'", root);
	return 0;
}

static int read_dir(const char *dir, struct attest_options *options, struct err *err)
{
	struct collateral_items items;
	int status;

	collateral_items_init(&items);
	status = collateral_dir_read(dir, &items, err);
	if (status == 0)
		status = collateral_source_new_given(&items, &options->collateral, err);
	collateral_items_done(&items);
	return status < 0 ? err_prefix(err, "--collateral") : 0;
}

static int read_bundle(const char *path, struct attest_options *options, struct err *err)
{
	bool intact;

	if (bundle_file_load(path, &options->bundle, &intact, err) < 0)
		return err_prefix(err, "--bundle");
	if (options->bundle.kind == BUNDLE_EXCHANGE)
		return err_set(err, ERR_INVALID, "'%s' is a saved exchange: see 'mse attest fresh --from'", path);
	options->has_bundle = true;
	return collateral_source_new_given(&options->bundle.collateral, &options->collateral, err);
}

static int read_collateral(const struct cmd_call *call, struct attest_options *options, struct err *err)
{
	const char *dir = cmd_find_value(call, "collateral");
	const char *url = cmd_find_value(call, "pccs");
	const char *bundle = cmd_find_value(call, "bundle");

	if ((dir != NULL) + (url != NULL) + (bundle != NULL) > 1)
		return err_set(err, ERR_INVALID,
			       "only one of --collateral, --bundle and --pccs says where the collateral is");
	if (dir)
		return read_dir(dir, options, err);
	if (bundle)
		return read_bundle(bundle, options, err);
	url = url ? url : call->settings->pccs_url;
	return url ? collateral_source_new(call->settings, url, options->mode, &options->collateral, err) : 0;
}

int attest_options_load(const struct cmd_call *call, struct attest_options *ret, struct err *err)
{
	*ret = (struct attest_options){.root = BUF_INIT(TRUST_ROOTS_SIZE_MAX)};
	bundle_init(&ret->bundle);
	if (cmd_find_value(call, "refresh"))
		ret->mode = COLLATERAL_RENEW;
	if (cmd_find_value(call, "offline"))
		ret->mode = COLLATERAL_OFFLINE;
	if (read_time(call, ret, err) < 0 || read_policy(call, ret, err) < 0 || read_trust(call, ret, err) < 0)
		return -1;
	return read_collateral(call, ret, err);
}

int attest_options_cloud(const struct cmd_call *call, const char *domain, char **ret_url, struct err *err)
{
	struct trust trust = {0};
	const int found = trust_find_by_domain(call->settings, domain, &trust, err);

	if (found > 0)
		*ret_url = TAKE_PTR(trust.url);
	trust_done(&trust);
	return found < 0 ? -1 : 0;
}

int attest_options_guess(const struct cmd_call *call, const char *domain, struct attest_options *options,
			 struct err *err)
{
	scoped(freep) char *url = NULL;

	if (options->collateral)
		return 0;
	if (domain && attest_options_cloud(call, domain, &url, err) < 0)
		return -1;
	return collateral_source_new(call->settings, url, options->mode, &options->collateral, err);
}

void attest_options_done(struct attest_options *options)
{
	collateral_source_free(options->collateral);
	options->collateral = NULL;
	bundle_done(&options->bundle);
	trust_roots_done(&options->simulation);
	buf_done(&options->root);
	attest_policy_free(options->file_policy);
	options->file_policy = NULL;
}
