/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "domain/release.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted formats to the very same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(release_freep) struct release *release = NULL;
	scoped(bill_freep) struct bill *bill = NULL;
	scoped(buf_done) struct buf again = BUF_INIT(RELEASE_MANIFEST_MAX);
	struct err err = ERR_INIT;

	if (release_from_manifest(data, size, &release, &bill, &err) < 0)
		return 0;
	if (release_manifest_format(release, bill, &again, &err) < 0 || again.size != size ||
	    memcmp(again.data, data, size) != 0)
		abort();
	return 0;
}
