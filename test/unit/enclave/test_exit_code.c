/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fs.h"
#include "enclave/process/exit_code.h"

static void find_row(const char *text, int value, const char *label, const char *meaning)
{
	char row[300];

	(void)snprintf(row, sizeof(row), "| %d | `%s` | %s |\n", value, label, meaning);
	if (!strstr(text, row))
		fail_msg("docs/formats/enclave-exit.md has no row '%s'", row);
}

static void the_document_is_the_table(void **state)
{
	scoped(freep) char *path = NULL;
	scoped(buf_done) struct buf text = BUF_INIT(64 << 10);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(fs_join(getenv("MSE_TEST_SOURCE_DIR"), "docs/formats/enclave-exit.md", &path, &err), &err);
	assert_ok(fs_read(path, &text, &err), &err);
#define X(name, value, label, meaning) find_row(buf_text(&text), value, label, meaning);
	EXIT_CODES(X)
#undef X
}

static void labels_belong_to_codes(void **state)
{
	(void)state;
#define X(name, value, label, meaning) \
	assert_int_equal(EXIT_CODE_##name, value); \
	assert_string_equal(exit_code_label(EXIT_CODE_##name), label);
	EXIT_CODES(X)
#undef X
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_document_is_the_table),
	    cmocka_unit_test(labels_belong_to_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
