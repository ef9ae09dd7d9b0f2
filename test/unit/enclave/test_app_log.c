/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "enclave/process/app_log.h"

static uint8_t data[APP_LOG_CHUNK_MAX + 8];

static void cuts_after_the_last_line(void **state)
{
	(void)state;
	assert_int_equal(app_log_cut((const uint8_t *)"one\ntwo\nthr", 11, 0), 8);
	assert_int_equal(app_log_cut((const uint8_t *)"one\n", 4, 0), 4);
	assert_int_equal(app_log_cut((const uint8_t *)"\n", 1, 0), 1);
}

static void waits_for_the_end_of_a_line(void **state)
{
	(void)state;
	assert_int_equal(app_log_cut((const uint8_t *)"no end", 6, 0), 0);
	assert_int_equal(app_log_cut((const uint8_t *)"no end", 6, 1), 6);
	memset(data, 'x', sizeof(data));
	assert_int_equal(app_log_cut(data, APP_LOG_CHUNK_MAX - 1, 0), 0);
	assert_int_equal(app_log_cut(data, APP_LOG_CHUNK_MAX, 0), APP_LOG_CHUNK_MAX);
}

static size_t cut_with_tail(const char *tail)
{
	const size_t size = strlen(tail);

	memset(data, 'x', sizeof(data));
	memcpy(data + APP_LOG_CHUNK_MAX - size, tail, size);
	return APP_LOG_CHUNK_MAX - app_log_cut(data, APP_LOG_CHUNK_MAX, 0);
}

static void a_full_chunk_ends_between_characters(void **state)
{
	(void)state;
	assert_int_equal(cut_with_tail("\xc3\xa9"), 0);     /* é is whole */
	assert_int_equal(cut_with_tail("\xc3"), 1);         /* begins é */
	assert_int_equal(cut_with_tail("\xe2\x82\xac"), 0); /* € is whole */
	assert_int_equal(cut_with_tail("\xe2\x82"), 2);
	assert_int_equal(cut_with_tail("\xe2"), 1);
	assert_int_equal(cut_with_tail("\xf0\x9f\x98\x80"), 0); /* an emoji is whole */
	assert_int_equal(cut_with_tail("\xf0\x9f\x98"), 3);
	/* What is no UTF-8 is cut anywhere, but never loses or keeps back for ever. */
	assert_int_equal(cut_with_tail("\x80\x80\x80\x80\x80"), 0);
	assert_int_equal(cut_with_tail("\xff\x80"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cuts_after_the_last_line),
	    cmocka_unit_test(waits_for_the_end_of_a_line),
	    cmocka_unit_test(a_full_chunk_ends_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
