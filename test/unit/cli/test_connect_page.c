/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/connect_page.h"

static void the_page_is_what_was_asked_for(void **state)
{
	static const struct {
		const char *accept;
		enum connect_page_kind kind;
	} rows[] = {
	    {NULL, CONNECT_PAGE_TEXT},
	    {"", CONNECT_PAGE_TEXT},
	    {"*/*", CONNECT_PAGE_TEXT},
	    {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", CONNECT_PAGE_HTML},
	    {"application/json", CONNECT_PAGE_JSON},
	    {"Application/JSON; charset=utf-8", CONNECT_PAGE_JSON},
	    {"image/png, application/json;q=0.5", CONNECT_PAGE_JSON},
	    {"application/json;q=0, text/html", CONNECT_PAGE_HTML},
	    {"application/json;q=0.0", CONNECT_PAGE_TEXT},
	    {"application/json;q=0.01", CONNECT_PAGE_JSON},
	    {"text/plain, text/html", CONNECT_PAGE_TEXT},
	    {",,,; ,x", CONNECT_PAGE_TEXT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(connect_page_choose(rows[i].accept), rows[i].kind);
}

static const struct connect_page refused = {.status = 502,
					    .name = "fresh-binding",
					    .text = "<script>alert(\"1\")</script> \xff'&\r\nX: y",
					    .domain = "app.example"};

/* What follows the head; asserts that the head says how long it is. */
static const char *body_of(const struct buf *text)
{
	const char *body = strstr(buf_text(text), "\r\n\r\n") + 4;
	char wanted[64];

	(void)snprintf(wanted, sizeof(wanted), "\r\nContent-Length: %zu\r\n", strlen(body));
	assert_non_null(strstr(buf_text(text), wanted));
	return body;
}

static void nothing_of_others_is_markup(void **state)
{
	scoped(buf_done) struct buf text = BUF_INIT(CONNECT_PAGE_MAX);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(connect_page_format(&refused, CONNECT_PAGE_HTML, &text, &err), &err);
	assert_null(strstr(buf_text(&text), "<script>"));
	assert_non_null(strstr(body_of(&text), "&#60;script&#62;"));
	assert_non_null(strstr(buf_text(&text), "HTTP/1.1 502 Bad Gateway\r\n"));
	assert_non_null(strstr(buf_text(&text), "\r\nMse-Error: fresh-binding\r\n"));
	assert_null(strstr(buf_text(&text), "\r\nX: y"));
}

static void json_is_json(void **state)
{
	scoped(buf_done) struct buf text = BUF_INIT(CONNECT_PAGE_MAX);
	struct connect_page page = refused;
	struct err err = ERR_INIT;
	json_t *object;

	(void)state;
	page.text = "plain \"text\"";
	assert_ok(connect_page_format(&page, CONNECT_PAGE_JSON, &text, &err), &err);
	object = json_loads(body_of(&text), 0, NULL);
	assert_non_null(object);
	assert_string_equal(json_string_value(json_object_get(object, "error")), "fresh-binding");
	assert_string_equal(json_string_value(json_object_get(object, "message")), page.text);
	assert_true(json_is_null(json_object_get(object, "verdict")));
	json_decref(object);
}

static void a_verdict_is_shown_check_by_check(void **state)
{
	scoped(buf_done) struct buf text = BUF_INIT(CONNECT_PAGE_MAX);
	struct attest_verdict *verdict = calloc(1, sizeof(*verdict));
	struct connect_page page = refused;
	struct err err = ERR_INIT;

	(void)state;
	assert_non_null(verdict);
	verdict->simulated = true;
	verdict->check_count = 2;
	(void)snprintf(verdict->checks[0].name, sizeof(verdict->checks[0].name), "%s", "quote-signature");
	(void)snprintf(verdict->checks[1].name, sizeof(verdict->checks[1].name), "%s", "fresh.binding");
	(void)snprintf(verdict->checks[1].text, sizeof(verdict->checks[1].text), "%s", "a < b");
	verdict->checks[1].result = ATTEST_FAILED;
	verdict->loosening_count = 1;
	(void)snprintf(verdict->loosenings[0].name, sizeof(verdict->loosenings[0].name), "%s", "allow-debug");
	(void)snprintf(verdict->loosenings[0].text, sizeof(verdict->loosenings[0].text), "%s", "DEBUG is <allowed>");
	page.verdict = verdict;
	assert_ok(connect_page_format(&page, CONNECT_PAGE_HTML, &text, &err), &err);
	assert_non_null(strstr(buf_text(&text), "<td>passed</td><td>quote-signature</td>"));
	assert_non_null(strstr(buf_text(&text), "<td>failed</td><td>fresh.binding</td><td>a &#60; b</td>"));
	assert_non_null(strstr(buf_text(&text), "SIMULATED"));
	assert_non_null(strstr(buf_text(&text), "loosened: <code>allow-debug</code>: DEBUG is &#60;allowed&#62;<"));
	free(verdict);
}

static void head_and_busy(void **state)
{
	scoped(buf_done) struct buf text = BUF_INIT(CONNECT_PAGE_MAX);
	const struct connect_page page = {
	    .status = 503, .name = "busy", .text = "x", .domain = "app.example", .no_body = true};
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(connect_page_format(&page, CONNECT_PAGE_TEXT, &text, &err), &err);
	assert_non_null(strstr(buf_text(&text), "\r\nRetry-After: 1\r\n"));
	assert_string_equal(strstr(buf_text(&text), "\r\n\r\n"), "\r\n\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_page_is_what_was_asked_for),
	    cmocka_unit_test(nothing_of_others_is_markup),
	    cmocka_unit_test(json_is_json),
	    cmocka_unit_test(a_verdict_is_shown_check_by_check),
	    cmocka_unit_test(head_and_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
