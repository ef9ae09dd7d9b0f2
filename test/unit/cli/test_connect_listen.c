/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/fs.h"
#include "cli/connect_listen.h"

static void what_is_understood(void **state)
{
	static const struct {
		const char *text, *expose, *address;
		uint16_t port;
		bool is_open;
	} rows[] = {
	    {"127.0.0.1:8080", NULL, "127.0.0.1", 8080, false},
	    {"localhost:1", NULL, "127.0.0.1", 1, false},
	    {"8080", NULL, "127.0.0.1", 8080, false},
	    {"[::1]:8080", NULL, "::1", 8080, false},
	    {"127.9.9.9:0", NULL, "127.9.9.9", 0, false},
	    {"0.0.0.0:80", "box.lan", "0.0.0.0", 80, true},
	    {"[::]:80", "box.lan", "::", 80, true},
	    {"192.0.2.1:65535", "192.0.2.1", "192.0.2.1", 65535, true},
	};
	struct connect_listen where;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_ok(connect_listen_parse(rows[i].text, rows[i].expose, &where, &err), &err);
		assert_string_equal(where.address, rows[i].address);
		assert_int_equal(where.port, rows[i].port);
		assert_int_equal(where.is_open, rows[i].is_open);
	}
	assert_ok(connect_listen_parse("unix:/tmp/x", NULL, &where, &err), &err);
	assert_string_equal(where.path, "/tmp/x");
}

static void what_is_refused(void **state)
{
	static const struct {
		const char *text, *expose;
		enum err_code code;
	} rows[] = {
	    {"0.0.0.0:80", NULL, ERR_DENIED},
	    {"192.0.2.1:80", NULL, ERR_DENIED},
	    {"[::]:80", NULL, ERR_DENIED},
	    {"[::ffff:127.0.0.1]:80", NULL, ERR_DENIED},
	    {"127.0.0.1:80", "x", ERR_INVALID},
	    {"unix:/x", "x", ERR_INVALID},
	    {"example.com:80", NULL, ERR_INVALID},
	    {"127.0.0.1", NULL, ERR_INVALID},
	    {"127.0.0.1:", NULL, ERR_INVALID},
	    {"127.0.0.1:65536", NULL, ERR_INVALID},
	    {"127.0.0.1:-1", NULL, ERR_INVALID},
	    {"unix:", NULL, ERR_INVALID},
	    {"", NULL, ERR_INVALID},
	    {":80", NULL, ERR_INVALID},
	    {"[::1:80", NULL, ERR_INVALID},
	};
	char path[CONNECT_PATH_MAX + 8] = "unix:";
	struct connect_listen where;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct err err = ERR_INIT;

		assert_int_equal(connect_listen_parse(rows[i].text, rows[i].expose, &where, &err), -1);
		assert_int_equal(err.code, rows[i].code);
	}
	for (size_t size = CONNECT_PATH_MAX; size <= CONNECT_PATH_MAX + 1; size++) {
		struct err err = ERR_INIT;

		memset(path + strlen("unix:"), 'p', size);
		path[strlen("unix:") + size] = '\0';
		assert_int_equal(connect_listen_parse(path, NULL, &where, &err), size > CONNECT_PATH_MAX ? -1 : 0);
	}
}

static void names_are_those_of_the_address(void **state)
{
	struct connect_site site = {.app = {.host = "app.example", .port = 443}};
	scoped(buf_done) struct buf text = BUF_INIT(256);
	struct connect_listen where;
	struct err err = ERR_INIT;
	char wanted[64];
	int fd = -1;

	(void)state;
	assert_ok(connect_listen_parse("127.0.0.1:0", NULL, &where, &err), &err);
	assert_ok(connect_listen_open(&where, NULL, &site, &fd, &err), &err);
	assert_int_not_equal(where.port, 0);
	assert_int_equal(site.name_count, 2);
	(void)snprintf(wanted, sizeof(wanted), "127.0.0.1:%u", where.port);
	assert_string_equal(site.names[0], wanted);
	assert_ok(connect_listen_text(&where, &text, &err), &err);
	assert_string_equal(buf_text(&text), wanted);
	(void)snprintf(wanted, sizeof(wanted), "localhost:%u", where.port);
	assert_string_equal(site.names[1], wanted);
	connect_listen_close(&where, fd);
	assert_ok(connect_listen_parse("0.0.0.0:0", "Box.lan", &where, &err), &err);
	assert_ok(connect_listen_open(&where, "Box.lan", &site, &fd, &err), &err);
	(void)snprintf(wanted, sizeof(wanted), "box.lan:%u", where.port);
	assert_int_equal(site.name_count, 3);
	assert_string_equal(site.names[2], wanted);
	(void)snprintf(wanted, sizeof(wanted), "127.0.0.1:%u", where.port);
	assert_string_equal(site.names[0], wanted); /* and never 0.0.0.0, which any page may ask for */
	connect_listen_close(&where, fd);
	assert_ok(connect_listen_parse("[::]:0", "box.lan", &where, &err), &err);
	assert_ok(connect_listen_open(&where, "box.lan", &site, &fd, &err), &err);
	(void)snprintf(wanted, sizeof(wanted), "[::1]:%u", where.port);
	assert_string_equal(site.names[0], wanted);
	connect_listen_close(&where, fd);
}

static void a_socket_file_has_one_owner(void **state)
{
	struct connect_site site = {.app = {.host = "app.example", .port = 443}};
	scoped(freep) char *folder = NULL;
	struct connect_listen where;
	struct err err = ERR_INIT;
	struct stat found;
	char text[128];
	int first = -1, second = -1;

	(void)state;
	assert_ok(fs_make_temp_dir("/tmp", "mse-connect-", &folder, &err), &err);
	(void)snprintf(text, sizeof(text), "unix:%s/s", folder);
	assert_ok(connect_listen_parse(text, NULL, &where, &err), &err);
	assert_ok(connect_listen_open(&where, NULL, &site, &first, &err), &err);
	assert_int_equal(site.name_count, 0);
	assert_int_equal(stat(where.path, &found), 0);
	assert_int_equal(found.st_mode & 0777, 0600);
	assert_int_equal(connect_listen_open(&where, NULL, &site, &second, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	fd_close(first); /* killed: the file stays */
	assert_ok(connect_listen_open(&where, NULL, &site, &second, &err), &err);
	connect_listen_close(&where, second);
	assert_false(fs_exists(where.path));
	assert_ok(fs_write_new(where.path, "x", 1, 0600, &err), &err);
	assert_int_equal(connect_listen_open(&where, NULL, &site, &second, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_ok(fs_remove_tree(folder, &err), &err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_understood),
	    cmocka_unit_test(what_is_refused),
	    cmocka_unit_test(names_are_those_of_the_address),
	    cmocka_unit_test(a_socket_file_has_one_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
