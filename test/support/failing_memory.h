/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocations that fail when a test says so. malloc, calloc and realloc of the program's own objects are wrapped at
 * link time (--wrap): those of libraries that are linked dynamically go on.
 */
#ifndef MSE_TEST_FAILING_MEMORY_H
#define MSE_TEST_FAILING_MEMORY_H

#include <stdbool.h>

/* So many allocations succeed from now on, then one fails, and all after it succeed again. */
void memory_fail_after(long allocations);
/* None fails from now on. Returns true if one did. */
bool memory_recover(void);

/*
 * Runs ask once as it is, which must return 0 and allocate more than `least` times, then once for each of these
 * allocations with that one failing; ask calls memory_recover before it looks at what came out.
 */
void memory_fail_each(long least, int (*ask)(void *context), void *context);

#endif
