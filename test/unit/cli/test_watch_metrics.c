/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "cli/watch_metrics.h"

static void check_has(const struct buf *text, const char *line)
{
	if (!strstr(buf_text(text), line))
		fail_msg("no line '%s' in:\n%s", line, buf_text(text));
}

static void test_lines(void **state)
{
	struct watch_metrics hosts[2] = {
	    {.host = "a\"\\\n.localhost:443",
	     .looks = {[WATCH_ACCEPTED] = 3, [WATCH_REFUSED] = 1},
	     .alarms = 1,
	     .is_alarmed = true,
	     .has_look = true,
	     .last = {.result = WATCH_REFUSED, .time = 1700000000, .valid_until = INT64_MAX, .error = "measurement"},
	     .duration_seconds = 0.25},
	    {.host = "b"},
	};
	scoped(buf_done) struct buf text = BUF_INIT(WATCH_METRICS_SIZE_MAX);
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(watch_metrics_format(hosts, 2, &text, &err), &err);
	check_has(&text, "\nmse_attest_accepted{host=\"a\\\"\\\\ .localhost:443\"} 0\n");
	check_has(&text, "{host=\"a\\\"\\\\ .localhost:443\",error=\"measurement\"} 1\n");
	check_has(&text, "\nmse_attest_last_look_timestamp_seconds{host=\"a\\\"\\\\ .localhost:443\"} 1700000000\n");
	check_has(&text, "\nmse_attest_look_duration_seconds{host=\"a\\\"\\\\ .localhost:443\"} 0.25\n");
	check_has(&text, "{host=\"a\\\"\\\\ .localhost:443\",verdict=\"accept\"} 3\n");
	check_has(&text, "\nmse_attest_looks_total{host=\"b\",verdict=\"unjudged\"} 0\n");
	assert_null(strstr(buf_text(&text), "mse_attest_accepted{host=\"b\""));
	assert_null(strstr(buf_text(&text), "valid_until_timestamp_seconds{"));
	hosts[0].last = (struct watch_look){.result = WATCH_ACCEPTED, .valid_until = 1800000000};
	buf_clear(&text);
	assert_ok(watch_metrics_format(hosts, 1, &text, &err), &err);
	check_has(&text, "valid_until_timestamp_seconds{host=\"a\\\"\\\\ .localhost:443\"} 1800000000\n");
	assert_null(strstr(buf_text(&text), "error="));
}

static void test_limit(void **state)
{
	const struct watch_metrics host = {.host = "a"};
	scoped(buf_done) struct buf text = BUF_INIT(200);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(watch_metrics_format(&host, 1, &text, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines), cmocka_unit_test(test_limit)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
