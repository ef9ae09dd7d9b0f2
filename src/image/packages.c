/* SPDX-License-Identifier: Apache-2.0 */
#include "image/packages.h"

#include <string.h>

#include "base/spawn.h"

static int query(const char *option, const char *format, const char *const *packages, struct buf *ret, int *ret_status,
		 struct err *err)
{
	const char *argv[PACKAGES_MAX + 4] = {"dpkg-query", option};
	size_t count = 2;

	if (format)
		argv[count++] = format;
	for (size_t i = 0; packages[i]; i++) {
		if (i == PACKAGES_MAX)
			return err_set(err, ERR_LIMIT, "more than %d packages", PACKAGES_MAX);
		argv[count++] = packages[i];
	}
	argv[count] = NULL;
	/* what it says on stderr about unknown packages is no line that we look for */
	if (spawn_capture(argv, true, ret, ret_status, err) < 0)
		return err_prefix(err, "dpkg-query");
	return 0;
}

/* Whether text has the whole line "package". */
static bool has_line(const char *text, const char *package)
{
	const size_t size = strlen(package);

	for (const char *at = text; (at = strstr(at, package)) != NULL; at += size) {
		if ((at == text || at[-1] == '\n') && at[size] == '\n')
			return true;
	}
	return false;
}

int packages_check(const char *const *packages, struct err *err)
{
	scoped(buf_done) struct buf installed = BUF_INIT(PACKAGES_LIST_MAX);
	scoped(buf_done) struct buf missing = BUF_INIT(ERR_TEXT_SIZE);
	int status;

	/* its status is 1 as soon as one package is unknown: the lines tell */
	if (query("-W", "-f=${db:Status-Status} ${Package}\\n", packages, &installed, &status, err) < 0)
		return -1;
	for (size_t i = 0; packages[i]; i++) {
		scoped(buf_done) struct buf line = BUF_INIT(ERR_TEXT_SIZE);

		if (buf_addf(&line, err, "installed %s", packages[i]) < 0)
			return -1;
		if (!has_line(buf_text(&installed), buf_text(&line)) && buf_addf(&missing, err, " %s", packages[i]) < 0)
			return -1;
	}
	if (missing.size)
		return err_set(err, ERR_NOT_FOUND, "not installed: try 'apt-get install%s'", buf_text(&missing));
	return 0;
}

int packages_each_path(const char *const *packages, int (*visit)(const char *path, void *arg, struct err *err),
		       void *arg, struct err *err)
{
	scoped(buf_done) struct buf list = BUF_INIT(PACKAGES_LIST_MAX);
	char *next;
	int status;

	if (query("-L", NULL, packages, &list, &status, err) < 0)
		return -1;
	if (status != 0)
		return err_set(err, ERR_NOT_FOUND, "dpkg-query -L ended with status %d", status);
	for (char *line = (char *)list.data; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (line[0] == '/' && visit(line, arg, err) < 0)
			return -1;
	}
	return 0;
}
