/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/verdict.h"

#include <stdio.h>
#include <string.h>

#include "attest/api.h"
#include "base/clock.h"
#include "base/number.h"

#define TEXT_OF_VALUE(value) #value
#define TEXT_OF(macro) TEXT_OF_VALUE(macro)

static const char *const ERROR_TEXTS[] = {
#define X(name, text) [ATTEST_ERROR_##name] = (text),
    ATTEST_ERRORS(X)
#undef X
};

static const char *const STATUS_TEXTS[] = {
#define X(name, text) [ATTEST_TCB_##name] = (text),
    ATTEST_TCB_STATUSES(X)
#undef X
};

static const char *const TEE_TEXTS[] = {
#define X(name, text) [ATTEST_TEE_##name] = (text),
    ATTEST_TEES(X)
#undef X
};

ATTEST_API const char *attest_tee_text(enum attest_tee tee)
{
	return (size_t)tee < COUNT_OF(TEE_TEXTS) ? TEE_TEXTS[tee] : "unknown";
}

ATTEST_API const char *attest_error_text(enum attest_error error)
{
	return (size_t)error < COUNT_OF(ERROR_TEXTS) ? ERROR_TEXTS[error] : "unknown";
}

ATTEST_API const char *attest_tcb_status_text(enum attest_tcb_status status)
{
	return (size_t)status < COUNT_OF(STATUS_TEXTS) ? STATUS_TEXTS[status] : "unknown";
}

struct attest_verdict *verdict_new(int64_t time)
{
	struct attest_verdict *verdict = calloc(1, sizeof(*verdict));

	if (verdict) {
		verdict->time = time;
		verdict->valid_until = INT64_MAX;
	}
	return verdict;
}

ATTEST_API void attest_verdict_free(struct attest_verdict *verdict)
{
	free(verdict);
}

bool attest_error_is_authenticity(enum attest_error error)
{
	return (error >= ATTEST_ERROR_TRUNCATED && error <= ATTEST_ERROR_TCB_NOT_SUPPORTED &&
		error != ATTEST_ERROR_SIMULATED) ||
	       error == ATTEST_ERROR_RATLS_CERTIFICATE || error == ATTEST_ERROR_ATTEST_MALFORMED ||
	       error == ATTEST_ERROR_ATTEST_VERSION;
}

bool verdict_has_failure(const struct attest_verdict *verdict)
{
	for (size_t i = 0; i < verdict->check_count; i++)
		if (verdict->checks[i].result == ATTEST_FAILED)
			return true;
	return false;
}

void verdict_finish(struct attest_verdict *verdict)
{
	verdict->accepted = verdict->check_count > 0;
	verdict->authentic = verdict->accepted;
	for (size_t i = 0; i < verdict->check_count; i++) {
		const struct attest_check *check = &verdict->checks[i];

		if (check->result != ATTEST_FAILED)
			continue;
		if (!verdict->failed) {
			verdict->failed = check;
			verdict->error = check->error;
		}
		verdict->accepted = false;
		if (attest_error_is_authenticity(check->error))
			verdict->authentic = false;
	}
	for (size_t i = 0; i < verdict->expiry_count; i++)
		if (verdict->expiries[i].until < verdict->valid_until)
			verdict->valid_until = verdict->expiries[i].until;
	/* "instance-field:NAME": the field is the last part of the check's name. */
	(void)snprintf(verdict->error_text, sizeof(verdict->error_text), "%s%s%.40s", attest_error_text(verdict->error),
		       verdict->error == ATTEST_ERROR_INSTANCE_FIELD ? ":" : "",
		       verdict->error == ATTEST_ERROR_INSTANCE_FIELD ? strrchr(verdict->failed->name, '.') + 1 : "");
}

void judge_name(char ret[static ATTEST_NAME_SIZE], const char *first, const char *second)
{
	const size_t start = size_min(strlen(first), ATTEST_NAME_SIZE - 1);
	const size_t rest = size_min(strlen(second), ATTEST_NAME_SIZE - 1 - start);

	memcpy(ret, first, start);
	memcpy(ret + start, second, rest);
	ret[start + rest] = '\0';
}

/* Texts hold parts of what an enemy may have written: only printable ASCII leaves here. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

static void format_like(5, 0) record(struct judge *judge, const char *name, enum attest_result result,
				     enum attest_error error, const char *format, va_list args)
{
	struct attest_verdict *verdict = judge->verdict;
	struct attest_check *check;

	/* The count of steps is fixed; if it ever outgrew the table, no verdict is better than one that hides a step.
	 */
	if (verdict->check_count == ATTEST_CHECKS_MAX) {
		judge->limit = "more checks than a verdict holds";
		return;
	}
	check = &verdict->checks[verdict->check_count++];
	judge_name(check->name, judge->prefix, name);
	check->result = result;
	check->error = error;
	(void)vsnprintf(check->text, sizeof(check->text), format, args);
	make_printable(check->text);
}

void judge_pass(struct judge *judge, const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	record(judge, name, ATTEST_PASSED, ATTEST_ERROR_NONE, format, args);
	va_end(args);
}

bool judge_fail(struct judge *judge, const char *name, enum attest_error error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	record(judge, name, ATTEST_FAILED, error, format, args);
	va_end(args);
	return false;
}

bool judge_fail_err(struct judge *judge, const char *name, enum attest_error error, const struct err *err)
{
	if (err->code == ERR_NO_MEMORY)
		judge->no_memory = true;
	return judge_fail(judge, name, error, "%s", err->text);
}

bool judge_skip(struct judge *judge, const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	record(judge, name, ATTEST_NOT_APPLICABLE, ATTEST_ERROR_NONE, format, args);
	va_end(args);
	return false;
}

static bool is_listed(const struct attest_verdict *verdict, const struct attest_loosening *loosening)
{
	for (size_t i = 0; i < verdict->loosening_count; i++)
		if (strcmp(verdict->loosenings[i].name, loosening->name) == 0 &&
		    strcmp(verdict->loosenings[i].text, loosening->text) == 0)
			return true;
	return false;
}

void verdict_loosened(struct judge *judge, const char *name, const char *format, ...)
{
	struct attest_verdict *verdict = judge->verdict;
	struct attest_loosening loosening;
	va_list args;

	va_start(args, format);
	(void)snprintf(loosening.name, sizeof(loosening.name), "%s", name);
	(void)vsnprintf(loosening.text, sizeof(loosening.text), format, args);
	va_end(args);
	make_printable(loosening.text);
	if (is_listed(verdict, &loosening))
		return;
	/* No verdict is better than one that hides a loosening. */
	if (verdict->loosening_count == ATTEST_LOOSENINGS_MAX)
		judge->limit = "more than " TEXT_OF(ATTEST_LOOSENINGS_MAX) " loosenings: a verdict cannot list them";
	else
		verdict->loosenings[verdict->loosening_count++] = loosening;
}

void judge_expiry(struct judge *judge, const char *what, int64_t from, int64_t until)
{
	struct attest_verdict *verdict = judge->verdict;
	struct attest_expiry *expiry;

	if (verdict->expiry_count == ATTEST_EXPIRIES_MAX) {
		judge->limit =
		    "more than " TEXT_OF(ATTEST_EXPIRIES_MAX) " inputs that expire: a verdict cannot list them";
		return;
	}
	expiry = &verdict->expiries[verdict->expiry_count++];
	judge_name(expiry->what, judge->prefix, what);
	expiry->from = from;
	expiry->until = until;
}

bool judge_interval(struct judge *judge, const char *name, const char *what, int64_t from, int64_t until,
		    enum attest_error late)
{
	char from_text[CLOCK_TEXT_SIZE];
	char until_text[CLOCK_TEXT_SIZE];
	char now_text[CLOCK_TEXT_SIZE];

	judge_expiry(judge, what, from, until);
	clock_format_utc(from, from_text);
	clock_format_utc(until, until_text);
	clock_format_utc(judge->time, now_text);
	if (judge->time < from)
		return judge_fail(judge, name, ATTEST_ERROR_NOT_YET_VALID, "%s is valid from %s, time is %s", what,
				  from_text, now_text);
	if (judge->time > until)
		return judge_fail(judge, name, late, "%s was valid until %s, time is %s", what, until_text, now_text);
	judge_pass(judge, name, "%s is valid from %s to %s, time is %s", what, from_text, until_text, now_text);
	return true;
}
