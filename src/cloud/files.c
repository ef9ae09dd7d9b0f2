/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/files.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/program.h"

#define RUN_NAME_SIZE 17

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

int file_program(const char *configured, const char *name, char **ret, struct err *err)
{
	if (!configured)
		return program_find(name, ret, err);
	*ret = strdup(configured);
	return *ret ? 0 : err_no_memory(err);
}
