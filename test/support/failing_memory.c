/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "failing_memory.h"

#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static long countdown = -1; /* allocations until one fails; negative: none does */
static bool failed;
static long made;

static bool fails(void)
{
	made++;
	if (countdown < 0 || countdown-- > 0)
		return false;
	failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

void memory_fail_after(long allocations)
{
	countdown = allocations;
	failed = false;
}

bool memory_recover(void)
{
	const bool did = failed;

	countdown = -1;
	failed = false;
	return did;
}

void memory_fail_each(long least, int (*ask)(void *context), void *context)
{
	long total;

	IGNORE_RESULT(memory_recover());
	made = 0;
	assert_int_equal(ask(context), 0);
	total = made;
	assert_true(total > least);
	for (long i = 0; i < total; i++) {
		memory_fail_after(i);
		(void)ask(context);
		IGNORE_RESULT(memory_recover());
	}
}
