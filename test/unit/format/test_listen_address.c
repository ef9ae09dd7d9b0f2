/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "format/listen_address.h"

static void good(void **state)
{
	static const struct {
		const char *text;
		const char *again; /* NULL: the text itself */
		bool is_unix;
		const char *host;
		uint16_t port;
	} rows[] = {
	    {"127.0.0.1:8443", NULL, false, "127.0.0.1", 8443},
	    {"0.0.0.0:0", NULL, false, "0.0.0.0", 0},
	    {"[::1]:65535", NULL, false, "::1", 65535},
	    {"[::ffff:127.0.0.1]:1", NULL, false, "::ffff:127.0.0.1", 1},
	    {"localhost:80", "127.0.0.1:80", false, "127.0.0.1", 80},
	    {"unix:/run/mse/app.sock", NULL, true, "/run/mse/app.sock", 0},
	    {"unix:app.sock", NULL, true, "app.sock", 0},
	};
	char text[LISTEN_TEXT_SIZE];
	struct listen_address address;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_ok(listen_address_parse(rows[i].text, &address, &err), &err);
		assert_int_equal(address.is_unix, rows[i].is_unix);
		assert_string_equal(address.is_unix ? address.path : address.host, rows[i].host);
		assert_int_equal(address.port, rows[i].port);
		listen_address_format(&address, address.port, text);
		assert_string_equal(text, rows[i].again ? rows[i].again : rows[i].text);
	}
}

static void bad(void **state)
{
	static const char *const rows[] = {
	    "",
	    ":",
	    ":80",
	    "127.0.0.1",
	    "127.0.0.1:",
	    "127.0.0.1:65536",
	    "127.0.0.1:-1",
	    "1.2.3:80",
	    "a.host:80",
	    "::1:80",
	    "[::1]",
	    "[::1",
	    "[::1]80",
	    "[127.0.0.1]:80",
	    "[]:80",
	    "unix:",
	    "127.0.0.1:+1",
	    "127.0.0.1:0080000",
	    " 127.0.0.1:80",
	    "127.0.0.1:80 ",
	    "*:80",
	    "999.0.0.1:80",
	    "http://127.0.0.1:80",
	};
	struct listen_address address;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (listen_address_parse(rows[i], &address, &err) == 0)
			fail_msg("'%s' was taken", rows[i]);
	}
}

static void longest_path(void **state)
{
	char text[sizeof("unix:") + LISTEN_PATH_MAX + 1];
	struct listen_address address;
	struct err err = ERR_INIT;

	(void)state;
	(void)snprintf(text, sizeof(text), "unix:/%0*d", LISTEN_PATH_MAX - 1, 0);
	assert_ok(listen_address_parse(text, &address, &err), &err);
	assert_int_equal(strlen(address.path), LISTEN_PATH_MAX);
	(void)snprintf(text, sizeof(text), "unix:/%0*d", LISTEN_PATH_MAX, 0);
	assert_int_equal(listen_address_parse(text, &address, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good),
	    cmocka_unit_test(bad),
	    cmocka_unit_test(longest_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
