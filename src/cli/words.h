/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command line as people write it, split into words without a shell: blanks separate; '…' keeps everything;
 * "…" keeps everything but \" and \\; outside quotes \ keeps the next character. Nothing is expanded: no variables,
 * no patterns, no pipes.
 */
#ifndef MSE_CLI_WORDS_H
#define MSE_CLI_WORDS_H

#include <stddef.h>

#include "base/err.h"

#define WORDS_MAX 256

struct words {
	char *items[WORDS_MAX + 1]; /* ended by NULL: an argv */
	size_t count;
	char *memory;
};

/* At least one word, else ERR_INVALID. */
must_check int words_split(const char *text, struct words *ret_words, struct err *err);
void words_done(struct words *words);

#endif
