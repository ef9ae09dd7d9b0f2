/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests and responses: what is accepted, what is refused and with which status, at max and max+1. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "net/http1_head.h"

#define OK 0
#define MORE 1

/* OK, MORE, or the status of the refusal. */
static int verdict(const void *text, size_t size, struct http1_head *head, struct buf *memory)
{
	struct http1_scan scan = {0};
	struct err err = ERR_INIT;
	int status = 0;
	const int found = http1_scan(&scan, text, size, &status);

	if (found < 0)
		return status;
	if (found == 0)
		return MORE;
	assert_ok(buf_add(memory, text, scan.seen, &err), &err);
	return http1_request_parse(memory->data, memory->size, head, &status) < 0 ? status : OK;
}

static int verdict_of(const char *text, size_t size)
{
	scoped(buf_done) struct buf memory = BUF_INIT(1 << 20);
	struct http1_head head;

	return verdict(text, size, &head, &memory);
}

struct row {
	const char *text;
	int wanted;
};

#define HOST "Host: a\r\n"

static const struct row rows[] = {
    {"GET / HTTP/1.1\r\n" HOST "\r\n", OK},
    {"GET / HTTP/1.0\r\n\r\n", OK},
    {"GET /a?b HTTP/1.1\r\n" HOST "X_y: z\r\n\r\n", OK},
    {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", OK},
    {"GET http://a/b HTTP/1.1\r\n" HOST "\r\n", OK},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", OK},
    {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", OK},
    {"PROPFIND / HTTP/1.1\r\n" HOST "\r\n", OK},
    {"GET / HTTP/1.1\r\n" HOST "X: \xc3\xa9\r\n\r\n", OK},
    {"GET / HTTP/1.1\r\n" HOST "X:\ta\t b \r\n\r\n", OK},
    {"", MORE},
    {"GET / HTTP/1.1\r\n" HOST, MORE},
    {"GET / HTTP/1.1\r\n" HOST "\r", MORE},
    /* line ends */
    {"GET / HTTP/1.1\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "\n", 400},
    {"GET / HTTP/1.1\r\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n", 400},
    {"\r\nGET / HTTP/1.1\r\n" HOST "\r\n", OK},
    {"\r\n", MORE},
    {"\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"\r\n GET / HTTP/1.1\r\n" HOST "\r\n", 400},
    /* folded fields, blanks */
    {"GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X : a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n X: a\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X(y): a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X: a\x01\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "X: a\x7f\r\n\r\n", 400},
    /* request line */
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400},
    {"GET /\r\n" HOST "\r\n", 400},
    {" GET / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET a HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET * HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /\x80 HTTP/1.1\r\n" HOST "\r\n", 400},
    {"G@T / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.\r\n" HOST "\r\n", 400},
    {"GET / http/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.2\r\n" HOST "\r\n", 505},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", 505},
    {"PRI * HTTP/2.0\r\n\r\n", 505},
    {"GET / HTTP/0.9\r\n" HOST "\r\n", 505},
    {"FOO / HTTP/1.1\r\n" HOST "\r\n", 501},
    {"get / HTTP/1.1\r\n" HOST "\r\n", 501},
    {"CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n", 501},
    /* Host */
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400},
    {"GET / HTTP/1.1\r\n" HOST "hOST: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
    /* an absolute target */
    {"GET HTTP://A:1?b HTTP/1.1\r\nHost: a:1\r\n\r\n", OK},
    {"GET http://a/ HTTP/1.0\r\n\r\n", OK},
    {"GET http://b/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET http://ab/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET http://a:80/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET http://c@a/ HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET http:///a HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"GET http:///a HTTP/1.0\r\n\r\n", 400},
    /* smuggling: every way to give a body two lengths */
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\ncontent-length: 2\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1 1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n\r\n", OK},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551617\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length : 1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", OK},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n", OK},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\x0b"
     "chunked\r\n\r\n",
     400},
    /* expectations */
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n", OK},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nExpect: 200-ok\r\n\r\n", 417},
};

static void test_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const int got = verdict_of(rows[i].text, strlen(rows[i].text));

		if (got != rows[i].wanted)
			fail_msg("%s: %d, wanted %d", rows[i].text, got, rows[i].wanted);
	}
}

/* Codings but chunked are refused, by us (501) or by llhttp before us (400). */
static void test_other_codings_are_refused(void **state)
{
	static const char *const codings[] = {"gzip",     "identity", "chunked, identity", "gzip, chunked",
					      "xchunked", "chunked,", "chunked chunked"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(codings); i++) {
		char text[200];
		const int size = snprintf(text, sizeof(text),
					  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: %s\r\n\r\n", codings[i]);
		const int got = verdict_of(text, (size_t)size);

		assert_true(got == 400 || got == 501);
	}
}

static void test_zero_byte(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n";

	(void)state;
	assert_int_equal(verdict_of(text, sizeof(text) - 1), 400);
}

static void test_fields(void **state)
{
	static const char text[] = "POST /p?q=1&r HTTP/1.1\r\nHost: Ex.ample:8\r\nX:  a b\t \r\nEmpty:\r\n"
				   "content-LENGTH: 12\r\nExpect: 100-continue\r\nConnection: x, Close\r\n\r\nbody";
	scoped(buf_done) struct buf memory = BUF_INIT(4096);
	struct http1_head head;

	(void)state;
	assert_int_equal(verdict(text, sizeof(text) - 1, &head, &memory), OK);
	assert_string_equal(head.method, "POST");
	assert_string_equal(head.target, "/p?q=1&r");
	assert_string_equal(head.host, "Ex.ample:8");
	assert_int_equal(head.header_count, 6);
	assert_string_equal(head.headers[1].name, "X");
	assert_string_equal(head.headers[1].value, "a b");
	assert_string_equal(head.headers[2].value, "");
	assert_int_equal(head.framing, HTTP1_SIZED);
	assert_int_equal(head.body_size, 12);
	assert_true(head.expects_continue);
	assert_false(head.keep_alive);
}

static void test_keep_alive(void **state)
{
	static const struct {
		const char *text;
		bool wanted;
	} cases[] = {
	    {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
	    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", true},
	    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: te\r\nConnection: close\r\n\r\n", false},
	    {"GET / HTTP/1.0\r\n\r\n", false},
	    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
	    {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		scoped(buf_done) struct buf memory = BUF_INIT(4096);
		struct http1_head head;

		assert_int_equal(verdict(cases[i].text, strlen(cases[i].text), &head, &memory), OK);
		assert_int_equal(head.keep_alive, cases[i].wanted);
	}
}

/* ---- limits ---- */

static void fill(struct buf *text, char byte, size_t count)
{
	struct err err = ERR_INIT;

	for (size_t i = 0; i < count; i++)
		assert_ok(buf_add_byte(text, (uint8_t)byte, &err), &err);
}

static void add(struct buf *text, const char *more)
{
	struct err err = ERR_INIT;

	assert_ok(buf_add_text(text, more, &err), &err);
}

static int target_verdict(size_t size)
{
	scoped(buf_done) struct buf text = BUF_INIT(1 << 20);

	add(&text, "GET /");
	fill(&text, 'a', size - 1);
	add(&text, " HTTP/1.1\r\n" HOST "\r\n");
	return verdict_of(buf_text(&text), text.size);
}

static void test_target_limit(void **state)
{
	(void)state;
	assert_int_equal(target_verdict(HTTP_TARGET_MAX), OK);
	assert_int_equal(target_verdict(HTTP_TARGET_MAX + 1), 414);
	assert_int_equal(target_verdict(HTTP_TARGET_MAX * 2), 414);
}

static int count_verdict(size_t count)
{
	scoped(buf_done) struct buf text = BUF_INIT(1 << 20);

	add(&text, "GET / HTTP/1.1\r\n" HOST);
	for (size_t i = 1; i < count; i++)
		add(&text, "X: y\r\n");
	add(&text, "\r\n");
	return verdict_of(buf_text(&text), text.size);
}

static void test_field_count_limit(void **state)
{
	(void)state;
	assert_int_equal(count_verdict(HTTP_HEADERS_MAX), OK);
	assert_int_equal(count_verdict(HTTP_HEADERS_MAX + 1), 431);
}

static int bytes_verdict(size_t size)
{
	static const char frame[] = "GET / HTTP/1.1\r\n" HOST "X: \r\n\r\n";
	scoped(buf_done) struct buf text = BUF_INIT(1 << 20);

	add(&text, "GET / HTTP/1.1\r\n" HOST "X: ");
	fill(&text, 'a', size - (sizeof(frame) - 1));
	add(&text, "\r\n\r\n");
	assert_int_equal(text.size, size);
	return verdict_of(buf_text(&text), text.size);
}

static void test_head_size_limit(void **state)
{
	(void)state;
	assert_int_equal(bytes_verdict(HTTP_HEADER_BYTES_MAX), OK);
	assert_int_equal(bytes_verdict(HTTP_HEADER_BYTES_MAX + 1), 431);
}

static int method_verdict(size_t size)
{
	scoped(buf_done) struct buf text = BUF_INIT(1 << 20);

	fill(&text, 'A', size);
	add(&text, " / HTTP/1.1\r\n" HOST "\r\n");
	return verdict_of(buf_text(&text), text.size);
}

static void test_method_limit(void **state)
{
	(void)state;
	assert_int_equal(method_verdict(HTTP_METHOD_MAX), 501);
	assert_int_equal(method_verdict(HTTP_METHOD_MAX + 1), 501);
}

/* ---- responses ---- */

static bool response(const char *text, const char *method, struct http1_head *head, struct buf *memory)
{
	struct http1_scan scan = {0};
	struct err err = ERR_INIT;
	int status;

	if (http1_scan(&scan, (const uint8_t *)text, strlen(text), &status) <= 0)
		return false;
	assert_ok(buf_add(memory, text, scan.seen, &err), &err);
	return http1_response_parse(memory->data, memory->size, method, head) == 0;
}

static void test_response_framing(void **state)
{
	static const struct {
		const char *text;
		const char *method;
		int wanted; /* framing, or -1 */
	} cases[] = {
	    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "GET", HTTP1_SIZED},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", HTTP1_NO_BODY},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "HEAD", HTTP1_NO_BODY},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", HTTP1_CHUNKED},
	    {"HTTP/1.1 200 OK\r\n\r\n", "GET", HTTP1_UNTIL_CLOSE},
	    {"HTTP/1.1 204 No Content\r\n\r\n", "GET", HTTP1_NO_BODY},
	    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", "GET", HTTP1_NO_BODY},
	    {"HTTP/1.1 100 Continue\r\n\r\n", "POST", HTTP1_NO_BODY},
	    {"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\n", "GET", HTTP1_SIZED},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", -1},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", "GET", -1},
	    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "GET", -1},
	    {"HTTP/1.1 99 X\r\n\r\n", "GET", -1},
	    {"HTTP/1.1 600 X\r\n\r\n", "GET", -1},
	    {"HTTP/1.1  200 X\r\n\r\n", "GET", -1},
	    {"HTTP/2.0 200 X\r\n\r\n", "GET", -1},
	    {"ICY 200 OK\r\n\r\n", "GET", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		scoped(buf_done) struct buf memory = BUF_INIT(4096);
		struct http1_head head;
		const bool accepted = response(cases[i].text, cases[i].method, &head, &memory);

		if ((accepted ? (int)head.framing : -1) != cases[i].wanted)
			fail_msg("%s", cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_verdicts),          cmocka_unit_test(test_other_codings_are_refused),
	    cmocka_unit_test(test_zero_byte),         cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_keep_alive),        cmocka_unit_test(test_target_limit),
	    cmocka_unit_test(test_field_count_limit), cmocka_unit_test(test_head_size_limit),
	    cmocka_unit_test(test_method_limit),      cmocka_unit_test(test_response_framing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
