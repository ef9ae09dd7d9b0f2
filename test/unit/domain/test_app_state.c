/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "domain/app.h"

#define DOCUMENT_MAX 65536

static void texts_and_states_go_round(void **state)
{
	enum app_state parsed;
	struct err err = ERR_INIT;

	(void)state;
	for (int s = 0; s < APP_STATE_COUNT; s++) {
		assert_ok(app_state_parse(app_state_text((enum app_state)s), &parsed, &err), &err);
		assert_int_equal(parsed, s);
		assert_true(strlen(app_state_meaning((enum app_state)s)) > 0);
	}
	assert_fails(app_state_parse("paused", &parsed, &err), &err, ERR_INVALID, "paused");
}

static void ends_are_final_and_nothing_else_is(void **state)
{
	(void)state;
	assert_false(app_state_is_final(APP_SPAWNING));
	assert_false(app_state_is_final(APP_INITIALIZING));
	assert_false(app_state_is_final(APP_RUNNING));
	assert_true(app_state_is_final(APP_STOPPED));
	assert_true(app_state_is_final(APP_ON_ERROR));
}

/* L1, written out a second time. */
static void only_the_moves_of_the_mission_exist(void **state)
{
	static const char allowed[APP_STATE_COUNT][APP_STATE_COUNT + 1] = {"01011", "00111", "00011", "00000", "00000"};

	(void)state;
	for (int from = 0; from < APP_STATE_COUNT; from++)
		for (int to = 0; to < APP_STATE_COUNT; to++)
			assert_int_equal(app_state_can_move((enum app_state)from, (enum app_state)to),
					 allowed[from][to] == '1');
}

static void the_document_is_up_to_date(void **state)
{
	scoped(buf_done) struct buf made = BUF_INIT(DOCUMENT_MAX);
	scoped(buf_done) struct buf stored = BUF_INIT(DOCUMENT_MAX);
	scoped(freep) char *path = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(app_states_document(&made, &err), &err);
	assert_ok(fs_join(getenv("MSE_TEST_SOURCE_DIR"), "docs/states.md", &path, &err), &err);
	assert_ok(fs_read(path, &stored, &err), &err);
	assert_string_equal(buf_text(&stored), buf_text(&made));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(texts_and_states_go_round),
	    cmocka_unit_test(ends_are_final_and_nothing_else_is),
	    cmocka_unit_test(only_the_moves_of_the_mission_exist),
	    cmocka_unit_test(the_document_is_up_to_date),
	};

	/* `test_domain_app_state --print > docs/states.md` writes it anew. */
	if (argc == 2 && strcmp(argv[1], "--print") == 0) {
		scoped(buf_done) struct buf made = BUF_INIT(DOCUMENT_MAX);
		struct err err = ERR_INIT;

		return app_states_document(&made, &err) < 0 || fputs(buf_text(&made), stdout) < 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
