/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/words.h"

#include <stdbool.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Copies a quoted part behind *write; *at is just behind the opening quote and ends behind the closing one. */
static int take_quoted(const char **at, char quote, char **write, struct err *err)
{
	for (; **at && **at != quote; (*at)++) {
		if (quote == '"' && **at == '\\' && ((*at)[1] == '"' || (*at)[1] == '\\'))
			(*at)++;
		*(*write)++ = **at;
	}
	if (!**at)
		return err_set(err, ERR_INVALID, "a %c is not closed", quote);
	(*at)++;
	return 0;
}

static int take_word(const char **at, char **write, struct err *err)
{
	while (**at && !is_blank(**at)) {
		const char c = *(*at)++;

		if (c == '\'' || c == '"') {
			if (take_quoted(at, c, write, err) < 0)
				return -1;
		} else if (c == '\\') {
			if (!**at)
				return err_set(err, ERR_INVALID, "a \\ is last");
			*(*write)++ = *(*at)++;
		} else {
			*(*write)++ = c;
		}
	}
	*(*write)++ = '\0';
	return 0;
}

int words_split(const char *text, struct words *ret_words, struct err *err)
{
	struct words words = {0};
	scoped(freep) char *memory = malloc(strlen(text) + 2);
	char *write = memory;

	if (!memory)
		return err_no_memory(err);
	for (;;) {
		while (is_blank(*text))
			text++;
		if (!*text)
			break;
		if (words.count == WORDS_MAX)
			return err_set(err, ERR_LIMIT, "more than %d words", WORDS_MAX);
		words.items[words.count++] = write;
		if (take_word(&text, &write, err) < 0)
			return -1;
	}
	if (words.count == 0)
		return err_set(err, ERR_INVALID, "no command");
	words.memory = TAKE_PTR(memory);
	*ret_words = words;
	return 0;
}

void words_done(struct words *words)
{
	free(words->memory);
	*words = (struct words){0};
}
