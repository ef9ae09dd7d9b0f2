/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/interrupt.h"
#include "format/config.h"

#define NAME_TEXT_MAX 64

/* What the words before and after the command ask of the program itself. */
struct globals {
	bool help;
	bool version;
	enum out_color color;
};

struct parsing {
	int argc;
	char **argv;
	int at;
	bool options_ended; /* after "--" */
	struct globals globals;
	struct cmd_call *call;
};

const char *cmd_space_name(enum cmd_space space)
{
	switch (space) {
	case CMD_SPACE_CLOUD:
		return "cloud";
	case CMD_SPACE_ATTEST:
		return "attest";
	case CMD_SPACE_IMAGE:
		return "image";
	case CMD_SPACE_SGX:
		return "sgx";
	case CMD_SPACE_COUNT:
		break;
	}
	return "";
}

static size_t option_index(const struct cmd_call *call, const char *name)
{
	size_t i = 0;

	while (i < call->entry->option_count && strcmp(call->entry->options[i].name, name) != 0)
		i++;
	assert(i < call->entry->option_count);
	return i;
}

bool cmd_has(const struct cmd_call *call, const char *name)
{
	return call->values[option_index(call, name)] != NULL;
}

const char *cmd_value(const struct cmd_call *call, const char *name)
{
	return call->values[option_index(call, name)];
}

const char *cmd_find_value(const struct cmd_call *call, const char *name)
{
	for (size_t i = 0; i < call->entry->option_count; i++) {
		if (strcmp(call->entry->options[i].name, name) == 0)
			return call->values[i];
	}
	return NULL;
}

static int set_color(struct globals *globals, const char *value, struct err *err)
{
	if (strcmp(value, "auto") == 0)
		globals->color = OUT_COLOR_AUTO;
	else if (strcmp(value, "never") == 0)
		globals->color = OUT_COLOR_NEVER;
	else if (strcmp(value, "always") == 0)
		globals->color = OUT_COLOR_ALWAYS;
	else
		return err_set(err, ERR_INVALID, "--color is '%s', expected auto, never or always", value);
	return 0;
}

/* The value of an option that takes one: behind '=' or the next word. */
static int option_value(struct parsing *parsing, const char *name, const char *inlined, const char **ret,
			struct err *err)
{
	if (inlined) {
		*ret = inlined;
		return 0;
	}
	if (parsing->at + 1 >= parsing->argc)
		return err_set(err, ERR_INVALID, "option '%s' needs a value", name);
	*ret = parsing->argv[++parsing->at];
	return 0;
}

static bool is_option(const struct cmd_option *option, const char *word, size_t size)
{
	if (size > 2 && word[1] == '-')
		return strlen(option->name) == size - 2 && strncmp(option->name, word + 2, size - 2) == 0;
	return size == 2 && option->letter && option->letter == word[1];
}

static int set_global(struct parsing *parsing, const struct cmd_option *option, const char *word, const char *inlined,
		      struct err *err)
{
	const char *value = NULL;

	if (option->arg && option_value(parsing, word, inlined, &value, err) < 0)
		return -1;
	if (strcmp(option->name, "help") == 0)
		parsing->globals.help = true;
	else if (strcmp(option->name, "version") == 0)
		parsing->globals.version = true;
	else if (value)
		return set_color(&parsing->globals, value, err);
	return 0;
}

static int unknown_option(const struct parsing *parsing, const char *word, size_t size, struct err *err)
{
	const struct cmd_entry *entry = parsing->call->entry;
	const char *nearest = NULL;
	char name[NAME_TEXT_MAX];

	(void)snprintf(name, sizeof(name), "%.*s", (int)size, word);
	if (entry)
		nearest = nearest_name(name + strspn(name, "-"), entry->options, entry->option_count,
				       sizeof(*entry->options));
	if (!nearest)
		nearest = nearest_name(name + strspn(name, "-"), cmd_global_options, cmd_global_option_count,
				       sizeof(*cmd_global_options));
	if (nearest)
		return err_set(err, ERR_INVALID, "unknown option '%s': did you mean '--%s'?", name, nearest);
	return err_set(err, ERR_INVALID, "unknown option '%s'", name);
}

static int take_option(struct parsing *parsing, struct err *err)
{
	const char *word = parsing->argv[parsing->at];
	const size_t size = strcspn(word, "=");
	const char *inlined = word[size] == '=' ? word + size + 1 : NULL;
	struct cmd_call *call = parsing->call;

	for (size_t i = 0; call->entry && i < call->entry->option_count; i++) {
		const struct cmd_option *option = &call->entry->options[i];

		if (!is_option(option, word, size))
			continue;
		if (option->arg && call->values[i])
			return err_set(err, ERR_INVALID, "option '--%s' is given twice", option->name);
		if (option->arg)
			return option_value(parsing, word, inlined, &call->values[i], err);
		if (inlined)
			return err_set(err, ERR_INVALID, "option '--%s' takes no value", option->name);
		call->values[i] = "";
		return 0;
	}
	for (size_t i = 0; i < cmd_global_option_count; i++) {
		if (is_option(&cmd_global_options[i], word, size))
			return set_global(parsing, &cmd_global_options[i], word, inlined, err);
	}
	return unknown_option(parsing, word, size, err);
}

/* 1: *ret_word is the next word that is no option; 0: none left. */
static int next_word(struct parsing *parsing, const char **ret_word, struct err *err)
{
	for (; parsing->at < parsing->argc; parsing->at++) {
		const char *word = parsing->argv[parsing->at];

		if (!parsing->options_ended && strcmp(word, "--") == 0) {
			parsing->options_ended = true;
		} else if (!parsing->options_ended && word[0] == '-' && word[1] != '\0') {
			if (take_option(parsing, err) < 0)
				return -1;
		} else {
			parsing->at++;
			*ret_word = word;
			return 1;
		}
	}
	return 0;
}

static int find_space(const char *word, enum cmd_space *ret_space)
{
	for (enum cmd_space space = 0; space < CMD_SPACE_COUNT; space++) {
		if (strcmp(word, cmd_space_name(space)) == 0) {
			*ret_space = space;
			return 1;
		}
	}
	return 0;
}

static int default_space(enum cmd_space *ret_space, struct err *err)
{
	const char *wanted = getenv("MSE_DEFAULT_ENV");

	*ret_space = CMD_SPACE_CLOUD;
	if (wanted && *wanted && !find_space(wanted, ret_space))
		return err_set(err, ERR_INVALID, "MSE_DEFAULT_ENV is '%s', expected cloud, attest, image or sgx",
			       wanted);
	return 0;
}

static const struct cmd_entry *find_entry(enum cmd_space space, const char *name)
{
	for (size_t i = 0; i < cmd_table_count; i++) {
		if (cmd_table[i].space == space && strcmp(cmd_table[i].name, name) == 0)
			return &cmd_table[i];
	}
	return NULL;
}

/* Whether word begins commands of two words. */
static bool is_first_word(enum cmd_space space, const char *word)
{
	const size_t size = strlen(word);

	for (size_t i = 0; i < cmd_table_count; i++) {
		if (cmd_table[i].space == space && strncmp(cmd_table[i].name, word, size) == 0 &&
		    cmd_table[i].name[size] == ' ')
			return true;
	}
	return false;
}

static int unknown_command(enum cmd_space space, const char *name, struct err *err)
{
	const char *names[CMD_ARGS_MAX];
	const char *nearest;
	size_t count = 0;

	for (size_t i = 0; i < cmd_table_count; i++) {
		if (cmd_table[i].space == space)
			names[count++] = cmd_table[i].name;
	}
	nearest = nearest_name(name, names, count, sizeof(*names));
	if (nearest)
		return err_set(err, ERR_INVALID, "unknown command '%s': did you mean '%s'?", name, nearest);
	return err_set(err, ERR_INVALID, "unknown command '%s': 'mse %s --help' lists the commands", name,
		       cmd_space_name(space));
}

/* 1: parsing->call->entry is set; 0: the words ended before (help of *ret_space, or wrong usage). */
static int find_command(struct parsing *parsing, enum cmd_space *ret_space, bool *ret_has_space, struct err *err)
{
	char name[2 * NAME_TEXT_MAX];
	const char *word, *second;
	int found = next_word(parsing, &word, err);

	if (found <= 0)
		return found;
	*ret_has_space = find_space(word, ret_space);
	if (*ret_has_space)
		found = next_word(parsing, &word, err);
	else if (default_space(ret_space, err) < 0)
		return -1;
	if (found <= 0)
		return found;
	(void)snprintf(name, sizeof(name), "%.*s", NAME_TEXT_MAX - 1, word);
	if (is_first_word(*ret_space, name)) {
		found = next_word(parsing, &second, err);
		if (found <= 0 && !parsing->globals.help)
			return found < 0 ? -1 : err_set(err, ERR_INVALID, "command '%s' needs a second word", name);
		if (found <= 0)
			return found;
		(void)snprintf(name + strlen(name), NAME_TEXT_MAX, " %.*s", NAME_TEXT_MAX - 2, second);
	}
	parsing->call->entry = find_entry(*ret_space, name);
	return parsing->call->entry ? 1 : unknown_command(*ret_space, name, err);
}

static int take_args(struct parsing *parsing, struct err *err)
{
	struct cmd_call *call = parsing->call;
	const char *word;
	int found;

	while ((found = next_word(parsing, &word, err)) > 0) {
		if (call->arg_count == call->entry->args_max)
			return err_set(err, ERR_INVALID, "'%s' is one argument too many for '%s'", word,
				       call->entry->name);
		call->args[call->arg_count++] = word;
	}
	if (found < 0)
		return -1;
	if (call->arg_count < call->entry->args_min && !parsing->globals.help)
		return err_set(err, ERR_INVALID, "'%s' needs an argument: %s", call->entry->name, call->entry->args);
	return 0;
}

/* Whoever asked for JSON is a program: no words beside the result but warnings and errors. */
static bool wants_json(const struct cmd_call *call)
{
	for (size_t i = 0; i < call->entry->option_count; i++) {
		if (strcmp(call->entry->options[i].name, "json") == 0)
			return call->values[i] != NULL;
	}
	return false;
}

static int run_entry(struct cmd_call *call, struct err *err)
{
	struct settings settings;
	int status;

	if (settings_load(&settings, err) < 0)
		return -1;
	call->settings = &settings;
	call->out->quiet = wants_json(call);
	interrupt_install();
	status = call->entry->run(call, err);
	settings_done(&settings);
	return status;
}

static int run_parsed(struct parsing *parsing, struct out *out, struct err *err)
{
	enum cmd_space space = CMD_SPACE_CLOUD;
	bool has_space = false;
	int found;

	if (parsing->argc == 2 && strcmp(parsing->argv[1], "__dump") == 0) {
		out_init(out, OUT_COLOR_NEVER);
		cmd_dump(out);
		return 0;
	}
	found = find_command(parsing, &space, &has_space, err);
	if (found > 0 && take_args(parsing, err) < 0)
		found = -1;
	out_init(out, parsing->globals.color);
	if (found < 0)
		return -1;
	if (parsing->globals.help && found)
		cmd_help_entry(out, parsing->call->entry);
	else if (parsing->globals.help && has_space)
		cmd_help_space(out, space);
	else if (parsing->globals.help)
		cmd_help_all(out);
	else if (parsing->globals.version)
		out_print(out, "mse %s\n", MSE_VERSION);
	else if (!found)
		return err_set(err, ERR_INVALID, "no command given: 'mse --help' lists the commands");
	else
		return run_entry(parsing->call, err);
	return 0;
}

static enum cmd_exit exit_code(enum err_code code)
{
	switch (code) {
	case ERR_CANCELLED:
		return interrupt_happened() ? CMD_EXIT_INTERRUPTED : CMD_EXIT_ERROR;
	case ERR_INTERNAL:
	case ERR_NO_MEMORY:
	case ERR_IO:
	case ERR_INVALID:
	case ERR_LIMIT:
	case ERR_NOT_FOUND:
	case ERR_CONFLICT:
	case ERR_UNAUTHENTICATED:
	case ERR_DENIED:
	case ERR_UNTRUSTED:
	case ERR_UNAVAILABLE:
	case ERR_TIMEOUT:
	case ERR_UNSUPPORTED:
		return CMD_EXIT_ERROR;
	}
	return CMD_EXIT_ERROR;
}

int cmd_main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct out out;
	struct cmd_call call = {.out = &out};
	struct parsing parsing = {.argc = argc, .argv = argv, .at = 1, .call = &call};

	/* a closed pipe is a failed write, which out_finish reports */
	(void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
	out_init(&out, OUT_COLOR_AUTO);
	if (run_parsed(&parsing, &out, &err) == 0 && out_finish(&out, &err) == 0)
		return (int)call.exit;
	(void)fflush(stdout);
	/* It may quote what a cloud said: one error is one line, and what follows it is nobody's verdict. */
	for (char *c = err.text; *c; c++)
		*c = *c == '\n' ? ' ' : *c;
	if (*err.text)
		out_error(&out, "%s", err.text);
	return (int)exit_code(err.code);
}
