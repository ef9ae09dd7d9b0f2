/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/attest_report.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/collateral.h"

static int print_json(struct cmd_call *call, const struct attest_verdict *verdict,
		      const struct collateral_source *source, json_t *more, struct err *err)
{
	scoped(freep) char *text = attest_verdict_json(verdict);
	json_t *object = text ? json_loads(text, 0, NULL) : NULL;

	if (!object)
		return err_no_memory(err);
	if (json_object_set_new(object, "collateral", source ? collateral_source_json(source) : json_array()) < 0 ||
	    (more && json_object_update(object, more) < 0)) {
		json_decref(object);
		return err_no_memory(err);
	}
	out_json(call->out, object);
	return 0;
}

static int print_text(struct cmd_call *call, const struct attest_verdict *verdict,
		      const struct collateral_source *source, struct err *err)
{
	scoped(freep) char *text = attest_verdict_text(verdict);
	scoped(buf_done) struct buf line = BUF_INIT(COLLATERAL_SET_TEXT_MAX);

	if (!text)
		return err_no_memory(err);
	if (source && collateral_source_text(source, &line, err) < 0)
		return -1;
	out_print(call->out, "%s", text);
	if (line.size)
		out_print(call->out, "collateral: %s\n", buf_text(&line));
	return 0;
}

int attest_report(struct cmd_call *call, const struct attest_verdict *verdict, const struct collateral_source *source,
		  json_t *more, struct err *err)
{
	const bool json = cmd_find_value(call, "json") != NULL;
	const int status = json ? print_json(call, verdict, source, more, err) : print_text(call, verdict, source, err);

	json_decref(more);
	if (status == 0)
		call->exit = verdict->accepted ? CMD_EXIT_OK : CMD_EXIT_REFUSED;
	return status;
}

void attest_report_refuse(struct attest_verdict *verdict, const char *check, enum attest_error error, const char *text)
{
	struct attest_check *last;

	if (verdict->check_count == ATTEST_CHECKS_MAX)
		verdict->check_count--;
	last = &verdict->checks[verdict->check_count++];
	*last = (struct attest_check){.result = ATTEST_FAILED, .error = error};
	text_clean(check, last->name, sizeof(last->name));
	text_clean(text, last->text, sizeof(last->text));
	if (verdict->failed)
		return;
	verdict->accepted = false;
	verdict->failed = last;
	verdict->error = error;
	(void)snprintf(verdict->error_text, sizeof(verdict->error_text), "%s", attest_error_text(error));
}

void attest_report_warn(struct out *out, const char *name, const struct attest_verdict *verdict)
{
	const char *before = name ? name : "", *colon = name ? ": " : "";

	if (verdict->simulated)
		out_warning(out, "%s%sSIMULATED: no hardware protects this", before, colon);
	for (size_t i = 0; i < verdict->loosening_count; i++)
		out_warning(out, "%s%sloosened: %s: %s", before, colon, verdict->loosenings[i].name,
			    verdict->loosenings[i].text);
}

void attest_report_loosened(struct attest_verdict *verdict, const char *name, const char *text)
{
	struct attest_loosening *last;

	if (verdict->loosening_count == ATTEST_LOOSENINGS_MAX) {
		attest_report_refuse(verdict, "loosenings", ATTEST_ERROR_BINDING, "more are in use than can be listed");
		return;
	}
	last = &verdict->loosenings[verdict->loosening_count++];
	text_clean(name, last->name, sizeof(last->name));
	text_clean(text, last->text, sizeof(last->text));
}

static enum attest_error error_of(const char *text)
{
	static const enum attest_error errors[] = {
	    ATTEST_ERROR_TLS_VERSION,       ATTEST_ERROR_TLS_RESUMED,      ATTEST_ERROR_EXPORTER_UNAVAILABLE,
	    ATTEST_ERROR_ATTEST_HTTP,       ATTEST_ERROR_ATTEST_MALFORMED, ATTEST_ERROR_ATTEST_VERSION,
	    ATTEST_ERROR_RATLS_CERTIFICATE,
	};

	for (size_t i = 0; i < COUNT_OF(errors); i++) {
		const char *name = attest_error_text(errors[i]);

		if (strncmp(text, name, strlen(name)) == 0 && text[strlen(name)] == ':')
			return errors[i];
	}
	return ATTEST_ERROR_NONE;
}

struct attest_verdict *attest_report_of_connection(const struct err *err, int64_t time)
{
	const enum attest_error error = error_of(err->text);
	struct attest_verdict *verdict;

	if (error == ATTEST_ERROR_NONE)
		return NULL;
	verdict = calloc(1, sizeof(*verdict));
	if (!verdict)
		return NULL;
	verdict->time = time;
	verdict->valid_until = INT64_MAX;
	attest_report_refuse(verdict, "connection", error, err->text + strlen(attest_error_text(error)) + strlen(": "));
	return verdict;
}
