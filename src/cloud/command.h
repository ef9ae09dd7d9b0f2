/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of msed as one const table: dispatch and --help derive from it. */
#ifndef MSE_CLOUD_COMMAND_H
#define MSE_CLOUD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define COMMAND_OPTIONS_MAX 16

/* Text options take a value, flags do not. */
struct command_option {
	const char *name;     /* "--data-dir" */
	const char *argument; /* "DIR"; NULL: a flag */
	const char *help;
	bool required;
	bool hidden; /* for tests */
};

/* What was given, in the order of the command's options: values[i] is NULL if absent, "" for a flag. */
struct command_line {
	const char *values[COMMAND_OPTIONS_MAX];
};

struct command {
	const char *words; /* "user add"; "" is serving */
	const char *summary;
	const struct command_option *options;
	size_t option_count;
	int (*run)(const struct command_line *line, struct err *err);
};

extern const struct command command_init, command_serve, command_user_add, command_token_create, command_stop_all,
    command_image_refresh;

/* Picks the command by the longest match of words, reads its options. ERR_INVALID says what was wrong. */
must_check int command_parse(int argc, char **argv, const struct command **ret_command, struct command_line *ret_line,
			     struct err *err);

void command_print_help(void);

/* The tables of commands and of msed.toml as JSON, for tools/gen-cli. NULL: out of memory. The caller frees. */
char *command_dump(void);

#endif
