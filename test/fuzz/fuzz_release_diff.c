/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "domain/release.h"

#define EXPECTED "[sgx]\nmax_threads = 64\n\n[[sgx.trusted_files]]\nuri = \"file:/usr/a\"\nsha256 = \"00\"\n"
#define LINES_MAX 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Texts that differ are never said to be equal, and the lines are printable whatever was seen. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(buf_done) struct buf lines = BUF_INIT(1u << 20);
	const size_t expected_size = strlen(EXPECTED);
	const int is_equal = size == expected_size && memcmp(data, EXPECTED, size) == 0;
	struct err err = ERR_INIT;
	const int status = release_diff(EXPECTED, expected_size, data, size, LINES_MAX, &lines, &err);

	if (status >= 0 && (status == 0) != is_equal)
		abort();
	for (size_t i = 0; i < lines.size; i++) {
		if (lines.data[i] != '\n' && (lines.data[i] < 0x20 || lines.data[i] > 0x7e))
			abort();
	}
	return 0;
}
