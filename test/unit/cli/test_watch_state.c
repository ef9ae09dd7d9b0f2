/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "cli/watch_state.h"

static struct watch_look accepted(const char *status)
{
	struct watch_look look = {.result = WATCH_ACCEPTED, .valid_until = INT64_MAX};

	(void)snprintf(look.values[WATCH_FIELD_TCB_STATUS], WATCH_VALUE_SIZE, "%s", status);
	return look;
}

static struct watch_look refused(const char *error)
{
	struct watch_look look = {.result = WATCH_REFUSED, .valid_until = INT64_MAX};

	(void)snprintf(look.error, sizeof(look.error), "%s", error);
	return look;
}

static struct watch_look unjudged(void)
{
	struct watch_look look;

	watch_look_unjudged("unavailable", "nobody there", 7, &look);
	return look;
}

static void test_what_follows_what(void **state)
{
	const struct watch_look good = accepted("UpToDate"), other = accepted("SWHardeningNeeded");
	const struct watch_look bad = refused("measurement"), worse = refused("identity-changed"), none = unjudged();
	const struct {
		const struct watch_look *look;
		enum watch_event event;
	} steps[] = {
	    {&good, WATCH_FIRST},     {&good, WATCH_NOTHING}, {&other, WATCH_CHANGE},  {&other, WATCH_NOTHING},
	    {&bad, WATCH_ALARM},      {&bad, WATCH_NOTHING},  {&worse, WATCH_ALARM},   {&bad, WATCH_ALARM},
	    {&none, WATCH_NOTHING},   {&none, WATCH_NOTHING}, {&none, WATCH_NOTHING},  {&bad, WATCH_NOTHING},
	    {&other, WATCH_RECOVERY}, {&none, WATCH_NOTHING}, {&other, WATCH_NOTHING}, {&none, WATCH_NOTHING},
	    {&none, WATCH_NOTHING},   {&none, WATCH_ALARM},   {&none, WATCH_NOTHING},  {&bad, WATCH_ALARM},
	    {&good, WATCH_RECOVERY},  {&good, WATCH_NOTHING},
	};
	struct watch_state host = {.is_alarmed = false};
	struct watch_look before;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		const enum watch_event event = watch_observe(&host, steps[i].look, 3, &before);

		if (event != steps[i].event)
			fail_msg("step %zu: %s, expected %s", i, watch_event_text(event),
				 watch_event_text(steps[i].event));
	}
	assert_string_equal(before.values[WATCH_FIELD_TCB_STATUS], "UpToDate");
}

static void test_refused_at_once(void **state)
{
	struct watch_state host = {.is_alarmed = false};
	const struct watch_look bad = refused("simulated");
	const struct watch_look none = unjudged();
	struct watch_look before;

	(void)state;
	assert_int_equal(watch_observe(&host, &none, 2, &before), WATCH_NOTHING);
	assert_int_equal(watch_observe(&host, &bad, 2, &before), WATCH_ALARM);
	assert_string_equal(before.values[WATCH_FIELD_TEE], "");
	host = (struct watch_state){.is_alarmed = false};
	assert_int_equal(watch_observe(&host, &none, 1, &before), WATCH_ALARM);
	assert_string_equal(host.alarm, "unavailable");
}

static void test_when_next(void **state)
{
	static const struct {
		int64_t valid_until, interval, next;
	} rows[] = {
	    {INT64_MAX, 300, 1300}, {100000, 300, 1300}, {1601, 300, 1300}, {1600, 300, 1300},
	    {1599, 300, 1299},      {1400, 300, 1100},   {1310, 300, 1010}, {1309, 300, 1010},
	    {1000, 300, 1010},      {0, 300, 1010},      {0, 5, 1005},      {1400, 5, 1005},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct watch_look look = {.time = 1000, .valid_until = rows[i].valid_until};

		assert_int_equal(watch_next(&look, rows[i].interval), rows[i].next);
	}
}

static void test_what_is_ending(void **state)
{
	struct watch_look look = {.valid_until = 1000};

	(void)state;
	assert_false(watch_is_ending(&look, 699));
	assert_true(watch_is_ending(&look, 700));
	assert_true(watch_is_ending(&look, 2000));
	look.valid_until = INT64_MAX;
	assert_false(watch_is_ending(&look, INT64_MAX));
}

/* However many advisories there are: one more, or another, shows. */
static void test_advisories_beyond_the_room(void **state)
{
	struct attest_verdict *verdict = calloc(1, sizeof(*verdict));
	struct watch_look a, b;

	(void)state;
	assert_non_null(verdict);
	verdict->accepted = true;
	verdict->facts.tcb_known = true;
	for (size_t i = 0; i < 3; i++)
		(void)snprintf(verdict->facts.advisories[verdict->facts.advisory_count++], ATTEST_ADVISORY_SIZE,
			       "INTEL-SA-%05zu", i);
	watch_look_of_verdict(verdict, 1, &a);
	assert_string_equal(a.values[WATCH_FIELD_ADVISORIES], "INTEL-SA-00000,INTEL-SA-00001,INTEL-SA-00002");
	while (verdict->facts.advisory_count < ATTEST_ADVISORIES_MAX)
		(void)snprintf(verdict->facts.advisories[verdict->facts.advisory_count++], ATTEST_ADVISORY_SIZE,
			       "INTEL-SA-00000");
	watch_look_of_verdict(verdict, 1, &a);
	assert_non_null(strstr(a.values[WATCH_FIELD_ADVISORIES], " advisories, "));
	verdict->facts.advisories[ATTEST_ADVISORIES_MAX - 1][0] = 'X';
	watch_look_of_verdict(verdict, 1, &b);
	assert_string_not_equal(a.values[WATCH_FIELD_ADVISORIES], b.values[WATCH_FIELD_ADVISORIES]);
	free(verdict);
}

static void test_texts(void **state)
{
	(void)state;
	for (enum watch_field field = 0; field < WATCH_FIELD_COUNT; field++)
		assert_non_null(watch_field_text(field));
	for (enum watch_event event = 0; event < WATCH_EVENT_COUNT; event++)
		assert_non_null(watch_event_text(event));
	for (enum watch_result result = 0; result < WATCH_RESULT_COUNT; result++)
		assert_non_null(watch_result_text(result));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_follows_what),
	    cmocka_unit_test(test_refused_at_once),
	    cmocka_unit_test(test_when_next),
	    cmocka_unit_test(test_what_is_ending),
	    cmocka_unit_test(test_advisories_beyond_the_room),
	    cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
