/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/process/start_clock.h"

#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/number.h"
#include "enclave/process/operator_log.h"

#define PHASES_MAX 8
#define TEXT_MAX 256

struct phase {
	const char *name;
	int64_t spent_ns;
};

static struct phase phases[PHASES_MAX];
static size_t phase_count;
static int64_t begin_ns;
static int64_t since_ns;
static bool is_told;

static void add(const char *name, int64_t spent_ns)
{
	if (phase_count < PHASES_MAX)
		phases[phase_count++] = (struct phase){name, spent_ns};
}

void start_clock_begin(void)
{
	phase_count = 0;
	add("program", clock_process_cpu_ns());
	begin_ns = since_ns = clock_monotonic_ns();
}

void start_clock_tell(void)
{
	is_told = true;
}

void start_clock_mark(const char *name)
{
	const int64_t now_ns = clock_monotonic_ns();

	add(name, now_ns - since_ns);
	since_ns = now_ns;
	if (is_told)
		operator_log("phase: %s after %.1f ms", name, (double)(now_ns - begin_ns) / (double)NS_PER_MS);
}

static long long rounded_ms(int64_t ns)
{
	return (long long)((ns + NS_PER_MS / 2) / NS_PER_MS);
}

void start_clock_say(void)
{
	scoped(buf_done) struct buf text = BUF_INIT(TEXT_MAX);
	struct err err = ERR_INIT;
	int64_t total_ns = 0;

	for (size_t i = 0; i < phase_count; i++) {
		total_ns += phases[i].spent_ns;
		IGNORE_RESULT(buf_addf(&text, &err, "%s %s %lld", i > 0 ? "," : "", phases[i].name,
				       rounded_ms(phases[i].spent_ns)));
	}
	operator_log("started in %lld ms:%s", rounded_ms(total_ns), buf_text(&text));
}
