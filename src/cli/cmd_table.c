/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd.h"

#define INFRASTRUCTURE "infrastructure"
#define OPERATIONS "operations"

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
#define OPTION_YES \
	{ \
		"yes", 'y', NULL, "answer every question with yes", false \
	}
#define OPTION_PATH \
	{ \
		"path", 0, "FILE", "configuration file (default: mse.toml)", false \
	}
#define OPTION_WORKSPACE \
	{ \
		"workspace", 0, "DIR", "folder for the files made on the way (default: a new one in /tmp)", false \
	}
#define OPTION_SIMULATION \
	{ \
		"allow-simulation", 0, "ROOT.pem", "accept evidence of the simulation that ends in this root", false \
	}
#define OPTION_PCCS \
	{ \
		"pccs", 0, "URL", "where to fetch the collateral from (default: the cloud)", false \
	}

static const struct cmd_option context_options[] = {
    {"list", 0, NULL, "list the contexts saved on this machine", false},
    {"remove", 0, "UUID", "remove the context of an app", false},
    {"purge", 0, NULL, "remove all contexts", false},
    {"export", 0, "UUID", "write the context of an app to a file for its users", false},
    {"output", 0, "FILE", "name of the exported file (default: context.mse)", false},
    OPTION_JSON,
};
static const struct cmd_option localtest_options[] = {
    OPTION_PATH,
    {"no-tests", 0, NULL, "only check that the app starts", false},
};

#define OPTIONS(list) (list), COUNT_OF(list)
#define NO_OPTIONS NULL, 0
#define CLOUD CMD_SPACE_CLOUD

const struct cmd_entry cmd_table[] = {
    {CLOUD, "context", INFRASTRUCTURE, "list, export and remove contexts of deployed apps",
     "(--list | --remove UUID | --purge | --export UUID)", 0, 0, OPTIONS(context_options), cmd_context},
    {CLOUD, "scaffold", OPERATIONS, "make the folder of a new app", "APP_NAME", 1, 1, NO_OPTIONS, cmd_scaffold},
    {CLOUD, "localtest", OPERATIONS, "run the app and its tests on this machine", "", 0, 0, OPTIONS(localtest_options),
     cmd_localtest},
};
const size_t cmd_table_count = COUNT_OF(cmd_table);
