/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "cli/watch.h"

#define SHORT_MAX 4096

static bool is_changed(const struct watch_happening *happening, enum watch_field field)
{
	return *happening->before->values[WATCH_FIELD_TEE] && happening->look->result == WATCH_ACCEPTED &&
	       strcmp(happening->before->values[field], happening->look->values[field]) != 0;
}

static json_t *time_json(int64_t seconds)
{
	char text[CLOCK_TEXT_SIZE];

	if (seconds == 0 || seconds == INT64_MAX)
		return json_null();
	clock_format_utc(seconds, text);
	return json_string(text);
}

static json_t *text_json(const char *text)
{
	return *text ? out_text_json(text) : json_null();
}

static json_t *changes_json(const struct watch_happening *happening)
{
	json_t *array = json_array();

	for (enum watch_field field = 0; field < WATCH_FIELD_COUNT; field++) {
		if (is_changed(happening, field))
			(void)json_array_append_new(array,
						    json_pack("{s:s, s:o, s:o}", "what", watch_field_text(field),
							      "from", text_json(happening->before->values[field]), "to",
							      text_json(happening->look->values[field])));
	}
	return array;
}

static json_t *happening_json(const struct watch_happening *happening)
{
	const struct watch_look *look = happening->look;
	json_t *object = json_pack("{s:o, s:s, s:s, s:s, s:o, s:o, s:o}", "time", time_json(look->time), "host",
				   happening->host->label, "event", watch_event_text(happening->event), "verdict",
				   watch_result_text(look->result), "error", text_json(look->error), "message",
				   text_json(look->message), "changes", changes_json(happening));

	for (enum watch_field field = 0; field < WATCH_FIELD_COUNT; field++) {
		if (*look->values[field])
			(void)json_object_set_new(object, watch_field_text(field), json_string(look->values[field]));
	}
	(void)json_object_set_new(object, "valid_until", time_json(look->valid_until));
	(void)json_object_set_new(object, "next", time_json(happening->next));
	return object;
}

/* What needs least room. Its texts are words of ours, hex, a host and port: they need no escapes. */
static char *short_json(const struct watch_happening *happening)
{
	const struct watch_look *look = happening->look;
	scoped(buf_done) struct buf line = BUF_INIT(SHORT_MAX);
	struct err ignored = ERR_INIT;
	char time[CLOCK_TEXT_SIZE];
	int status;

	clock_format_utc(look->time, time);
	if (buf_addf(&line, &ignored, "{\"time\":\"%s\",\"host\":\"%s\",\"event\":\"%s\",\"verdict\":\"%s\",", time,
		     happening->host->label, watch_event_text(happening->event), watch_result_text(look->result)) < 0)
		return NULL;
	status =
	    look->result == WATCH_ACCEPTED
		? buf_addf(&line, &ignored, "\"error\":null,\"message\":null,\"tee\":\"%s\",\"measurement\":\"%s\"",
			   look->values[WATCH_FIELD_TEE], look->values[WATCH_FIELD_MEASUREMENT])
		: buf_addf(&line, &ignored, "\"error\":\"%s\",\"message\":\"there is no room to say more\"",
			   look->error);
	if (status < 0 || buf_add_text(&line, ",\"changes\":[],\"valid_until\":null,\"next\":null}", &ignored) < 0)
		return NULL;
	return buf_take_text(&line);
}

char *watch_happening_json(const struct watch_happening *happening, bool with_verdict)
{
	json_t *object = happening_json(happening);
	scoped(freep) char *verdict =
	    with_verdict && happening->verdict ? attest_verdict_json(happening->verdict) : NULL;
	char *line;

	if (verdict)
		(void)json_object_set_new(object, "details", json_loads(verdict, 0, NULL));
	line = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	/* An alarm is told, be it with less. */
	return line ? line : short_json(happening);
}

static int add_changes(const struct watch_happening *happening, struct buf *text, struct err *err)
{
	const char *separator = "; ";

	for (enum watch_field field = 0; field < WATCH_FIELD_COUNT; field++) {
		const char *from = happening->before->values[field];
		const char *to = happening->look->values[field];

		if (is_changed(happening, field) &&
		    buf_addf(text, err, "%s%s: %s -> %s", separator, watch_field_text(field), *from ? from : "none",
			     *to ? to : "none") < 0)
			return -1;
	}
	return 0;
}

int watch_happening_text(const struct watch_happening *happening, struct buf *text, struct err *err)
{
	const struct watch_look *look = happening->look;
	const char *status = look->values[WATCH_FIELD_TCB_STATUS];
	char time[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE] = "";

	clock_format_utc(look->time, time);
	if (look->valid_until != INT64_MAX)
		clock_format_utc(look->valid_until, until);
	if (buf_addf(text, err, "%s  %s  %s: ", time, happening->host->label, watch_event_text(happening->event)) < 0)
		return -1;
	if (look->result != WATCH_ACCEPTED)
		return buf_addf(text, err, "%s: %s", look->error, look->message);
	if (strcmp(look->values[WATCH_FIELD_SIMULATED], "yes") == 0 &&
	    buf_add_text(text, "SIMULATED (no hardware protects this), ", err) < 0)
		return -1;
	if (buf_addf(text, err, "accepted%s%s%s%s; measurement %s", *status ? ", " : "", status,
		     *until ? ", until " : "", until, look->values[WATCH_FIELD_MEASUREMENT]) < 0)
		return -1;
	return add_changes(happening, text, err);
}
