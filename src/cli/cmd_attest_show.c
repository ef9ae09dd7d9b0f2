/* SPDX-License-Identifier: Apache-2.0 */
/* mse attest show: what evidence, certificates and collateral say. Nothing is verified, and it is said. */
#include <string.h>

#include "cli/attest_evidence.h"
#include "cli/show.h"

#define LINES_MAX (64u << 20)

static int add_to_list(json_t *list, const char *path, json_t *object, struct err *err)
{
	json_t *item = json_pack("{s:s}", "file", path);

	if (!item)
		return err_set(err, ERR_INVALID, "'%s' cannot be named in JSON", path);
	if (json_object_update(item, object) < 0 || json_array_append(list, item) < 0) {
		json_decref(item);
		return err_no_memory(err);
	}
	json_decref(item);
	return 0;
}

/* The usual reason why evidence is not known. */
static void say_text(const struct buf *data, struct err *err)
{
	const struct evidence evidence = {.kind = EVIDENCE_QUOTE, .data = *data};
	const char *kind = evidence_text_kind(&evidence);

	if (kind && data->data[0] != '{' && data->data[0] != '-')
		(void)err_prefix(err, "it is %s: decode it first", kind);
}

static int show_one(struct cmd_call *call, const char *path, json_t *list, struct err *err)
{
	scoped(buf_done) struct buf data = BUF_INIT(SHOW_SIZE_MAX);
	scoped(buf_done) struct buf lines = BUF_INIT(LINES_MAX);
	scoped(json_decrefp) json_t *object = NULL;

	if (evidence_read_file(path, &data, err) < 0)
		return -1;
	if (show_decode(data.data, data.size, &object, err) < 0) {
		say_text(&data, err);
		return err_prefix(err, "'%s'", path);
	}
	if (list)
		return add_to_list(list, path, object, err);
	if (show_format(object, &lines, err) < 0)
		return err_prefix(err, "'%s'", path);
	out_bold(call->out, "%s (not verified)\n", path);
	out_print(call->out, "%s\n", buf_text(&lines));
	return 0;
}

/* What can be read is shown, also if another file cannot; the first that cannot is the error. */
int cmd_attest_show(struct cmd_call *call, struct err *err)
{
	json_t *list = cmd_has(call, "json") ? json_array() : NULL;
	int status = 0;

	if (cmd_has(call, "json") && !list)
		return err_no_memory(err);
	for (size_t i = 0; i < call->arg_count; i++) {
		struct err failed = ERR_INIT;

		if (show_one(call, call->args[i], list, &failed) == 0)
			continue;
		if (status < 0)
			out_error(call->out, "%s", failed.text);
		else
			*err = failed;
		status = -1;
	}
	if (list)
		out_json(call->out, list);
	return status;
}
