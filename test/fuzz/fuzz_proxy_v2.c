/* SPDX-License-Identifier: Apache-2.0 */
/* What is accepted and holds addresses must come back from the formatter unchanged, but for TLVs. */
#include <stdlib.h>
#include <string.h>

#include "net/proxy_v2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_v2_addresses addresses;
	struct proxy_v2_addresses again;
	struct err err = ERR_INIT;
	scoped(buf_done) struct buf made = BUF_INIT(PROXY_V2_SIZE_MAX);
	size_t used = 0;
	size_t used_again = 0;
	const int found = proxy_v2_parse(data, size, &addresses, &used, &err);

	/* What is enough stays enough, what is too short stays open or becomes an error, never the reverse. */
	check(found >= 0 ? proxy_v2_is_possible(data, size) : err.code == ERR_INVALID || err.code == ERR_LIMIT);
	if (found <= 0)
		return 0;
	check(used >= PROXY_V2_SIZE_MIN && used <= size && used <= PROXY_V2_SIZE_MAX);
	check(proxy_v2_parse(data, used - 1, &again, &used_again, &err) == 0);
	if (addresses.family != PROXY_V2_INET && addresses.family != PROXY_V2_INET6)
		return 0;
	check(proxy_v2_format(&addresses, &made, &err) == 0 && made.size <= used);
	check(proxy_v2_parse(made.data, made.size, &again, &used_again, &err) == 1 && used_again == made.size);
	check(strcmp(again.source, addresses.source) == 0 && strcmp(again.destination, addresses.destination) == 0);
	check(again.source_port == addresses.source_port && again.destination_port == addresses.destination_port);
	return 0;
}
