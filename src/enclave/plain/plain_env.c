/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/plain/plain_env.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 64

extern char **environ;

/* "--access-log" as "MSE_SERVE_ACCESS_LOG". false: it cannot be given so. */
static bool name_of(const struct argument *row, char ret[static NAME_SIZE])
{
	size_t size = sizeof(PLAIN_ENV_PREFIX) - 1;

	if (!row->name || strncmp(row->name, "--", 2) != 0 || !row->help[0] || strcmp(row->name, "--help") == 0 ||
	    strcmp(row->name, "--version") == 0)
		return false;
	memcpy(ret, PLAIN_ENV_PREFIX, size);
	for (const char *at = row->name + 2; *at && size < NAME_SIZE - 1; at++)
		ret[size++] = *at == '-' ? '_' : (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
	ret[size] = 0;
	return true;
}

static const char *value_of(const char *name)
{
	const char *value = getenv(name); /* one thread by now */

	return value && *value ? value : NULL;
}

static bool is_one_of(const char *text, const char *const words[static 4])
{
	for (int i = 0; i < 4; i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

static int take_flag(const char *name, const char *text, const char **into, struct err *err)
{
	static const char *const yes[] = {"1", "true", "yes", "on"};
	static const char *const no[] = {"0", "false", "no", "off"};

	if (is_one_of(text, yes))
		*into = "1";
	else if (!is_one_of(text, no))
		return err_set(err, ERR_INVALID, "%s is '%s', expected 1 or 0", name, text);
	return 0;
}

static int take_several(const char *name, const char *text, const struct argument *row,
			char *ret_texts[static PLAIN_ENV_TEXTS], struct err *err)
{
	size_t count = 0;
	size_t slot = 0;
	char *rest;

	while (slot < PLAIN_ENV_TEXTS - 1 && ret_texts[slot])
		slot++;
	free(ret_texts[slot]);
	ret_texts[slot] = strdup(text);
	if (!ret_texts[slot])
		return err_no_memory(err);
	for (char *word = strtok_r(ret_texts[slot], " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (count == row->times)
			return err_set(err, ERR_INVALID, "%s has more than %zu values", name, row->times);
		row->into[count++] = word;
	}
	return 0;
}

int plain_env_take(const struct argument *rows, size_t count, const char **operand,
		   char *ret_texts[static PLAIN_ENV_TEXTS], struct err *err)
{
	char name[NAME_SIZE];

	if (!*operand)
		*operand = value_of(PLAIN_ENV_APP);
	for (size_t i = 0; i < count; i++) {
		const struct argument *row = &rows[i];
		const char *value = name_of(row, name) && !*row->into ? value_of(name) : NULL;
		int status = 0;

		if (!value)
			continue;
		if (!row->value)
			status = take_flag(name, value, row->into, err);
		else if (row->times > 1)
			status = take_several(name, value, row, ret_texts, err);
		else
			*row->into = value;
		if (status < 0)
			return -1;
	}
	return 0;
}

static bool is_of(const char *value, char *const texts[static PLAIN_ENV_TEXTS])
{
	for (size_t i = 0; i < PLAIN_ENV_TEXTS; i++)
		if (value == texts[i])
			return true;
	return false;
}

void plain_env_explain(const struct argument *rows, size_t count, char *const texts[static PLAIN_ENV_TEXTS],
		       struct err *err)
{
	char name[NAME_SIZE];
	char quoted[NAME_SIZE];

	for (size_t i = 0; i < count; i++) {
		const bool is_named = name_of(&rows[i], name);

		/* The very value, or one of several. */
		if (!is_named || !value_of(name) || !*rows[i].into ||
		    (*rows[i].into != value_of(name) && !is_of(*rows[i].into, texts)))
			continue;
		(void)snprintf(quoted, sizeof(quoted), "'%s'", rows[i].name);
		if (strstr(err->text, quoted)) {
			IGNORE_RESULT(err_prefix(err, "%s", name));
			return;
		}
	}
}

/* Of a service of Kubernetes that is called mse-serve. */
static bool is_kubernetes(const char *name)
{
	return strncmp(name, PLAIN_ENV_PREFIX "PORT", sizeof(PLAIN_ENV_PREFIX "PORT") - 1) == 0 ||
	       strncmp(name, PLAIN_ENV_PREFIX "SERVICE_", sizeof(PLAIN_ENV_PREFIX "SERVICE_") - 1) == 0;
}

static bool is_known(const struct argument *rows, size_t count, const char *name)
{
	char known[NAME_SIZE];

	for (size_t i = 0; i < count; i++)
		if (name_of(&rows[i], known) && strcmp(known, name) == 0)
			return true;
	return strcmp(name, PLAIN_ENV_APP) == 0;
}

void plain_env_tell_unknown(const struct argument *rows, size_t count, void (*tell)(const char *name))
{
	for (char **at = environ; *at; at++) {
		char name[NAME_SIZE];

		(void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(*at, "="), *at);
		if (strncmp(name, PLAIN_ENV_PREFIX, sizeof(PLAIN_ENV_PREFIX) - 1) == 0 && !is_kubernetes(name) &&
		    !is_known(rows, count, name))
			tell(name);
	}
}
