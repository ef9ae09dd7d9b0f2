/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "cli/connect_rules.h"

#define HEAD_ROOM 4096
#define TEXT_ROOM 65536
#define LETTERS_9 "abcdefghi"
#define LETTERS_63 LETTERS_9 LETTERS_9 LETTERS_9 LETTERS_9 LETTERS_9 LETTERS_9 LETTERS_9

static const struct connect_site tcp = {.app = {.host = "app.example", .port = 8443, .has_port = true},
					.names = {"127.0.0.1:8080", "localhost:8080"},
					.name_count = 2};
static const struct connect_site port_80 = {
    .app = {.host = "app.example", .port = 443}, .names = {"127.0.0.1:80", "localhost:80"}, .name_count = 2};
static const struct connect_site local = {.app = {.host = "app.example", .port = 443}};

static char room[HEAD_ROOM];

static void parse_request(const char *text, struct http1_head *ret)
{
	int status = 0;

	(void)snprintf(room, sizeof(room), "%s\r\n\r\n", text);
	assert_int_equal(http1_proxy_request_parse((uint8_t *)room, strlen(room), ret, &status), 0);
}

/* The status of the refusal, 0 for a request that is taken. */
static int judge(const struct connect_site *site, const char *text, struct connect_request *ret)
{
	struct connect_refusal refusal = {0};
	struct http1_head head;

	parse_request(text, &head);
	return connect_request_judge(site, &head, ret, &refusal) == 0 ? 0 : refusal.status;
}

static void hosts_are_exact(void **state)
{
	static const struct {
		const struct connect_site *site;
		const char *request;
		int status;
	} rows[] = {
	    {&tcp, "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080", 0},
	    {&tcp, "GET / HTTP/1.1\r\nHost: LocalHost:8080", 0},
	    {&tcp, "GET / HTTP/1.1\r\nHost: 127.0.0.1", 421},
	    {&tcp, "GET / HTTP/1.1\r\nHost: 127.0.0.1:80", 421},
	    {&tcp, "GET / HTTP/1.1\r\nHost: 127.0.0.1:808", 421},
	    {&tcp, "GET / HTTP/1.1\r\nHost: 127.0.0.1:18080", 421},
	    {&tcp, "GET / HTTP/1.1\r\nHost: app.example", 421},
	    {&tcp, "GET / HTTP/1.1\r\nHost: localhost.:8080", 421},
	    {&tcp, "GET / HTTP/1.1\r\nHost:", 421},
	    {&tcp, "GET / HTTP/1.0\r\nX: y", 421},
	    {&tcp, "OPTIONS * HTTP/1.1\r\nHost: evil.example", 421},
	    {&port_80, "GET / HTTP/1.1\r\nHost: 127.0.0.1", 0},
	    {&port_80, "GET / HTTP/1.1\r\nHost: 127.0.0.1:80", 0},
	    {&port_80, "GET / HTTP/1.1\r\nHost: 127.0.0.1:8", 421},
	    {&local, "GET / HTTP/1.1\r\nHost: whatever", 0},
	};
	struct connect_request request;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(judge(rows[i].site, rows[i].request, &request), rows[i].status);
}

static void a_proxy_is_asked_for_the_app_only(void **state)
{
	static const struct {
		const char *request;
		int status;
		const char *target;
	} rows[] = {
	    {"GET http://app.example/a?b HTTP/1.1\r\nHost: app.example", 0, "/a?b"},
	    {"GET http://APP.example:8443/ HTTP/1.1\r\nHost: app.example:8443", 0, "/"},
	    {"GET https://app.example HTTP/1.1\r\nHost: app.example", 0, ""},
	    {"GET http://localhost:8080/x HTTP/1.1\r\nHost: localhost:8080", 0, "/x"},
	    {"GET http://localhost:8080/x HTTP/1.1\r\nHost: evil.example", 421, NULL},
	    {"GET http://app.example/ HTTP/1.1\r\nHost: evil.example", 421, NULL},
	    {"GET http://evil.example/ HTTP/1.1\r\nHost: app.example", 421, NULL},
	    {"GET http://app.example.evil/ HTTP/1.1\r\nHost: app.example.evil", 421, NULL},
	    {"GET http://app.example:22/ HTTP/1.1\r\nHost: app.example:22", 421, NULL},
	    {"GET http://me@app.example/ HTTP/1.1\r\nHost: app.example", 421, NULL},
	    {"CONNECT app.example:443 HTTP/1.1\r\nHost: app.example:443", 0, NULL},
	    {"CONNECT app.example:8443 HTTP/1.1\r\nHost: app.example:8443", 0, NULL},
	    {"CONNECT app.example:22 HTTP/1.1\r\nHost: app.example:22", 421, NULL},
	    {"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443", 421, NULL},
	    {"CONNECT 127.0.0.1:8080 HTTP/1.1\r\nHost: 127.0.0.1:8080", 421, NULL},
	    {"CONNECT app.example:443 HTTP/1.1\r\nHost: evil.example:443", 421, NULL},
	    {"CONNECT app.example:443 HTTP/1.0\r\nX: y", 0, NULL},
	};
	struct connect_request request;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(judge(&tcp, rows[i].request, &request), rows[i].status);
		if (rows[i].target)
			assert_string_equal(request.target, rows[i].target);
	}
}

static void strangers_pages_are_refused(void **state)
{
	static const struct {
		const char *field;
		int status, status_local;
	} rows[] = {
	    {"Sec-Fetch-Site: same-origin", 0, 0},
	    {"Sec-Fetch-Site: none", 0, 0},
	    {"Sec-Fetch-Site: cross-site", 403, 403},
	    {"Sec-Fetch-Site: same-site", 403, 403},
	    {"Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site", 403, 403},
	    {"Sec-Fetch-Site: none, none", 403, 403},
	    {"Origin: http://127.0.0.1:8080", 0, 0},
	    {"Origin: https://app.example", 403, 0},
	    {"Origin: http://app.example:8443", 403, 0},
	    {"Origin: http://127.0.0.1:8081", 403, 0},
	    {"Origin: http://127.0.0.1:8080.evil.example", 403, 0},
	    {"Origin: http://127.0.0.1:8080/x", 403, 0},
	    {"Origin: null", 403, 0},
	    {"Origin:", 403, 0},
	};
	struct connect_request request;
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		(void)snprintf(text, sizeof(text), "POST /x HTTP/1.1\r\nHost: localhost:8080\r\n%s", rows[i].field);
		assert_int_equal(judge(&tcp, text, &request), rows[i].status);
		assert_int_equal(judge(&local, text, &request), rows[i].status_local);
	}
}

/* A page of the app's domain got there past us unless we are its proxy: only then its name leads here. */
static void origins_by_form(void **state)
{
	static const struct {
		const char *request;
		int status;
	} rows[] = {
	    {"GET http://app.example/ HTTP/1.1\r\nHost: app.example\r\nOrigin: http://app.example", 0},
	    {"GET http://app.example/ HTTP/1.1\r\nHost: app.example\r\nOrigin: http://localhost:8080", 403},
	    {"GET http://app.example/ HTTP/1.1\r\nHost: app.example\r\nOrigin: http://evil.example", 403},
	    {"GET http://localhost:8080/ HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:8080", 0},
	    {"GET http://localhost:8080/ HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://app.example", 403},
	    {"CONNECT app.example:443 HTTP/1.1\r\nHost: app.example:443\r\nOrigin: http://app.example", 0},
	    {"CONNECT app.example:443 HTTP/1.1\r\nHost: app.example:443\r\nOrigin: http://evil.example", 403},
	};
	struct connect_request request;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(judge(&tcp, rows[i].request, &request), rows[i].status);
}

static void an_answer_is_to_the_protocol_asked_for(void **state)
{
	static const struct {
		const char *fields;
		bool fits;
	} rows[] = {{"Upgrade: websocket", true},
		    {"Upgrade: WebSocket", true},
		    {"Upgrade: h2c", false},
		    {"Upgrade: websocket, h2c", false},
		    {"Upgrade: websocket\r\nUpgrade: websocket", false},
		    {"X: y", false}};
	const struct connect_request asked = {.is_upgrade = true, .upgrade = "websocket"};
	const struct connect_request not_asked = {.upgrade = "websocket"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct http1_head head;

		(void)snprintf(room, sizeof(room), "HTTP/1.1 101 x\r\nConnection: Upgrade\r\n%s\r\n\r\n",
			       rows[i].fields);
		assert_int_equal(http1_response_parse((uint8_t *)room, strlen(room), "GET", &head), 0);
		assert_int_equal(connect_upgrade_fits(&asked, &head), rows[i].fits);
		assert_false(connect_upgrade_fits(&not_asked, &head));
	}
}

static void evidence_is_asked_for_by_us(void **state)
{
	struct connect_request request;

	(void)state;
	assert_int_equal(judge(&tcp, "POST /.well-known/mse/attestation HTTP/1.1\r\nHost: localhost:8080", &request),
			 404);
	assert_int_equal(judge(&tcp, "GET /.well-known/mse/attestation?x HTTP/1.1\r\nHost: localhost:8080", &request),
			 404);
	assert_int_equal(judge(&tcp, "GET /.well-known/mse/keys HTTP/1.1\r\nHost: localhost:8080", &request), 0);
	assert_int_equal(judge(&tcp, "GET /.well-known/mse/attestations HTTP/1.1\r\nHost: localhost:8080", &request),
			 0);
}

static void upgrades_are_told_apart(void **state)
{
	static const struct {
		const char *request;
		bool is_upgrade;
	} rows[] = {
	    {"GET / HTTP/1.1\r\nHost: localhost:8080\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket", true},
	    {"GET / HTTP/1.1\r\nHost: localhost:8080\r\nUpgrade: websocket", false},
	    {"GET / HTTP/1.1\r\nHost: localhost:8080\r\nConnection: Upgrade\r\nUpgrade: h2c", false},
	    {"GET / HTTP/1.1\r\nHost: localhost:8080\r\nConnection: Upgrade\r\nUpgrade: HTTP/2.0", false},
	    {"POST / HTTP/1.1\r\nHost: localhost:8080\r\nConnection: Upgrade\r\nUpgrade: websocket", false},
	    {"GET / HTTP/1.1\r\nHost: localhost:8080\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c", false},
	    {"GET / HTTP/1.1\r\nHost: localhost:8080\r\nConnection: Upgrade\r\nUpgrade: websocket,h2c", false},
	    {"GET / HTTP/1.1\r\nHost: localhost:8080\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c",
	     false},
	    {"GET / HTTP/1.1\r\nHost: localhost:8080\r\nConnection: Upgrade\r\nUpgrade:", false},
	    {"GET / HTTP/1.1\r\nHost: localhost:8080\r\nConnection: Upgrade\r\nUpgrade: " LETTERS_63, true},
	    {"GET / HTTP/1.1\r\nHost: localhost:8080\r\nConnection: Upgrade\r\nUpgrade: x" LETTERS_63, false},
	    {"GET / HTTP/1.1\r\nHost: localhost:8080\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 1", false},
	};
	struct connect_request request;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(judge(&tcp, rows[i].request, &request), 0);
		assert_int_equal(request.is_upgrade, rows[i].is_upgrade);
	}
}

static void heads_are_written_for_the_app(void **state)
{
	static const struct {
		const char *request, *wanted;
	} rows[] = {
	    {"GET /a HTTP/1.1\r\nHost: localhost:8080\r\nAccept: */*\r\nTE: x\r\nKeep-Alive: 1\r\nProxy-Authorization: "
	     "y",
	     "GET /a HTTP/1.1\r\nHost: app.example:8443\r\nAccept: */*\r\n\r\n"},
	    {"GET http://app.example?q HTTP/1.1\r\nHost: app.example",
	     "GET /?q HTTP/1.1\r\nHost: app.example:8443\r\n\r\n"},
	    {"POST / HTTP/1.1\r\nConnection: content-length, Host, A\r\nA: 1\r\nContent-Length: 3\r\nHost: "
	     "localhost:8080",
	     "POST / HTTP/1.1\r\nHost: app.example:8443\r\nContent-Length: 3\r\n\r\n"},
	    {"POST / HTTP/1.0\r\nHost: localhost:8080\r\nOrigin: http://127.0.0.1:8080\r\nReferer: "
	     "http://localhost:8080/p?q",
	     "POST / HTTP/1.0\r\nHost: app.example:8443\r\nOrigin: https://app.example:8443\r\n"
	     "Referer: https://app.example:8443/p?q\r\n\r\n"},
	    {"GET / HTTP/1.1\r\nHost: localhost:8080\r\nConnection: upgrade\r\nUpgrade: websocket",
	     "GET / HTTP/1.1\r\nHost: app.example:8443\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		scoped(buf_done) struct buf text = BUF_INIT(TEXT_ROOM);
		struct connect_refusal refusal;
		struct connect_request request;
		struct http1_head head;
		struct err err = ERR_INIT;

		parse_request(rows[i].request, &head);
		assert_int_equal(connect_request_judge(&tcp, &head, &request, &refusal), 0);
		assert_ok(connect_request_format(&tcp, &head, &request, &text, &err), &err);
		assert_string_equal(buf_text(&text), rows[i].wanted);
	}
}

static void answers_keep_the_client_here(void **state)
{
	static const struct {
		const char *response, *wanted;
		bool keep_alive;
	} rows[] = {
	    {"HTTP/1.1 200 Fine\r\nContent-Length: 3\r\nAlt-Svc: x\r\nMse-Error: x\r\nConnection: X-A\r\nX-A: 1",
	     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true},
	    {"HTTP/1.1 200 OK\r\nContent-Length: 3",
	     "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n", false},
	    {"HTTP/1.1 200 OK\r\nX: y", "HTTP/1.1 200 OK\r\nX: y\r\nConnection: close\r\n\r\n", true},
	    {"HTTP/1.1 301 x\r\nContent-Length: 0\r\nLocation: https://app.example:8443/n?m#f",
	     "HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\nLocation: /n?m#f\r\n\r\n", true},
	    {"HTTP/1.1 301 x\r\nContent-Length: 0\r\nLocation: //app.example//evil.example",
	     "HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\nLocation: /.//evil.example\r\n\r\n", true},
	    {"HTTP/1.1 301 x\r\nContent-Length: 0\r\nLocation: https://app.example?q",
	     "HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\nLocation: /?q\r\n\r\n", true},
	    {"HTTP/1.1 301 x\r\nContent-Length: 0\r\nLocation: https://other.example/",
	     "HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\nLocation: https://other.example/\r\n\r\n", true},
	    {"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade",
	     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", true},
	    {"HTTP/1.1 100 x\r\nX: y", "HTTP/1.1 100 Continue\r\nX: y\r\n\r\n", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		scoped(buf_done) struct buf text = BUF_INIT(TEXT_ROOM);
		const struct connect_request request = {.keep_alive = rows[i].keep_alive};
		struct http1_head head;
		struct err err = ERR_INIT;

		(void)snprintf(room, sizeof(room), "%s\r\n\r\n", rows[i].response);
		assert_int_equal(http1_response_parse((uint8_t *)room, strlen(room), "GET", &head), 0);
		assert_ok(connect_response_format(&tcp, &head, &request, &text, &err), &err);
		assert_string_equal(buf_text(&text), rows[i].wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hosts_are_exact),
	    cmocka_unit_test(a_proxy_is_asked_for_the_app_only),
	    cmocka_unit_test(strangers_pages_are_refused),
	    cmocka_unit_test(evidence_is_asked_for_by_us),
	    cmocka_unit_test(upgrades_are_told_apart),
	    cmocka_unit_test(heads_are_written_for_the_app),
	    cmocka_unit_test(answers_keep_the_client_here),
	    cmocka_unit_test(origins_by_form),
	    cmocka_unit_test(an_answer_is_to_the_protocol_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
