/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "domain/bill_trust.h"

static bool same_file(const struct bill_file *a, const struct bill_file *b)
{
	return a && a->size == b->size && memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

/* Files of one bill that the other has not, or has otherwise. */
static int add_differences(const struct bill *bill, const struct bill *other, bool absent_only, size_t max,
			   struct buf *lines, size_t *count, struct err *err)
{
	for (size_t i = 0; i < bill->count; i++) {
		const struct bill_file *found = bill_find(other, bill->files[i].path);

		if ((found && absent_only) || same_file(found, &bill->files[i]) || ++*count > max)
			continue;
		if (buf_addf(lines, err, "\n'%s' %s", bill->files[i].path,
			     found         ? "differs"
			     : absent_only ? "is there only"
					   : "is not there") < 0)
			return -1;
	}
	return 0;
}

int bill_diff(const struct bill *expected, const struct bill *seen, size_t max, struct buf *ret, struct err *err)
{
	size_t count = 0;

	if (memcmp(expected->loader, seen->loader, sizeof(expected->loader)) != 0 &&
	    buf_add_text(ret, "\nthe loader differs", err) < 0)
		return -1;
	if (add_differences(expected, seen, false, max, ret, &count, err) < 0 ||
	    add_differences(seen, expected, true, max, ret, &count, err) < 0)
		return -1;
	return count > max ? buf_addf(ret, err, "\nand %zu more", count - max) : 0;
}
