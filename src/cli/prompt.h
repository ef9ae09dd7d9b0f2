/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the user: asked on stderr, answered on stdin, Ctrl-C ends them. */
#ifndef MSE_CLI_PROMPT_H
#define MSE_CLI_PROMPT_H

#include <stdbool.h>

#include "cli/out.h"

#define PROMPT_ANSWER_MAX 4096

/* Whether somebody can be asked. */
bool prompt_is_possible(void);

/* One line without its end; *ret_text is freed by the caller. ERR_CANCELLED at the end of input. */
must_check int prompt_line(struct out *out, const char *question, char **ret_text, struct err *err);

/* As prompt_line; an empty answer is the default. check returns NULL or what is wrong: the question comes again. */
must_check int prompt_text(struct out *out, const char *question, const char *by_default,
			   const char *(*check)(const char *text), char **ret_text, struct err *err);

/* "question [y/N] ". Fails with ERR_CANCELLED when the answer is not yes. */
must_check int prompt_agree(struct out *out, const char *question, struct err *err);

/* "question [y/N] ": 1 yes, 0 no. */
must_check int prompt_yes(struct out *out, const char *question, bool by_default, struct err *err);

#endif
