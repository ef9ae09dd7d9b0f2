/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs an app's own tests (localtest, test): first the requirements, which installed packages meet within their
 * specifiers (PEP 440), else pip into a folder of the workspace; then tests_cmd in the folder of the tests. Failing
 * tests are an error.
 */
#ifndef MSE_CLI_APP_TESTS_H
#define MSE_CLI_APP_TESTS_H

#include "cli/out.h"
#include "cli/settings.h"
#include "format/config.h"

struct app_tests {
	const char *dir;     /* the tests */
	const char *command; /* tests_cmd */
	const struct config_texts *requirements;
	const char *workspace;   /* a folder of ours for packages that pip installs */
	const char *url;         /* TEST_REMOTE_URL */
	const char *certificate; /* TEST_CERTIFICATE, or NULL */
	const char *secrets;     /* TEST_SECRET_JSON, or NULL */
	const char *sealed;      /* TEST_SEALED_SECRET_JSON, or NULL */
};

must_check int app_tests_run(const struct settings *settings, struct out *out, const struct app_tests *tests,
			     struct err *err);

#endif
