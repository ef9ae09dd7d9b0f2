/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cmd.h"

#include <stdio.h>
#include <string.h>

#include "domain/app_config.h"

static void print_option(struct out *out, const struct cmd_option *option)
{
	char text[80];
	char letter[8] = "";

	if (option->letter)
		(void)snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	(void)snprintf(text, sizeof(text), "%s--%s%s%s", letter, option->name, option->arg ? " " : "",
		       option->arg ? option->arg : "");
	out_print(out, "  %-30s %s\n", text, option->help);
}

static void print_global_options(struct out *out)
{
	out_bold(out, "\nglobal options:\n");
	for (size_t i = 0; i < cmd_global_option_count; i++)
		print_option(out, &cmd_global_options[i]);
}

/* Of the longest name of the space; CMD_SPACE_COUNT: of all. */
static int name_width(enum cmd_space space)
{
	size_t width = 0;

	for (size_t i = 0; i < cmd_table_count; i++) {
		const size_t size = strlen(cmd_table[i].name);

		if ((space == CMD_SPACE_COUNT || cmd_table[i].space == space) && size > width)
			width = size;
	}
	return (int)width;
}

static void print_group(struct out *out, enum cmd_space space, const char *group, int width)
{
	bool first = true;

	for (size_t i = 0; i < cmd_table_count; i++) {
		const struct cmd_entry *entry = &cmd_table[i];

		if (entry->space != space || strcmp(entry->group, group) != 0)
			continue;
		if (first)
			out_bold(out, "\n%s %s:\n", cmd_space_name(space), group);
		first = false;
		out_print(out, "  %-*s  %s\n", width, entry->name, entry->summary);
	}
}

static void print_groups(struct out *out, enum cmd_space space, int width)
{
	print_group(out, space, "infrastructure", width);
	print_group(out, space, "operations", width);
}

void cmd_help_all(struct out *out)
{
	out_print(out,
		  "usage: mse [-h] [--version] [--color auto|never|always] {cloud,attest,image,sgx} COMMAND ...\n\n"
		  "Run Python web applications in enclaves that nobody can look into, and check that they are.\n"
		  "'cloud' may be left out; MSE_DEFAULT_ENV names another word to assume.\n");
	for (enum cmd_space space = 0; space < CMD_SPACE_COUNT; space++)
		print_groups(out, space, name_width(CMD_SPACE_COUNT));
	print_global_options(out);
	out_print(out, "\n'mse [WORD] COMMAND --help' tells more of one; WORD is cloud, attest, image or sgx.\n");
}

void cmd_help_space(struct out *out, enum cmd_space space)
{
	out_print(out, "usage: mse %s COMMAND ...\n", cmd_space_name(space));
	print_groups(out, space, name_width(space));
	print_global_options(out);
}

void cmd_help_entry(struct out *out, const struct cmd_entry *entry)
{
	out_print(out, "usage: mse %s %s%s%s%s\n\n%s\n", cmd_space_name(entry->space), entry->name,
		  entry->option_count ? " [OPTION...]" : "", *entry->args ? " " : "", entry->args, entry->summary);
	if (entry->option_count)
		out_bold(out, "\noptions:\n");
	for (size_t i = 0; i < entry->option_count; i++) {
		if (!entry->options[i].hidden)
			print_option(out, &entry->options[i]);
	}
	print_global_options(out);
}

static json_t *dump_options(const struct cmd_option *options, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		const char letter[2] = {options[i].letter, '\0'};

		if (options[i].hidden)
			continue;
		(void)json_array_append_new(list, json_pack("{s:s,s:s,s:s?,s:s}", "name", options[i].name, "letter",
							    letter, "arg", options[i].arg, "help", options[i].help));
	}
	return list;
}

static const char *kind_name(enum config_kind kind)
{
	static const char *const names[] = {
	    [CONFIG_TABLE] = "table",     [CONFIG_TEXT] = "text", [CONFIG_TEXTS] = "list of texts",
	    [CONFIG_INTEGER] = "integer", [CONFIG_BOOL] = "bool", [CONFIG_DATE] = "date",
	};

	return names[kind];
}

static json_t *dump_keys(const struct config_schema *schema)
{
	json_t *list = json_array();

	for (size_t i = 0; i < schema->key_count; i++) {
		const struct config_key *key = &schema->keys[i];

		(void)json_array_append_new(list, json_pack("{s:s,s:s,s:I,s:I,s:b,s:s}", "path", key->path, "kind",
							    kind_name(key->kind), "min", (json_int_t)key->min, "max",
							    (json_int_t)key->max, "required", key->required, "doc",
							    key->doc));
	}
	return list;
}

void cmd_dump(struct out *out)
{
	json_t *commands = json_array();

	for (size_t i = 0; i < cmd_table_count; i++) {
		const struct cmd_entry *entry = &cmd_table[i];

		(void)json_array_append_new(
		    commands, json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "space", cmd_space_name(entry->space), "name",
					entry->name, "group", entry->group, "summary", entry->summary, "args",
					entry->args, "options", dump_options(entry->options, entry->option_count)));
	}
	out_json(out, json_pack("{s:s,s:o,s:o,s:o}", "version", MSE_VERSION, "global_options",
				dump_options(cmd_global_options, cmd_global_option_count), "commands", commands,
				"mse_toml", dump_keys(&app_config_schema)));
}
