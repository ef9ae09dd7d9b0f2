/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/process/arguments.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 30

/* The row that text names, up to its end or '='; NULL if none. */
static const struct argument *find(const struct argument *rows, size_t count, const char *text)
{
	const size_t size = strcspn(text, "=");

	for (size_t i = 0; i < count; i++) {
		if (rows[i].name && strlen(rows[i].name) == size && strncmp(rows[i].name, text, size) == 0)
			return &rows[i];
	}
	return NULL;
}

/* argv stands at the option; moved to the last text that was used. */
static int take_option(const struct argument *row, char *const **argv, struct err *err)
{
	const char *equals = strchr(**argv, '=');
	const char **into = row->into;

	for (size_t i = 1; i < row->times && *into; i++)
		into++;
	if (*into && row->times > 1)
		return err_set(err, ERR_INVALID, "'%s' is given more than %zu times", row->name, row->times);
	if (*into)
		return err_set(err, ERR_INVALID, "'%s' is given twice", row->name);
	if (!row->value && equals)
		return err_set(err, ERR_INVALID, "'%s' takes no value", row->name);
	if (!row->value)
		*into = "1";
	else if (equals)
		*into = equals + 1;
	else if ((*argv)[1])
		*into = *++*argv;
	else
		return err_set(err, ERR_INVALID, "'%s' wants a value: %s", row->name, row->value);
	return 0;
}

static int take_operand(const char *text, const char **ret_operand, struct err *err)
{
	if (*ret_operand)
		return err_set(err, ERR_INVALID, "'%s' is one argument too many", text);
	*ret_operand = text;
	return 0;
}

int arguments_parse(const struct argument *rows, size_t count, char *const *argv, const char **ret_operand,
		    struct err *err)
{
	bool only_operands = false;

	*ret_operand = NULL;
	for (; *argv; argv++) {
		const struct argument *row;

		if (only_operands || **argv != '-') {
			if (take_operand(*argv, ret_operand, err) < 0)
				return -1;
			continue;
		}
		if (strcmp(*argv, "--") == 0) {
			only_operands = true;
			continue;
		}
		row = find(rows, count, *argv);
		if (!row)
			return err_set(err, ERR_INVALID, "unknown option '%s'", *argv);
		if (take_option(row, &argv, err) < 0)
			return -1;
	}
	return 0;
}

int arguments_help(const struct argument *rows, size_t count, struct buf *ret, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		const struct argument *row = &rows[i];
		const int width = row->name ? (int)strlen(row->name) + 1 : 0;
		int status = 0;

		if (!row->name)
			status = buf_addf(ret, err, "\n%s\n", row->help);
		else if (row->help[0])
			status = buf_addf(ret, err, "  %s %-*s %s\n", row->name, HELP_COLUMN - width,
					  row->value ? row->value : "", row->help);
		if (status < 0)
			return -1;
	}
	return 0;
}
