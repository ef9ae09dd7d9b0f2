/* SPDX-License-Identifier: Apache-2.0 */
/* Every alarm has its line, whatever is in its sentence. To programs and webhooks: test/e2e/test_attest_watch.py. */
#include "unit.h"

#include <string.h>

#include "cli/watch.h"

static json_t *parse(const char *line)
{
	json_t *object;

	assert_non_null(line);
	assert_null(strchr(line, '\n'));
	object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(object);
	return object;
}

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static char *line_of(const struct watch_look *look, enum watch_event event)
{
	static struct watch_host host = {.label = "app.example:443"};
	static const struct watch_look before;
	const struct watch_happening happening = {.host = &host, .event = event, .look = look, .before = &before};

	return watch_happening_json(&happening, true);
}

static void test_a_sentence_that_is_no_text(void **state)
{
	struct watch_look look;
	scoped(freep) char *line = NULL;
	scoped(json_decrefp) json_t *object = NULL;

	(void)state;
	watch_look_unjudged("io", "", 7, &look);
	memcpy(look.message, "a\xff\x1b", 4);
	line = line_of(&look, WATCH_ALARM);
	object = parse(line);
	assert_string_equal(member(object, "message"), "a??");
	assert_string_equal(member(object, "error"), "io");
}

/* A path of Latin 1, and one that is cut in the middle of a character. */
static void test_sentences_are_cut_between_characters(void **state)
{
	char text[WATCH_MESSAGE_SIZE + 8] = "";
	struct watch_look look;
	scoped(freep) char *line = NULL;
	scoped(json_decrefp) json_t *object = NULL;

	(void)state;
	memset(text, 'a', WATCH_MESSAGE_SIZE - 2);
	memcpy(text + WATCH_MESSAGE_SIZE - 2, "\xc3\xa9", 3);
	text[0] = '\xe9';
	watch_look_unjudged("io", text, 7, &look);
	assert_int_equal(strlen(look.message), WATCH_MESSAGE_SIZE - 2);
	assert_int_equal(look.message[0], '?');
	line = line_of(&look, WATCH_ALARM);
	object = parse(line);
	assert_string_equal(member(object, "message"), look.message);
}

static void *no_memory(size_t size)
{
	(void)size;
	return NULL;
}

static void test_without_room_for_more(void **state)
{
	struct watch_look look;
	scoped(freep) char *alarm = NULL;
	scoped(freep) char *recovery = NULL;
	scoped(json_decrefp) json_t *refused = NULL;
	scoped(json_decrefp) json_t *accepted = NULL;

	(void)state;
	watch_look_unjudged("unavailable", "nobody there", 7, &look);
	json_set_alloc_funcs(no_memory, free);
	alarm = line_of(&look, WATCH_ALARM);
	look = (struct watch_look){.result = WATCH_ACCEPTED, .values[WATCH_FIELD_TEE] = "sgx"};
	memcpy(look.values[WATCH_FIELD_MEASUREMENT], "00ff", 5);
	recovery = line_of(&look, WATCH_RECOVERY);
	json_set_alloc_funcs(malloc, free);
	refused = parse(alarm);
	accepted = parse(recovery);
	assert_string_equal(member(refused, "error"), "unavailable");
	assert_string_equal(member(refused, "event"), "alarm");
	assert_string_equal(member(refused, "host"), "app.example:443");
	assert_string_equal(member(refused, "time"), "1970-01-01T00:00:07Z");
	assert_true(json_is_null(json_object_get(accepted, "error")));
	assert_string_equal(member(accepted, "event"), "recovery");
	assert_string_equal(member(accepted, "measurement"), "00ff");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_sentence_that_is_no_text),
	    cmocka_unit_test(test_sentences_are_cut_between_characters),
	    cmocka_unit_test(test_without_room_for_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
