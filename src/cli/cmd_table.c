/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd.h"

#define INFRASTRUCTURE "infrastructure"

const struct cmd_option cmd_global_options[] = {
    {"help", 'h', NULL, "show this help", false},
    {"version", 0, NULL, "show the version", false},
    {"color", 0, "auto|never|always", "colour and links: on a terminal only (auto), never or always", false},
};
const size_t cmd_global_option_count = COUNT_OF(cmd_global_options);

#define OPTION_JSON \
	{ \
		"json", 0, NULL, "write the result as JSON (docs/formats/cli-json.md)", false \
	}

static const struct cmd_option context_options[] = {
    {"list", 0, NULL, "list the contexts saved on this machine", false},
    {"remove", 0, "UUID", "remove the context of an app", false},
    {"purge", 0, NULL, "remove all contexts", false},
    {"export", 0, "UUID", "write the context of an app to a file for its users", false},
    {"output", 0, "FILE", "name of the exported file (default: context.mse)", false},
    OPTION_JSON,
};
#define OPTIONS(list) (list), COUNT_OF(list)
#define CLOUD CMD_SPACE_CLOUD

const struct cmd_entry cmd_table[] = {
    {CLOUD, "context", INFRASTRUCTURE, "list, export and remove contexts of deployed apps",
     "(--list | --remove UUID | --purge | --export UUID)", 0, 0, OPTIONS(context_options), cmd_context},
};
const size_t cmd_table_count = COUNT_OF(cmd_table);
