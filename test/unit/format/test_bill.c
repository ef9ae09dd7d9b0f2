/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "format/bill.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES "0101010101010101010101010101010101010101010101010101010101010101"
#define HEAD "{\"version\":1,\"image\":\"mse-test:1\",\"loader\":{\"sha256\":\"" ZEROS "\"},\"files\":["
#define FILE_A "{\"path\":\"usr/a\",\"sha256\":\"" ONES "\",\"size\":7}"
#define FILE_B "{\"path\":\"usr/b c\",\"sha256\":\"" ZEROS "\",\"size\":0}"

static const uint8_t zeros[32];
static const uint8_t ones[32] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
				 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

static void text_is_canonical(void **state)
{
	scoped(bill_freep) struct bill *bill = NULL;
	scoped(buf_done) struct buf text = BUF_INIT(BILL_TEXT_MAX);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(bill_new("mse-test:1", zeros, &bill, &err), &err);
	assert_ok(bill_add(bill, "usr/b c", zeros, 0, &err), &err);
	assert_ok(bill_add(bill, "usr/a", ones, 7, &err), &err);
	assert_ok(bill_sort(bill, &err), &err);
	assert_ok(bill_format(bill, &text, &err), &err);
	assert_string_equal(buf_text(&text), HEAD FILE_A "," FILE_B "]}");
	assert_int_equal(bill_find(bill, "usr/a")->size, 7);
	assert_ptr_equal(bill_find(bill, "usr/b c"), &bill->files[1]);
	assert_null(bill_find(bill, "usr"));
	assert_null(bill_find(bill, "usr/z"));
}

static void assert_round_trip(const char *text)
{
	scoped(bill_freep) struct bill *bill = NULL;
	scoped(buf_done) struct buf again = BUF_INIT(BILL_TEXT_MAX);
	struct err err = ERR_INIT;

	assert_ok(bill_parse(text, strlen(text), &bill, &err), &err);
	assert_ok(bill_format(bill, &again, &err), &err);
	assert_string_equal(buf_text(&again), text);
}

static void canonical_texts_are_read_back(void **state)
{
	(void)state;
	assert_round_trip(HEAD "]}");
	assert_round_trip(HEAD FILE_A "]}");
	assert_round_trip(HEAD FILE_A "," FILE_B "]}");
}

static void every_other_text_is_refused(void **state)
{
	static const char *const texts[] = {
	    "",
	    "{}",
	    " " HEAD "]}",
	    HEAD "]} ",
	    HEAD "]}\n",
	    HEAD "] }",
	    HEAD FILE_A ",]}",
	    HEAD FILE_B "," FILE_A "]}",
	    HEAD FILE_A "," FILE_A "]}",
	    HEAD "{\"path\":\"a\",\"sha256\":\"" ONES "\",\"size\":07}]}",
	    HEAD "{\"path\":\"a\",\"sha256\":\"" ONES "\",\"size\":}]}",
	    HEAD "{\"path\":\"a\",\"sha256\":\"" ONES "\",\"size\":-1}]}",
	    HEAD "{\"path\":\"a\",\"sha256\":\"" ONES "\",\"size\":1099511627777}]}",
	    HEAD "{\"path\":\"a\",\"sha256\":\"" ONES "\",\"size\":99999999999999999999999}]}",
	    HEAD "{\"path\":\"\",\"sha256\":\"" ONES "\",\"size\":1}]}",
	    HEAD "{\"path\":\"/a\",\"sha256\":\"" ONES "\",\"size\":1}]}",
	    HEAD "{\"path\":\"a/../b\",\"sha256\":\"" ONES "\",\"size\":1}]}",
	    HEAD "{\"path\":\"a/./b\",\"sha256\":\"" ONES "\",\"size\":1}]}",
	    HEAD "{\"path\":\"a//b\",\"sha256\":\"" ONES "\",\"size\":1}]}",
	    HEAD "{\"path\":\"a/\",\"sha256\":\"" ONES "\",\"size\":1}]}",
	    HEAD "{\"path\":\"a\\u0041\",\"sha256\":\"" ONES "\",\"size\":1}]}",
	    HEAD "{\"path\":\"\xc3\xa9\",\"sha256\":\"" ONES "\",\"size\":1}]}",
	    HEAD "{\"path\":\"a\",\"sha256\":\"0A01" ONES "\",\"size\":1}]}",
	    "{\"version\":2,\"image\":\"mse-test:1\",\"loader\":{\"sha256\":\"" ZEROS "\"},\"files\":[]}",
	    "{\"version\":1,\"image\":\"mse-test\",\"loader\":{\"sha256\":\"" ZEROS "\"},\"files\":[]}",
	    "{\"version\":1,\"image\":\"mse-test:1:2\",\"loader\":{\"sha256\":\"" ZEROS "\"},\"files\":[]}",
	    "{\"version\":1,\"image\":\"mse-test:\",\"loader\":{\"sha256\":\"" ZEROS "\"},\"files\":[]}",
	    "{\"version\":1,\"image\":\"a/b:1\",\"loader\":{\"sha256\":\"" ZEROS "\"},\"files\":[]}",
	};
	scoped(bill_freep) struct bill *bill = NULL;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		if (bill_parse(texts[i], strlen(texts[i]), &bill, &err) == 0)
			fail_msg("accepted: %s", texts[i]);
		assert_non_null(strstr(err.text, "bill, byte "));
		assert_null(bill);
	}
}

static void every_truncation_is_refused(void **state)
{
	static const char text[] = HEAD FILE_A "," FILE_B "]}";
	scoped(bill_freep) struct bill *bill = NULL;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t size = 0; size < strlen(text); size++) {
		scoped(freep) char *part = malloc(size ? size : 1);

		memcpy(part, text, size);
		assert_int_equal(bill_parse(part, size, &bill, &err), -1);
	}
}

static void files_have_a_maximum(void **state)
{
	scoped(bill_freep) struct bill *bill = NULL;
	scoped(buf_done) struct buf text = BUF_INIT(BILL_TEXT_MAX);
	struct err err = ERR_INIT;
	char path[32];

	(void)state;
	assert_ok(bill_new("mse-test:1", zeros, &bill, &err), &err);
	for (size_t i = 0; i < BILL_FILES_MAX; i++) {
		(void)snprintf(path, sizeof(path), "usr/%05zx", i);
		assert_ok(bill_add(bill, path, ones, i, &err), &err);
	}
	assert_fails(bill_add(bill, "usr/more", ones, 1, &err), &err, ERR_LIMIT, "more than 65536");
	assert_ok(bill_format(bill, &text, &err), &err);
	assert_round_trip(buf_text(&text));
	/* one more by hand */
	text.size -= 2;
	assert_ok(buf_add_text(&text, ",{\"path\":\"usr/z\",\"sha256\":\"" ONES "\",\"size\":7}]}", &err), &err);
	struct bill *none = NULL;
	assert_fails(bill_parse(text.data, text.size, &none, &err), &err, ERR_LIMIT, "more than 65536");
	assert_null(none);
}

static void text_and_paths_have_maxima(void **state)
{
	scoped(bill_freep) struct bill *bill = NULL;
	scoped(freep) char *text = malloc(BILL_TEXT_MAX + 1);
	struct err err = ERR_INIT;
	char path[BILL_PATH_MAX + 2];
	char image[BILL_IMAGE_MAX + 2];

	(void)state;
	assert_non_null(text);
	memset(text, ' ', BILL_TEXT_MAX + 1);
	assert_fails(bill_parse(text, BILL_TEXT_MAX, &bill, &err), &err, ERR_INVALID, "byte 0");
	assert_fails(bill_parse(text, BILL_TEXT_MAX + 1, &bill, &err), &err, ERR_LIMIT, "at most");
	memset(image, 'a', sizeof(image));
	image[4] = ':';
	image[BILL_IMAGE_MAX + 1] = 0;
	assert_fails(bill_new(image, zeros, &bill, &err), &err, ERR_LIMIT, "more than 64");
	image[BILL_IMAGE_MAX] = 0;
	assert_ok(bill_new(image, zeros, &bill, &err), &err);
	memset(path, 'a', sizeof(path));
	path[BILL_PATH_MAX + 1] = 0;
	assert_fails(bill_add(bill, path, zeros, 0, &err), &err, ERR_LIMIT, "more than 255");
	path[BILL_PATH_MAX] = 0;
	assert_ok(bill_add(bill, path, zeros, BILL_FILE_SIZE_MAX, &err), &err);
	assert_fails(bill_add(bill, "b", zeros, BILL_FILE_SIZE_MAX + 1, &err), &err, ERR_LIMIT, "'b' has");
	assert_ok(bill_add(bill, path, zeros, 1, &err), &err);
	assert_fails(bill_sort(bill, &err), &err, ERR_CONFLICT, "twice");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_is_canonical),           cmocka_unit_test(canonical_texts_are_read_back),
	    cmocka_unit_test(every_other_text_is_refused), cmocka_unit_test(every_truncation_is_refused),
	    cmocka_unit_test(files_have_a_maximum),        cmocka_unit_test(text_and_paths_have_maxima),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
