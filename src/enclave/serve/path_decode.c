/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/serve/path_decode.h"

#include <stdlib.h>
#include <string.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

char *path_decode(const char *path, size_t *ret_size)
{
	const size_t size = strlen(path);
	char *decoded = malloc(size + 1);
	size_t used = 0;

	for (size_t i = 0; decoded && i < size; i++) {
		const int high = path[i] == '%' ? hex_value(path[i + 1]) : -1;
		const int low = high >= 0 ? hex_value(path[i + 2]) : -1;

		if (low >= 0) {
			decoded[used++] = (char)(high << 4 | low);
			i += 2;
		} else {
			decoded[used++] = path[i];
		}
	}
	if (decoded)
		decoded[used] = 0;
	*ret_size = used;
	return decoded;
}
