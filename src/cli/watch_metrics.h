/* SPDX-License-Identifier: Apache-2.0 */
/* What a watch counts, in the text format of Prometheus (version 0.0.4). Pure. */
#ifndef MSE_CLI_WATCH_METRICS_H
#define MSE_CLI_WATCH_METRICS_H

#include "base/buf.h"
#include "cli/watch_state.h"

#define WATCH_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define WATCH_METRICS_SIZE_MAX (1u << 20)

struct watch_metrics {
	const char *host;
	uint64_t looks[WATCH_RESULT_COUNT];
	uint64_t alarms;
	bool is_alarmed;
	bool has_look;
	struct watch_look last;
	double duration_seconds; /* of the last look */
};

must_check int watch_metrics_format(const struct watch_metrics *hosts, size_t count, struct buf *ret, struct err *err);

#endif
