/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "image/select.h"

static void what_python_imports_is_wanted(void **state)
{
	static const char *const paths[] = {
	    "/usr/lib/python3.11/os.py",
	    "/usr/lib/python3.11/encodings/utf_8.py",
	    "/usr/lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so",
	    "/usr/lib/python3.11/testing_of_ours.py",
	    "/usr/lib/python3/dist-packages/flask/app.py",
	    "/usr/lib/python3/dist-packages/Flask-2.2.2.egg-info/PKG-INFO",
	    "/usr/lib/python3/dist-packages/click-8.1.3.egg-info/entry_points.txt",
	    "/usr/lib/python3/dist-packages/markupsafe/_speedups.cpython-311-x86_64-linux-gnu.so",
	    "/usr/share/zoneinfo/Europe/Paris",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		if (!select_wants(paths[i]))
			fail_msg("left out: %s", paths[i]);
	}
}

static void the_rest_is_left_out(void **state)
{
	static const char *const paths[] = {
	    "/.",
	    "/etc/python3.11/sitecustomize.py",
	    "/usr/bin/flask",
	    "/usr/lib/python3.10/os.py",
	    "/usr/share/doc/python3-flask/copyright",
	    "/usr/lib/python3.11/test",
	    "/usr/lib/python3.11/test/support/__init__.py",
	    "/usr/lib/python3.11/idlelib/x.py",
	    "/usr/lib/python3.11/turtle.py",
	    "/usr/lib/python3.11/sitecustomize.py",
	    "/usr/lib/python3.11/email/architecture.rst",
	    "/usr/lib/python3.11/__pycache__/os.cpython-311.pyc",
	    "/usr/lib/python3.11/lib-dynload/_testcapi.cpython-311-x86_64-linux-gnu.so",
	    "/usr/lib/python3.11/lib-dynload/readline.cpython-311-x86_64-linux-gnu.so",
	    "/usr/lib/python3/dist-packages/colorama/tests/ansi_test.py",
	    "/usr/lib/python3/dist-packages/flask/py.typed",
	    "/usr/share/zoneinfo/posix/Europe/Paris",
	    "/usr/share/zoneinfo/zone1970.tab",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		if (select_wants(paths[i]))
			fail_msg("wanted: %s", paths[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_python_imports_is_wanted),
	    cmocka_unit_test(the_rest_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
