/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/watch_metrics.h"

#include <inttypes.h>

/* A label's value: backslash, quote and line end are escaped. */
static int add_label(struct buf *ret, const char *text, struct err *err)
{
	for (; *text; text++) {
		if ((*text == '\\' || *text == '"') && buf_add_byte(ret, '\\', err) < 0)
			return -1;
		if (buf_add_byte(ret, *text == '\n' ? ' ' : (uint8_t)*text, err) < 0)
			return -1;
	}
	return 0;
}

/* One line: NAME{host="…"[,LABEL="TEXT"]} VALUE */
static int add_line(struct buf *ret, const char *name, const struct watch_metrics *host, const char *label,
		    const char *text, double value, struct err *err)
{
	if (buf_addf(ret, err, "%s{host=\"", name) < 0 || add_label(ret, host->host, err) < 0 ||
	    buf_add_text(ret, "\"", err) < 0)
		return -1;
	if (label && (buf_addf(ret, err, ",%s=\"", label) < 0 || add_label(ret, text, err) < 0 ||
		      buf_add_text(ret, "\"", err) < 0))
		return -1;
	return buf_addf(ret, err, "} %.15g\n", value);
}

typedef int (*adding)(struct buf *ret, const char *name, const struct watch_metrics *host, struct err *err);

static int add_accepted(struct buf *ret, const char *name, const struct watch_metrics *host, struct err *err)
{
	return add_line(ret, name, host, NULL, NULL, host->last.result == WATCH_ACCEPTED, err);
}

static int add_alarm(struct buf *ret, const char *name, const struct watch_metrics *host, struct err *err)
{
	return add_line(ret, name, host, NULL, NULL, host->is_alarmed, err);
}

static int add_error(struct buf *ret, const char *name, const struct watch_metrics *host, struct err *err)
{
	return *host->last.error ? add_line(ret, name, host, "error", host->last.error, 1, err) : 0;
}

static int add_looks(struct buf *ret, const char *name, const struct watch_metrics *host, struct err *err)
{
	for (enum watch_result result = 0; result < WATCH_RESULT_COUNT; result++) {
		if (add_line(ret, name, host, "verdict", watch_result_text(result), (double)host->looks[result], err) <
		    0)
			return -1;
	}
	return 0;
}

static int add_alarms(struct buf *ret, const char *name, const struct watch_metrics *host, struct err *err)
{
	return add_line(ret, name, host, NULL, NULL, (double)host->alarms, err);
}

static int add_time(struct buf *ret, const char *name, const struct watch_metrics *host, struct err *err)
{
	return add_line(ret, name, host, NULL, NULL, (double)host->last.time, err);
}

static int add_valid_until(struct buf *ret, const char *name, const struct watch_metrics *host, struct err *err)
{
	if (host->last.valid_until == INT64_MAX)
		return 0;
	return add_line(ret, name, host, NULL, NULL, (double)host->last.valid_until, err);
}

static int add_duration(struct buf *ret, const char *name, const struct watch_metrics *host, struct err *err)
{
	return add_line(ret, name, host, NULL, NULL, host->duration_seconds, err);
}

static const struct metric {
	const char *name, *type, *help;
	bool always; /* also before the first look */
	adding add;
} metrics[] = {
    {"mse_attest_accepted", "gauge", "1 if the last look was accepted.", false, add_accepted},
    {"mse_attest_alarm", "gauge", "1 while an alarm stands.", true, add_alarm},
    {"mse_attest_error", "gauge", "Why the last look was not accepted.", false, add_error},
    {"mse_attest_looks_total", "counter", "Looks at the host, by verdict.", true, add_looks},
    {"mse_attest_alarms_total", "counter", "Alarms.", true, add_alarms},
    {"mse_attest_last_look_timestamp_seconds", "gauge", "When the last look was.", false, add_time},
    {"mse_attest_valid_until_timestamp_seconds", "gauge", "When what the verdict was made of ends.", false,
     add_valid_until},
    {"mse_attest_look_duration_seconds", "gauge", "How long the last look took.", false, add_duration},
};

int watch_metrics_format(const struct watch_metrics *hosts, size_t count, struct buf *ret, struct err *err)
{
	if (buf_addf(ret, err,
		     "# HELP mse_build_info The program.\n# TYPE mse_build_info gauge\n"
		     "mse_build_info{version=\"%s\"} 1\n",
		     MSE_VERSION) < 0)
		return -1;
	for (size_t i = 0; i < COUNT_OF(metrics); i++) {
		const struct metric *metric = &metrics[i];

		if (buf_addf(ret, err, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
			     metric->type) < 0)
			return -1;
		for (size_t j = 0; j < count; j++) {
			if ((metric->always || hosts[j].has_look) && metric->add(ret, metric->name, &hosts[j], err) < 0)
				return -1;
		}
	}
	return 0;
}
