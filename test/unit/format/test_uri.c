/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "format/uri.h"

static void test_hostport(void **state)
{
	static const struct {
		const char *text;
		const char *host; /* NULL: refused */
		unsigned port;
	} rows[] = {
	    {"a", "a", 443},
	    {"App.Example:8443", "app.example", 8443},
	    {"a-b_c.localhost:1", "a-b_c.localhost", 1},
	    {"127.0.0.1:65535", "127.0.0.1", 65535},
	    {"[::1]", "::1", 443},
	    {"[2001:DB8::1]:80", "2001:db8::1", 80},
	    {"", NULL, 0},
	    {":80", NULL, 0},
	    {"a:", NULL, 0},
	    {"a:0", NULL, 0},
	    {"a:65536", NULL, 0},
	    {"a:+1", NULL, 0},
	    {"a: 1", NULL, 0},
	    {"a:1:2", NULL, 0},
	    {"::1", NULL, 0},
	    {"[::1", NULL, 0},
	    {"[::1]x", NULL, 0},
	    {"[1.2.3.4]", NULL, 0},
	    {"a..b", NULL, 0},
	    {".a", NULL, 0},
	    {"a.", NULL, 0},
	    {"-a", NULL, 0},
	    {"a-", NULL, 0},
	    {"a-.b", NULL, 0},
	    {"a b", NULL, 0},
	    {"a/b", NULL, 0},
	    {"u@a", NULL, 0},
	    {"1.2.3", NULL, 0},
	    {"256.1.1.1", NULL, 0},
	    {"a.1", NULL, 0},
	    {"a%2e", NULL, 0},
	    {"\xc3\xa9", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct hostport got = {.port = 0};
		struct err err = ERR_INIT;
		const int done = hostport_parse(rows[i].text, 443, &got, &err);

		if ((done == 0) != (rows[i].host != NULL))
			fail_msg("'%s': %d %s", rows[i].text, done, err.text);
		if (done < 0)
			continue;
		assert_string_equal(got.host, rows[i].host);
		assert_int_equal(got.port, rows[i].port);
	}
}

static void test_hostport_format(void **state)
{
	static const char *const texts[] = {"a", "a:80", "[::1]", "[::1]:80", "1.2.3.4:443"};
	static const char *const wanted[] = {"a", "a:80", "[::1]", "[::1]:80", "1.2.3.4"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct hostport parsed;
		scoped(buf_done) struct buf made = BUF_INIT(300);
		struct err err = ERR_INIT;

		assert_ok(hostport_parse(texts[i], 443, &parsed, &err), &err);
		assert_ok(hostport_format(&parsed, 443, &made, &err), &err);
		assert_string_equal(buf_text(&made), wanted[i]);
	}
}

/* Labels of 63 bytes, names of 253. */
static int parse_name(size_t label, size_t total)
{
	char text[400];
	struct hostport parsed;
	struct err err = ERR_INIT;

	memset(text, 'a', sizeof(text));
	for (size_t i = label; i < total; i += label + 1)
		text[i] = '.';
	text[total] = 0;
	return hostport_parse(text, 1, &parsed, &err);
}

static void test_name_limits(void **state)
{
	(void)state;
	assert_int_equal(parse_name(63, 63), 0);
	assert_int_equal(parse_name(64, 64), -1);
	assert_int_equal(parse_name(60, URI_HOST_MAX), 0);
	assert_int_equal(parse_name(60, URI_HOST_MAX + 1), -1);
}

static void test_loopback_names(void **state)
{
	(void)state;
	assert_true(host_is_loopback_name("localhost"));
	assert_true(host_is_loopback_name("LocalHost"));
	assert_true(host_is_loopback_name("a.b.localhost"));
	assert_true(host_is_loopback_name("a.localhost."));
	assert_false(host_is_loopback_name("notlocalhost"));
	assert_false(host_is_loopback_name("localhost.example"));
	assert_false(host_is_loopback_name("127.0.0.1"));
	assert_false(host_is_loopback_name(""));
	assert_true(host_is_address("127.0.0.1"));
	assert_true(host_is_address("::1"));
	assert_false(host_is_address("localhost"));
}

static void test_uri(void **state)
{
	static const struct {
		const char *text;
		const char *host; /* NULL: refused */
		unsigned port;
		const char *target;
	} rows[] = {
	    {"https://a", "a", 443, "/"},
	    {"http://a", "a", 80, "/"},
	    {"HTTPS://A:1/B?c=d", "a", 1, "/B?c=d"},
	    {"https://a?x", "a", 443, "/?x"},
	    {"https://[::1]:8/x%20y", "::1", 8, "/x%20y"},
	    {"https://", NULL, 0, NULL},
	    {"https:///x", NULL, 0, NULL},
	    {"ftp://a", NULL, 0, NULL},
	    {"a", NULL, 0, NULL},
	    {"https://u@a", NULL, 0, NULL},
	    {"https://u:p@a/", NULL, 0, NULL},
	    {"https://a/#f", NULL, 0, NULL},
	    {"https://a/x y", NULL, 0, NULL},
	    {"https://a/\n", NULL, 0, NULL},
	    {"https://a\\b/", NULL, 0, NULL},
	    {"https://a:99999/", NULL, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		scoped(uri_done) struct uri got = {0};
		struct err err = ERR_INIT;
		const int done = uri_parse(rows[i].text, &got, &err);

		if ((done == 0) != (rows[i].host != NULL))
			fail_msg("'%s': %d %s", rows[i].text, done, err.text);
		if (done < 0)
			continue;
		assert_string_equal(got.authority.host, rows[i].host);
		assert_int_equal(got.authority.port, rows[i].port);
		assert_string_equal(got.target, rows[i].target);
	}
}

static int parse_of_size(size_t size)
{
	char text[URI_TEXT_MAX + 2];
	scoped(uri_done) struct uri got = {0};
	struct err err = ERR_INIT;

	memset(text, 'a', sizeof(text));
	memcpy(text, "https://a/", 10);
	text[size] = 0;
	return uri_parse(text, &got, &err);
}

static void test_uri_limit(void **state)
{
	(void)state;
	assert_int_equal(parse_of_size(URI_TEXT_MAX), 0);
	assert_int_equal(parse_of_size(URI_TEXT_MAX + 1), -1);
}

static void test_encoding(void **state)
{
	scoped(buf_done) struct buf text = BUF_INIT(100);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(uri_encode("a-Z_.~ /\xff", 9, &text, &err), &err);
	assert_string_equal(buf_text(&text), "a-Z_.~%20%2F%FF");
	buf_clear(&text);
	assert_ok(uri_decode("a%2fb+c%C3", 10, false, &text, &err), &err);
	assert_string_equal(buf_text(&text), "a/b+c\xc3");
	buf_clear(&text);
	assert_ok(uri_decode("a+b", 3, true, &text, &err), &err);
	assert_string_equal(buf_text(&text), "a b");
	assert_fails(uri_decode("%4", 2, false, &text, &err), &err, ERR_INVALID, "byte 0");
	assert_fails(uri_decode("a%4g", 4, false, &text, &err), &err, ERR_INVALID, "byte 1");
	assert_fails(uri_decode("%00", 3, false, &text, &err), &err, ERR_INVALID, "zero");
}

static void test_query(void **state)
{
	static const char query[] = "a=1&b=x%20y+z&c&%61b=9&a=2&d=";
	static const char *const names[] = {"a", "b", "c", "ab", "d"};
	static const char *const values[] = {"1", "x y z", "", "9", ""};
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		scoped(buf_done) struct buf value = BUF_INIT(100);

		assert_int_equal(uri_query_find(query, names[i], &value, &err), 1);
		assert_string_equal(buf_text(&value), values[i]);
	}
	scoped(buf_done) struct buf none = BUF_INIT(100);
	assert_int_equal(uri_query_find(query, "e", &none, &err), 0);
	assert_int_equal(uri_query_find(NULL, "a", &none, &err), 0);
	assert_int_equal(uri_query_find("a=%zz", "a", &none, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_hostport),    cmocka_unit_test(test_hostport_format),
	    cmocka_unit_test(test_name_limits), cmocka_unit_test(test_loopback_names),
	    cmocka_unit_test(test_uri),         cmocka_unit_test(test_uri_limit),
	    cmocka_unit_test(test_encoding),    cmocka_unit_test(test_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
