/* SPDX-License-Identifier: Apache-2.0 */
/* mse sgx measure: MRENCLAVE of any Gramine manifest (1.5 and later), without SGX, Gramine or Docker. */

#include "base/fs.h"
#include "cli/cmd.h"
#include "measure/measure_manifest.h"

#define REPORT_MAX (64u << 10)

static int read_option(const struct cmd_call *call, const char *option, struct buf *ret, struct err *err)
{
	const char *path = cmd_value(call, option);

	if (!path)
		return err_set(err, ERR_INVALID, "option '--%s' is missing", option);
	return fs_read(path, ret, err);
}

int cmd_sgx_measure(struct cmd_call *call, struct err *err)
{
	scoped(buf_done) struct buf manifest = BUF_INIT(MEASURE_MANIFEST_MAX);
	scoped(buf_done) struct buf libpal = BUF_INIT(MEASURE_LOADER_MAX);
	scoped(buf_done) struct buf report = BUF_INIT(REPORT_MAX);

	if (read_option(call, "manifest", &manifest, err) < 0 || read_option(call, "libpal", &libpal, err) < 0)
		return -1;
	if (measure_report(manifest.data, manifest.size, libpal.data, libpal.size, cmd_has(call, "json"), &report,
			   err) < 0)
		return err_prefix(err, "'%s' with '%s'", cmd_value(call, "manifest"), cmd_value(call, "libpal"));
	out_print(call->out, "%s", buf_text(&report));
	return 0;
}
