/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "cli/connect_raw.h"

#define TEXT_SIZE 512

static const struct connect_site tcp = {.app = {.host = "app.example", .port = 8443, .has_port = true},
					.names = {"127.0.0.1:8080", "localhost:8080"},
					.name_count = 2};
static const struct connect_site local = {.app = {.host = "app.example", .port = 443}};

#define M CONNECT_SNIFF_MORE
#define H CONNECT_SNIFF_HTTP
#define P CONNECT_SNIFF_PASS
#define R CONNECT_SNIFF_REFUSE

static void first_bytes(void **state)
{
	/* by what was named: nothing, http, tls, text, any */
	static const struct {
		const char *bytes;
		enum connect_sniff wanted[CONNECT_SPEECH_COUNT];
	} rows[] = {
	    {"", {M, M, M, M, P}},
	    {"G", {M, M, M, M, P}},
	    {"GET", {M, M, M, M, P}},
	    {"GET ", {R, H, R, M, P}},
	    {"GET /x HTTP/1.1\r\n", {R, H, R, R, P}},
	    {"patch / HTTP/1.1\r\n", {R, H, R, R, P}},
	    {"M-SEARCH * HTTP/1.1\r\n", {R, H, R, R, P}},
	    {"x!#$%&'*+-.^_`|~9 / HTTP/1.1\r\n", {R, H, R, R, P}},
	    {"abcdefghijklmnopqrstuvwxyzabcdefg / HTTP/1.1\r\n", {R, H, R, R, P}},
	    {"GET / http/9", {R, H, R, R, P}},
	    {"EHLO x", {R, H, R, M, P}},
	    {"EHLO x\r\nHTTP/", {R, H, R, P, P}},
	    {"PRI * HTTP/2.0\r\n", {R, H, R, R, P}},
	    {"QUIT\r\n", {P, P, P, P, P}},
	    {"*1\r\n", {P, P, P, P, P}}, /* '*' is of a token, CR is not */
	    {" GET / HTTP/1.1", {P, P, P, P, P}},
	    {"\r\nGET / HTTP/1.1", {R, H, R, R, P}},
	    {"\n\r\n", {M, M, M, M, P}},
	    {"\x16", {R, R, P, R, P}},
	    {"\x16\x03\x01", {R, R, P, R, P}},
	    {"\x15\x03\x03", {P, P, P, P, P}},
	    {"\x80", {P, P, P, P, P}},
	};
	struct connect_refusal refusal;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const uint8_t *bytes = (const uint8_t *)rows[i].bytes;

		for (enum connect_speech j = CONNECT_SPEAKS_UNNAMED; j < CONNECT_SPEECH_COUNT; j++) {
			assert_int_equal(connect_sniff(&tcp, j, bytes, strlen(rows[i].bytes), &refusal),
					 rows[i].wanted[j]);
			assert_int_equal(connect_sniff(&local, j, bytes, strlen(rows[i].bytes), &refusal), P);
		}
	}
}

/* Methods have no bound of their own: what goes on being one is never passed. */
static void long_words(void **state)
{
	static uint8_t bytes[CONNECT_SNIFF_MAX + 2];
	struct connect_refusal refusal;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	assert_int_equal(connect_sniff(&tcp, CONNECT_SPEAKS_UNNAMED, bytes, CONNECT_SNIFF_MAX, &refusal), M);
	assert_int_equal(connect_sniff(&tcp, CONNECT_SPEAKS_UNNAMED, bytes, CONNECT_SNIFF_MAX + 1, &refusal), R);
	bytes[CONNECT_SNIFF_MAX] = 0;
	assert_int_equal(connect_sniff(&tcp, CONNECT_SPEAKS_UNNAMED, bytes, CONNECT_SNIFF_MAX + 1, &refusal), P);
	bytes[CONNECT_SNIFF_MAX] = 'x';
	bytes[4] = ' ';
	assert_int_equal(connect_sniff(&tcp, CONNECT_SPEAKS_TEXT, bytes, CONNECT_SNIFF_MAX, &refusal), M);
	assert_int_equal(connect_sniff(&tcp, CONNECT_SPEAKS_TEXT, bytes, CONNECT_SNIFF_MAX + 1, &refusal), R);
	bytes[CONNECT_SNIFF_MAX] = '\n';
	assert_int_equal(connect_sniff(&tcp, CONNECT_SPEAKS_TEXT, bytes, CONNECT_SNIFF_MAX + 1, &refusal), P);
}

static void empty_lines_without_end(void **state)
{
	static uint8_t bytes[CONNECT_SNIFF_MAX + 100];
	struct connect_refusal refusal;

	(void)state;
	memset(bytes, '\n', sizeof(bytes));
	memcpy(bytes + sizeof(bytes) - 18, "GET / HTTP/1.1\r\n\r\n", 18);
	for (enum connect_speech i = CONNECT_SPEAKS_UNNAMED; i < CONNECT_SPEAKS_ANY; i++) {
		assert_int_equal(connect_sniff(&tcp, i, bytes, CONNECT_SNIFF_MAX, &refusal), M);
		assert_int_equal(connect_sniff(&tcp, i, bytes, CONNECT_SNIFF_MAX + 1, &refusal), R);
		assert_int_equal(connect_sniff(&tcp, i, bytes, sizeof(bytes), &refusal), R);
	}
}

/* WebRTC: a page names the port as a TURN server over TCP, or as the other side of a call. */
static void stun(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		enum connect_sniff wanted;
	} rows[] = {
	    {"\0\3\0\x24\x21\x12\xa4\x42xxxx", 12, R}, /* TURN: Allocate */
	    {"\0\1\0\0\x21\x12\xa4\x42", 8, R},
	    {"\x3f\xff\0\0\x21\x12\xa4\x42", 8, R},
	    {"\0\x24\0\1\0\x24\x21\x12\xa4\x42", 10, R}, /* ICE over TCP: a frame of RFC 4571 */
	    {"\x02\x10\0\1\x02\x0e\x21\x12\xa4\x42", 10, R},
	    {"\0", 1, M},
	    {"\0\3\0\x24\x21\x12\xa4", 7, M},
	    {"\0\x24\0\1\0\x24\x21\x12\xa4", 9, M},
	    {"\5\1\0", 3, P},                     /* a greeting of SOCKS waits for an answer */
	    {"\0\0\0\x08\x04\xd2\x16\x2f", 8, P}, /* PostgreSQL */
	    {"\0\3\0\x24\x21\x12\xa4\x43xx", 10, P},
	    {"\x40\3\0\x24\x21\x12\xa4\x42xx", 10, P},
	};
	struct connect_refusal refusal;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const uint8_t *bytes = (const uint8_t *)rows[i].bytes;

		for (enum connect_speech j = CONNECT_SPEAKS_UNNAMED; j < CONNECT_SPEAKS_ANY; j++)
			assert_int_equal(connect_sniff(&tcp, j, bytes, rows[i].size, &refusal), rows[i].wanted);
		assert_int_equal(connect_sniff(&tcp, CONNECT_SPEAKS_ANY, bytes, rows[i].size, &refusal), P);
		assert_int_equal(connect_sniff(&local, CONNECT_SPEAKS_UNNAMED, bytes, rows[i].size, &refusal), P);
	}
}

static void what_is_named(void **state)
{
	static const char *const wrong[] = {"", "HTTP", "https", "smtp", "any "};
	enum connect_speech speech = CONNECT_SPEAKS_UNNAMED;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(connect_speech_parse("http", &speech, &err), &err);
	assert_int_equal(speech, CONNECT_SPEAKS_HTTP);
	assert_ok(connect_speech_parse("any", &speech, &err), &err);
	assert_int_equal(speech, CONNECT_SPEAKS_ANY);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct err refused = ERR_INIT;

		assert_int_equal(connect_speech_parse(wrong[i], &speech, &refused), -1);
	}
}

static void http_that_was_named_is_no_browsers(void **state)
{
	static const struct {
		const char *fields;
		bool taken;
	} rows[] = {{"Host: localhost:8080", true},
		    {"Host: evil.example", false},
		    {"Host: localhost:8080\r\nOrigin: http://localhost:8080", false},
		    {"Host: localhost:8080\r\nSec-Fetch-Mode: cors", false},
		    {"Host: localhost:8080\r\nReferer: x", false}};
	struct connect_refusal refusal;
	struct http1_head head;
	int status;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[TEXT_SIZE];

		(void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n%s\r\n\r\n", rows[i].fields);
		assert_int_equal(http1_proxy_request_parse((uint8_t *)text, strlen(text), &head, &status), 0);
		assert_int_equal(connect_raw_judge(&tcp, &head, &refusal), rows[i].taken ? 0 : -1);
		assert_int_equal(connect_raw_judge(&local, &head, &refusal), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(first_bytes),
	    cmocka_unit_test(long_words),
	    cmocka_unit_test(empty_lines_without_end),
	    cmocka_unit_test(stun),
	    cmocka_unit_test(what_is_named),
	    cmocka_unit_test(http_that_was_named_is_no_browsers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
