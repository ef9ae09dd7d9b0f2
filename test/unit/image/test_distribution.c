/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "image/image.h"

#define PLACE "usr/lib/python3/dist-packages/"

static struct bill *make_bill(void)
{
	static const char *const paths[] = {
	    PLACE "Flask-2.2.2.egg-info/PKG-INFO",
	    PLACE "Flask_Login-0.6.2.dist-info/METADATA",
	    PLACE "zope.interface-5.5.2-py3.11.egg-info",
	    PLACE "six.py",
	    PLACE "noversion.egg-info",
	    "usr/lib/python3.11/other-1.0.egg-info",
	};
	static const uint8_t digest[32];
	struct err err = ERR_INIT;
	struct bill *bill;

	assert_ok(bill_new("mse-test:1", digest, &bill, &err), &err);
	for (size_t i = 0; i < COUNT_OF(paths); i++)
		assert_ok(bill_add(bill, paths[i], digest, 1, &err), &err);
	assert_ok(bill_sort(bill, &err), &err);
	return bill;
}

static void assert_version(const struct bill *bill, const char *name, const char *wanted)
{
	char version[IMAGE_VERSION_MAX] = "unset";

	assert_int_equal(image_distribution(bill, name, version), wanted != NULL);
	assert_string_equal(version, wanted ? wanted : "unset");
}

static void names_are_normalised(void **state)
{
	scoped(bill_freep) struct bill *bill = make_bill();

	(void)state;
	assert_version(bill, "flask", "2.2.2");
	assert_version(bill, "Flask", "2.2.2");
	assert_version(bill, "flask-login", "0.6.2");
	assert_version(bill, "FLASK..LOGIN", "0.6.2");
	assert_version(bill, "zope-interface", "5.5.2");
	assert_version(bill, "six", NULL);
	assert_version(bill, "noversion", NULL);
	assert_version(bill, "other", NULL);
	assert_version(bill, "fl", NULL);
	assert_version(bill, "", NULL);
}

static void long_names_are_absent(void **state)
{
	scoped(bill_freep) struct bill *bill = make_bill();
	char name[1000];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = 0;
	assert_version(bill, name, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(names_are_normalised),
	    cmocka_unit_test(long_names_are_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
