/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "cloud/html.h"

static void what_comes_from_outside_is_escaped(void **state)
{
	scoped(buf_done) struct buf page = BUF_INIT(HTML_PAGE_MAX);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(html_hidden(&page, "n", "<a href=\"x\">&'", &err), &err);
	assert_string_equal(buf_text(&page),
			    "<input type=\"hidden\" name=\"n\" value=\"&lt;a href=&quot;x&quot;&gt;&amp;&#39;\">\n");
	buf_clear(&page);
	assert_ok(html_begin(&page, "</title><script>", &err), &err);
	assert_null(strstr(buf_text(&page), "<script>"));
	buf_clear(&page);
	assert_ok(html_field(&page, "L", "text", "n", "\"><script>", &err), &err);
	assert_null(strstr(buf_text(&page), "<script>"));
	assert_ok(html_paragraph(&page, "error", "<script>", &err), &err);
	assert_null(strstr(buf_text(&page), "<script>"));
}

static void pages_have_a_maximum(void **state)
{
	scoped(buf_done) struct buf page = BUF_INIT(10);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(html_text(&page, "0123456789", &err), &err);
	assert_fails(html_text(&page, "x", &err), &err, ERR_LIMIT, "10");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_comes_from_outside_is_escaped),
	    cmocka_unit_test(pages_have_a_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
