/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/files.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

#define RUN_NAME_SIZE 17
#define EXE_PATH_MAX 4096

int file_path(const char *data_dir, char **ret, struct err *err, const char *format, ...)
{
	scoped(freep) char *name = NULL;
	va_list args;
	int size;

	va_start(args, format);
	size = vasprintf(&name, format, args);
	va_end(args);
	if (size < 0) {
		name = NULL;
		return err_no_memory(err);
	}
	return fs_join(data_dir, name, ret, err);
}

int file_run_dir(const char *data_dir, const char *app_id, char **ret, struct err *err)
{
	char name[RUN_NAME_SIZE];
	size_t used = 0;

	for (const char *c = app_id; *c && used < sizeof(name) - 1; c++)
		if (*c != '-')
			name[used++] = *c;
	name[used] = 0;
	return file_path(data_dir, ret, err, FILE_RUN "/%s", name);
}

/* Our own executable's directory, without links. */
static int own_dir(char ret[static EXE_PATH_MAX], struct err *err)
{
	const ssize_t size = readlink("/proc/self/exe", ret, EXE_PATH_MAX - 1);
	char *slash;

	if (size < 0)
		return err_set_errno(err, "cannot read /proc/self/exe");
	ret[size] = 0;
	slash = strrchr(ret, '/');
	if (slash)
		*slash = 0;
	return 0;
}

static int copy_path(const char *path, char **ret, struct err *err)
{
	char *copy = strdup(path);

	if (!copy)
		return err_no_memory(err);
	*ret = copy;
	return 0;
}

int file_program(const char *configured, const char *name, char **ret, struct err *err)
{
	/* Installed: side by side. In a build folder: src/cloud/msed, src/sim/mse-sim and links at the top. */
	static const char *const places[] = {"", "/../sim", "/../enclave", "/../.."};
	char dir[EXE_PATH_MAX];
	char path[2 * EXE_PATH_MAX];

	if (configured)
		return copy_path(configured, ret, err);
	if (own_dir(dir, err) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		(void)snprintf(path, sizeof(path), "%s%s/%s", dir, places[i], name);
		if (access(path, X_OK) == 0 && !fs_is_dir(path))
			return copy_path(path, ret, err);
	}
	return err_set(err, ERR_NOT_FOUND, "there is no '%s' beside msed in '%s'", name, dir);
}
