/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/plain/plain_venv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/number.h"
#include "enclave/process/operator_log.h"
#include "enclave/python/python.h"

#define CONFIGURATION "pyvenv.cfg"
#define CONFIGURATION_MAX (64u << 10)
#define VERSION Py_STRINGIFY(PY_MAJOR_VERSION) "." Py_STRINGIFY(PY_MINOR_VERSION)
#define PACKAGES "lib/python" VERSION "/site-packages"
#define SHOWN_MAX 16

/* "version = 3.12.1" of venv, "version_info = 3.12.1.final.0" of virtualenv; "" if it is not said. Borrowed. */
static const char *version_in(const char *text, int *ret_size)
{
	const char *at = strncmp(text, "version", 7) == 0 ? text : strstr(text, "\nversion");
	const char *equals = at ? strchr(at, '=') : NULL;

	*ret_size = 0;
	if (!equals)
		return "";
	equals += 1 + strspn(equals + 1, " ");
	*ret_size = (int)size_min(strspn(equals, "0123456789."), SHOWN_MAX);
	return equals;
}

static int check(const char *path, struct err *err)
{
	scoped(freep) char *configuration = NULL;
	scoped(freep) char *packages = NULL;
	scoped(buf_done) struct buf text = BUF_INIT(CONFIGURATION_MAX);
	struct err ignored = ERR_INIT;
	const char *version;
	int size;

	if (fs_join(path, CONFIGURATION, &configuration, err) < 0 || fs_join(path, PACKAGES, &packages, err) < 0)
		return -1;
	if (fs_read(configuration, &text, &ignored) < 0)
		return err_set(err, ERR_INVALID, "'%s' is no virtual environment: no " CONFIGURATION " in it", path);
	if (access(packages, F_OK) == 0)
		return 0;
	version = version_in(buf_text(&text), &size);
	return err_set(err, ERR_INVALID, "'%s' is for Python %.*s, this server has " VERSION " (no " PACKAGES " in it)",
		       path, size > 0 ? size : 20, size > 0 ? version : "of another version");
}

static int use(const char *path, char **ret, struct err *err)
{
	scoped(freep) char *absolute = realpath(path, NULL);

	if (!absolute)
		return err_set_errno(err, "cannot find '%s'", path);
	if (check(absolute, err) < 0)
		return -1;
	*ret = TAKE_PTR(absolute);
	return 0;
}

int plain_venv_find(const char *asked, char **ret, struct err *err)
{
	const char *active = getenv("VIRTUAL_ENV");
	struct err why = ERR_INIT;

	*ret = NULL;
	if (*asked)
		return use(asked, ret, err) < 0 ? err_prefix(err, "'--venv'") : 0;
	if (active && *active && use(active, ret, &why) < 0)
		operator_log("VIRTUAL_ENV is not used: %s", why.text);
	return 0;
}
