/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "image/image.h"

#define DISTRIBUTIONS "usr/lib/python3/dist-packages/"
#define NAME_MAX_SIZE 128

/* PEP 503: lower case, runs of '-', '_' and '.' are one '-'. false if it does not fit. */
static bool normalise(const char *name, size_t size, char ret[static NAME_MAX_SIZE])
{
	size_t used = 0;

	for (size_t i = 0; i < size; i++) {
		const bool is_separator = name[i] == '-' || name[i] == '_' || name[i] == '.';

		if (is_separator && used && ret[used - 1] == '-')
			continue;
		if (used + 1 >= NAME_MAX_SIZE)
			return false;
		ret[used++] = is_separator                       ? '-'
			      : name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a')
								 : name[i];
	}
	ret[used] = 0;
	return true;
}

/* Of "NAME-VERSION[-pyX].egg-info" or "NAME-VERSION.dist-info": 1 and the version if NAME is wanted. */
static int match(const char *entry, size_t size, const char *wanted, char ret_version[static IMAGE_VERSION_MAX])
{
	const char *dash = memchr(entry, '-', size);
	const char *version = dash ? dash + 1 : NULL;
	char name[NAME_MAX_SIZE];
	size_t version_size;

	if (size < 9 || (memcmp(entry + size - 9, ".egg-info", 9) != 0 &&
			 (size < 10 || memcmp(entry + size - 10, ".dist-info", 10) != 0)))
		return 0;
	size -= entry[size - 9] == '.' ? 9 : 10;
	if (!version || version >= entry + size || !normalise(entry, (size_t)(dash - entry), name) ||
	    strcmp(name, wanted) != 0)
		return 0;
	version_size = (size_t)(entry + size - version);
	dash = memchr(version, '-', version_size);
	if (dash)
		version_size = (size_t)(dash - version);
	if (version_size >= IMAGE_VERSION_MAX)
		return 0;
	memcpy(ret_version, version, version_size);
	ret_version[version_size] = 0;
	return 1;
}

int image_distribution(const struct bill *bill, const char *name, char ret_version[static IMAGE_VERSION_MAX])
{
	char wanted[NAME_MAX_SIZE];

	if (!normalise(name, strlen(name), wanted))
		return 0;
	for (size_t i = 0; i < bill->count; i++) {
		const char *path = bill->files[i].path;

		if (strncmp(path, DISTRIBUTIONS, strlen(DISTRIBUTIONS)) != 0)
			continue;
		path += strlen(DISTRIBUTIONS);
		if (match(path, strcspn(path, "/"), wanted, ret_version))
			return 1;
	}
	return 0;
}
