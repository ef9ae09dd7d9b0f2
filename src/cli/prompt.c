/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/prompt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/interrupt.h"

#define ASK_AGAIN_MAX 20

bool prompt_is_possible(void)
{
	return isatty(STDIN_FILENO);
}

int prompt_line(struct out *out, const char *question, char **ret_text, struct err *err)
{
	scoped(buf_done) struct buf line = BUF_INIT(PROMPT_ANSWER_MAX);
	char c;

	(void)out;
	(void)fputs(question, stderr);
	(void)fflush(stderr);
	for (;;) {
		const ssize_t got = read(STDIN_FILENO, &c, 1);

		if (got < 0 && errno == EINTR) {
			if (interrupt_check(err) < 0)
				return -1;
			continue;
		}
		if (got < 0)
			return err_set_errno(err, "cannot read the answer");
		if (got == 0 && line.size == 0)
			return err_set(err, ERR_CANCELLED, "no answer was given");
		if (got == 0 || c == '\n')
			break;
		if (c != '\r' && buf_add_byte(&line, (uint8_t)c, err) < 0)
			return -1;
	}
	*ret_text = strdup(buf_text(&line));
	return *ret_text ? 0 : err_no_memory(err);
}

int prompt_text(struct out *out, const char *question, const char *by_default, const char *(*check)(const char *text),
		char **ret_text, struct err *err)
{
	scoped(freep) char *full = NULL;

	if (asprintf(&full, by_default ? "%s [%s]: " : "%s: ", question, by_default) < 0)
		return err_no_memory(err);
	for (int i = 0; i < ASK_AGAIN_MAX; i++) {
		scoped(freep) char *answer = NULL;
		const char *wrong;

		if (prompt_line(out, full, &answer, err) < 0)
			return -1;
		if (!*answer && by_default) {
			free(answer);
			answer = strdup(by_default);
			if (!answer)
				return err_no_memory(err);
		}
		wrong = !*answer ? "an answer is needed" : check ? check(answer) : NULL;
		if (!wrong) {
			*ret_text = TAKE_PTR(answer);
			return 0;
		}
		out_warning(out, "%s", wrong);
	}
	return err_set(err, ERR_CANCELLED, "no acceptable answer was given");
}

int prompt_yes(struct out *out, const char *question, bool by_default, struct err *err)
{
	scoped(freep) char *full = NULL;
	scoped(freep) char *answer = NULL;

	if (asprintf(&full, "%s [%s] ", question, by_default ? "Y/n" : "y/N") < 0)
		return err_no_memory(err);
	if (prompt_line(out, full, &answer, err) < 0)
		return -1;
	if (!*answer)
		return by_default;
	return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}

int prompt_agree(struct out *out, const char *question, struct err *err)
{
	const int answer = prompt_yes(out, question, false, err);

	if (answer == 0)
		return err_set(err, ERR_CANCELLED, "nothing was done");
	return answer < 0 ? -1 : 0;
}
