/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "cloud/routes.h"

static char params[API_PARAMS_MAX][API_PARAM_SIZE];

static const struct route *find(const char *method, const char *path)
{
	const struct route *route = NULL;
	bool other_method;

	return route_find(method, path, &route, params, &other_method) ? route : NULL;
}

static const char *pattern_of(const char *method, const char *path)
{
	const struct route *route = find(method, path);

	return route ? route->pattern : "none";
}

static const char *method_of(const char *method, const char *path)
{
	const struct route *route = find(method, path);

	return route ? route->method : "none";
}

static void paths_match_segment_by_segment(void **state)
{
	(void)state;
	assert_string_equal(pattern_of("GET", "/apps"), "/apps");
	assert_string_equal(pattern_of("GET", "/apps/default"), "/apps/default");
	assert_string_equal(pattern_of("GET", "/apps/1"), "/apps/{id}");
	assert_string_equal(params[0], "1");
	assert_string_equal(pattern_of("GET", "/images/mse-flask%3A2/bill"), "/images/{name}/bill");
	assert_string_equal(params[0], "mse-flask:2");
	assert_null(find("GET", "/apps/"));
	assert_null(find("GET", "/apps/1/"));
	assert_null(find("GET", "/apps/1/nothing"));
	assert_null(find("GET", "//apps"));
	assert_null(find("GET", "/"));
	assert_null(find("GET", ""));
	assert_null(find("GET", "/apps/%zz"));
	assert_null(find("GET", "/apps/a%00b"));
}

static void params_have_a_maximum(void **state)
{
	char path[API_PARAM_SIZE + 16] = "/apps/";

	(void)state;
	memset(path + 6, 'a', API_PARAM_SIZE - 1);
	assert_non_null(find("GET", path));
	path[6 + API_PARAM_SIZE - 1] = 'a';
	assert_null(find("GET", path));
}

static void methods_count(void **state)
{
	const struct route *route;
	bool other_method = false;

	(void)state;
	assert_string_equal(method_of("HEAD", "/healthz"), "GET");
	assert_string_equal(method_of("POST", "/apps"), "POST");
	assert_int_equal(route_find("PUT", "/apps", &route, params, &other_method), 0);
	assert_true(other_method);
	assert_int_equal(route_find("PUT", "/nothing", &route, params, &other_method), 0);
	assert_false(other_method);
}

/* Nothing starts open: whoever opens another path has to say so here too. */
static void open_paths_are_these(void **state)
{
	static const char *const open[] = {"/healthz",   "/cloud",        "/images/{name}/bill",
					   "/authorize", "/oauth/",       "/activate",
					   "/logout",    "/.well-known/", "/sgx/certification/v4/"};

	(void)state;
	for (size_t i = 0; i < route_count; i++) {
		bool listed = false;

		for (size_t k = 0; k < COUNT_OF(open); k++)
			listed |= strncmp(routes[i].pattern, open[k], strlen(open[k])) == 0;
		assert_int_equal(routes[i].auth == ROUTE_OPEN, listed);
	}
}

static void every_error_has_a_status(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	for (int code = ERR_INTERNAL; code <= ERR_CANCELLED; code++) {
		err.code = (enum err_code)code;
		assert_in_range(api_status_of(&err), 400, 599);
		/* What is our fault is never told to the client, and never blamed on it. */
		assert_int_equal(api_is_clients_fault(&err),
				 err.code != ERR_INTERNAL && err.code != ERR_NO_MEMORY && err.code != ERR_IO);
	}
	err.code = ERR_NOT_FOUND;
	err.os_errno = 2;
	assert_int_equal(api_status_of(&err), 500);
	assert_false(api_is_clients_fault(&err));
	err.os_errno = 28;
	assert_int_equal(api_status_of(&err), 507);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(paths_match_segment_by_segment),
	    cmocka_unit_test(params_have_a_maximum),
	    cmocka_unit_test(methods_count),
	    cmocka_unit_test(open_paths_are_these),
	    cmocka_unit_test(every_error_has_a_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
