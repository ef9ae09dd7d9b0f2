/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/command.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cloud/config.h"

static const struct command *const commands[] = {
    &command_init, &command_serve, &command_user_add, &command_token_create, &command_stop_all, &command_image_refresh,
};

/* How many of argv are the command's words; -1 if they are not. */
static int match_words(const char *words, int argc, char **argv)
{
	int count = 0;

	while (*words) {
		const size_t size = strcspn(words, " ");

		if (count >= argc || strlen(argv[count]) != size || strncmp(argv[count], words, size) != 0)
			return -1;
		count++;
		words += size + (words[size] == ' ');
	}
	return count;
}

static int read_option(const struct command *command, int argc, char **argv, struct command_line *line, struct err *err)
{
	for (size_t i = 0; i < command->option_count; i++) {
		const struct command_option *option = &command->options[i];
		const size_t size = strlen(option->name);

		if (strncmp(argv[0], option->name, size) != 0 || (argv[0][size] && argv[0][size] != '='))
			continue;
		if (!option->argument) {
			line->values[i] = "";
			return argv[0][size] ? err_set(err, ERR_INVALID, "'%s' takes no value", option->name) : 1;
		}
		if (argv[0][size] == '=') {
			line->values[i] = argv[0] + size + 1;
			return 1;
		}
		if (argc < 2)
			return err_set(err, ERR_INVALID, "'%s' needs a value: %s", option->name, option->argument);
		line->values[i] = argv[1];
		return 2;
	}
	if (!*command->words && strcmp(argv[0], "serve") == 0)
		return err_set(err, ERR_INVALID, "no command 'serve': 'msed --data-dir DIR' serves");
	return err_set(err, ERR_INVALID, "unknown option or argument '%s'; see msed --help", argv[0]);
}

static int read_options(const struct command *command, int argc, char **argv, struct command_line *line,
			struct err *err)
{
	for (int at = 0; at < argc;) {
		const int used = read_option(command, argc - at, argv + at, line, err);

		if (used < 0)
			return -1;
		at += used;
	}
	for (size_t i = 0; i < command->option_count; i++)
		if (command->options[i].required && !line->values[i])
			return err_set(err, ERR_INVALID, "%s%sneeds '%s %s'", command->words,
				       *command->words ? " " : "", command->options[i].name,
				       command->options[i].argument);
	return 0;
}

int command_parse(int argc, char **argv, const struct command **ret_command, struct command_line *ret_line,
		  struct err *err)
{
	const struct command *best = NULL;
	struct command_line line = {.values = {NULL}};
	int best_words = -1;

	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		const int words = match_words(commands[i]->words, argc, argv);

		if (words > best_words) {
			best = commands[i];
			best_words = words;
		}
	}
	if (read_options(best, argc - best_words, argv + best_words, &line, err) < 0)
		return -1;
	*ret_command = best;
	*ret_line = line;
	return 0;
}

static void print_options(const struct command *command)
{
	for (size_t i = 0; i < command->option_count; i++) {
		const struct command_option *option = &command->options[i];
		char left[64];

		if (option->hidden)
			continue;
		(void)snprintf(left, sizeof(left), "%s%s%s", option->name, option->argument ? " " : "",
			       option->argument ? option->argument : "");
		(void)printf("      %-28s %s%s\n", left, option->help, option->required ? " (required)" : "");
	}
}

void command_print_help(void)
{
	(void)printf("usage: msed [COMMAND] [OPTION]...\n\nThe cloud of Microservice Encryption.\n\n");
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		(void)printf("  msed%s%s\n      %s\n", *commands[i]->words ? " " : "", commands[i]->words,
			     commands[i]->summary);
		print_options(commands[i]);
		(void)printf("\n");
	}
	(void)printf("  msed --version, msed --help\n");
}

static json_t *dump_options(const struct command *command)
{
	json_t *list = json_array();

	for (size_t i = 0; i < command->option_count; i++) {
		const struct command_option *option = &command->options[i];

		if (!option->hidden)
			(void)json_array_append_new(list,
						    json_pack("{s:s,s:s,s:s?,s:s}", "name", option->name + 2, "letter",
							      "", "arg", option->argument, "help", option->help));
	}
	return list;
}

char *command_dump(void)
{
	json_t *all = json_array(), *keys = json_array(), *whole;
	char *text;

	for (size_t i = 0; i < COUNT_OF(commands); i++)
		(void)json_array_append_new(all, json_pack("{s:s,s:s,s:o}", "name", commands[i]->words, "summary",
							   commands[i]->summary, "options", dump_options(commands[i])));
	for (size_t i = 0; i < cloud_config_schema.key_count; i++) {
		const struct config_key *key = &cloud_config_schema.keys[i];

		(void)json_array_append_new(
		    keys, json_pack("{s:s,s:b,s:s}", "path", key->path, "required", key->required, "doc", key->doc));
	}
	whole = json_pack("{s:o,s:o}", "commands", all, "msed_toml", keys);
	text = whole ? json_dumps(whole, JSON_INDENT(1)) : NULL;
	json_decref(whole);
	return text;
}
