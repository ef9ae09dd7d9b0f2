/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of mse as one const table. Parsing, help, completion and the manual page derive from it: to add a
 * command, add a row to cmd_table.c and a file cmd_NAME.c with its run function.
 *
 * `mse cloud X` and plain `mse X` are the same: the space that is left out is MSE_DEFAULT_ENV, else "cloud".
 */
#ifndef MSE_CLI_CMD_H
#define MSE_CLI_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/out.h"
#include "cli/settings.h"

#define CMD_OPTIONS_MAX 32
#define CMD_ARGS_MAX 256

enum cmd_space { CMD_SPACE_CLOUD, CMD_SPACE_ATTEST, CMD_SPACE_IMAGE, CMD_SPACE_SGX, CMD_SPACE_COUNT };

/* Exit codes: documented in mse(1). */
enum cmd_exit {
	CMD_EXIT_OK = 0,
	CMD_EXIT_ERROR = 1,         /* anything that went wrong, wrong usage too */
	CMD_EXIT_REFUSED = 2,       /* mse attest: evidence was judged and refused */
	CMD_EXIT_INTERRUPTED = 130, /* Ctrl-C or SIGTERM; nothing was left half-made */
};

struct cmd_option {
	const char *name; /* without the dashes */
	char letter;      /* short form, or 0 */
	const char *arg;  /* what its value is called; NULL: takes none */
	const char *help;
	bool hidden;
};

struct cmd_call;

struct cmd_entry {
	enum cmd_space space;
	const char *name;  /* one word, or two: "trust add" */
	const char *group; /* "infrastructure" or "operations" */
	const char *summary;
	const char *args; /* as in usage: "UUID..."; "" for none */
	size_t args_min, args_max;
	const struct cmd_option *options;
	size_t option_count;
	int (*run)(struct cmd_call *call, struct err *err);
};

extern const struct cmd_entry cmd_table[];
extern const size_t cmd_table_count;
extern const struct cmd_option cmd_global_options[];
extern const size_t cmd_global_option_count;

/* One run of one command. Texts are borrowed from argv. */
struct cmd_call {
	const struct cmd_entry *entry;
	const char *values[CMD_OPTIONS_MAX]; /* by position in entry->options; NULL: not given, "" for a flag */
	const char *args[CMD_ARGS_MAX];
	size_t arg_count;
	struct out *out;
	const struct settings *settings;
	enum cmd_exit exit; /* of a run that returns 0 */
};

/* Whether the option was given, and its value (NULL when not). The name must be one of the row's. */
bool cmd_has(const struct cmd_call *call, const char *name);
const char *cmd_value(const struct cmd_call *call, const char *name);
/* For what several commands share: NULL also when the command has no such option. */
const char *cmd_find_value(const struct cmd_call *call, const char *name);

const char *cmd_space_name(enum cmd_space space);

/* The whole program: returns its exit status. */
int cmd_main(int argc, char **argv);

/* cmd_help.c: texts from the table, to stdout. */
void cmd_help_all(struct out *out);
void cmd_help_space(struct out *out, enum cmd_space space);
void cmd_help_entry(struct out *out, const struct cmd_entry *entry);
/* The tables of commands and of mse.toml as JSON, for tools/gen-cli. */
void cmd_dump(struct out *out);

/* The run functions of the table. */
int cmd_login(struct cmd_call *call, struct err *err);
int cmd_logout(struct cmd_call *call, struct err *err);
int cmd_trust_add(struct cmd_call *call, struct err *err);
int cmd_trust_list(struct cmd_call *call, struct err *err);
int cmd_trust_remove(struct cmd_call *call, struct err *err);
int cmd_connect(struct cmd_call *call, struct err *err);
int cmd_context(struct cmd_call *call, struct err *err);
int cmd_init(struct cmd_call *call, struct err *err);
int cmd_scaffold(struct cmd_call *call, struct err *err);
int cmd_localtest(struct cmd_call *call, struct err *err);
int cmd_deploy(struct cmd_call *call, struct err *err);
int cmd_list(struct cmd_call *call, struct err *err);
int cmd_status(struct cmd_call *call, struct err *err);
int cmd_logs(struct cmd_call *call, struct err *err);
int cmd_stop(struct cmd_call *call, struct err *err);
int cmd_test(struct cmd_call *call, struct err *err);
int cmd_verify(struct cmd_call *call, struct err *err);
int cmd_attest_verify(struct cmd_call *call, struct err *err);
int cmd_attest_bundle(struct cmd_call *call, struct err *err);
int cmd_attest_fresh(struct cmd_call *call, struct err *err);
int cmd_attest_show(struct cmd_call *call, struct err *err);
int cmd_attest_watch(struct cmd_call *call, struct err *err);
int cmd_image_bill(struct cmd_call *call, struct err *err);
int cmd_image_key(struct cmd_call *call, struct err *err);
int cmd_image_sign(struct cmd_call *call, struct err *err);
int cmd_image_verify(struct cmd_call *call, struct err *err);
int cmd_publisher_add(struct cmd_call *call, struct err *err);
int cmd_publisher_remove(struct cmd_call *call, struct err *err);
int cmd_sgx_measure(struct cmd_call *call, struct err *err);

#endif
