/* SPDX-License-Identifier: Apache-2.0 */
/* A copy that ends where memory ends: reading on is noticed at once. Include after unit.h. */
#ifndef MSE_TEST_GUARDED_H
#define MSE_TEST_GUARDED_H

#include <string.h>
#include <sys/mman.h>

#define GUARDED_MAX (32u << 10)

/* The next call overwrites it. */
static inline const uint8_t *at_the_edge(const void *data, size_t size)
{
	static uint8_t *pages;

	if (!pages) {
		pages = mmap(NULL, GUARDED_MAX + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_true(pages != MAP_FAILED);
		assert_int_equal(mprotect(pages + GUARDED_MAX, 4096, PROT_NONE), 0);
	}
	assert_true(size <= GUARDED_MAX);
	memcpy(pages + GUARDED_MAX - size, data, size);
	return pages + GUARDED_MAX - size;
}

#endif
