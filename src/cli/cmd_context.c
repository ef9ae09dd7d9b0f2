/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud context: the sentences are those of the original's manual. */
#include <string.h>

#include "base/fs.h"
#include "cli/cmd.h"
#include "cli/context_store.h"
#include "cli/prompt.h"

#define EXPORT_FILE "context.mse"

static int print_item(const struct context_store_item *item, void *arg, struct err *err)
{
	struct out *out = arg;
	char date[DATE_TEXT_SIZE];

	(void)err;
	date_format(&item->created, date);
	if (item->context)
		out_print(out, "%s -> %s (%s)\n", item->uuid, item->context->name, date);
	else
		out_print(out, "%s -> [file format not supported]\n", item->uuid);
	return 0;
}

static int add_item(const struct context_store_item *item, void *arg, struct err *err)
{
	const struct context *context = item->context;
	char date[DATE_TEXT_SIZE];
	json_t *row;

	date_format(&item->created, date);
	if (context)
		row = json_pack("{s:s,s:b,s:s,s:s,s:s,s:s?,s:s?,s:s}", "id", item->uuid, "supported", 1, "name",
				context->name, "project", context->project, "config_domain_name",
				context->config_domain_name, "domain_name", context->domain_name, "fingerprint",
				context->fingerprint, "created_at", date);
	else
		row = json_pack("{s:s,s:b,s:s}", "id", item->uuid, "supported", 0, "created_at", date);
	return json_array_append_new(arg, row) < 0 ? err_no_memory(err) : 0;
}

static int list(struct cmd_call *call, struct err *err)
{
	json_t *items;

	if (!cmd_has(call, "json"))
		return context_store_each(call->settings, print_item, call->out, err);
	items = json_array();
	if (context_store_each(call->settings, add_item, items, err) < 0) {
		json_decref(items);
		return -1;
	}
	out_json(call->out, json_pack("{s:o}", "contexts", items));
	return 0;
}

static int remove_one(struct cmd_call *call, const char *uuid, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (context_store_path(call->settings, uuid, &path, err) < 0)
		return -1;
	out_warning(call->out, "You will lose the configuration and the tar code. That will make you unable to share "
			       "these information, thus an app user will be unable to verify the trustworthiness of "
			       "your app");
	if (prompt_is_possible() && prompt_agree(call->out, "Remove the context?", err) < 0)
		return -1;
	if (context_store_remove(call->settings, uuid, err) < 0)
		return -1;
	out_success(call->out, "The context of %s has been removed", uuid);
	return 0;
}

static int purge(struct cmd_call *call, struct err *err)
{
	size_t count;

	out_warning(call->out, "You will lose the configuration and the tar code for all apps. That will make you "
			       "unable to share these information, thus an app user will be unable to verify the "
			       "trustworthiness of all of your apps");
	if (prompt_is_possible() && prompt_agree(call->out, "Remove all contexts?", err) < 0)
		return -1;
	if (context_store_purge(call->settings, &count, err) < 0)
		return -1;
	out_success(call->out, "%zu contexts have been removed", count);
	return 0;
}

static int export_one(struct cmd_call *call, const char *uuid, struct err *err)
{
	const char *file = cmd_has(call, "output") ? cmd_value(call, "output") : EXPORT_FILE;
	scoped(buf_done) struct buf text = BUF_INIT(CONTEXT_SIZE_MAX);
	scoped(context_done) struct context context = {0};
	scoped(freep) char *path = NULL;

	if (context_store_path(call->settings, uuid, &path, err) < 0 ||
	    context_store_load_file(path, &context, err) < 0 || fs_read(path, &text, err) < 0)
		return -1;
	if (!cmd_has(call, "json"))
		out_print(call->out, "Exporting %s context in %s...\n", uuid, file);
	if (fs_write_new(file, text.data, text.size, 0600, err) < 0)
		return -1;
	if (cmd_has(call, "json"))
		out_json(call->out, json_pack("{s:s,s:s}", "id", uuid, "file", file));
	else
		out_print(call->out, "You can now transfer this file to your app user.\n");
	return 0;
}

int cmd_context(struct cmd_call *call, struct err *err)
{
	static const char *const actions[] = {"list", "remove", "purge", "export"};
	size_t count = 0;

	for (size_t i = 0; i < COUNT_OF(actions); i++)
		count += cmd_has(call, actions[i]);
	if (count != 1)
		return err_set(err, ERR_INVALID, "exactly one of --list, --remove, --purge and --export is needed");
	if (cmd_has(call, "output") && !cmd_has(call, "export"))
		return err_set(err, ERR_INVALID, "--output goes with --export only");
	if (cmd_has(call, "list"))
		return list(call, err);
	if (cmd_has(call, "remove"))
		return remove_one(call, cmd_value(call, "remove"), err);
	if (cmd_has(call, "purge"))
		return purge(call, err);
	return export_one(call, cmd_value(call, "export"), err);
}
