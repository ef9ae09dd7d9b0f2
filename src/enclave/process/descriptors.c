/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/process/descriptors.h"

#include <stdint.h>
#include <sys/resource.h>

#include "base/number.h"
#include "enclave/process/operator_log.h"

/* Files of the application, and streams of HTTP/2 that wait: an eighth of all, see http_server.h. */
#define OTHERS 256
#define needed(connections) ((rlim_t)(connections) + (connections) / 7 + OTHERS)

void descriptors_raise(unsigned connections)
{
	const rlim_t wanted = needed(connections);
	struct rlimit limit;
	rlim_t before;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	before = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		limit.rlim_cur = before;
	if (limit.rlim_cur < connections)
		operator_log(
		    "--connections %u cannot be had with %llu descriptors (LimitNOFILE, ulimit -Hn): further ones wait",
		    connections, (unsigned long long)limit.rlim_cur);
}
