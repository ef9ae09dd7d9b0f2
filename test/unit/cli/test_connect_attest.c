/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/connect_attest.h"
#include "net/dial.h"

static atomic_uint opens, at_once, most;

/* Refuses after a moment; counts how many do so at once. */
static int refuse(void *arg, struct channel **ret_channel, struct attest_verdict **ret_verdict, struct err *err)
{
	const unsigned now = atomic_fetch_add(&at_once, 1) + 1;
	unsigned seen = atomic_load(&most);

	(void)arg;
	while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
		;
	*ret_channel = NULL;
	*ret_verdict = NULL;
	(void)poll(NULL, 0, 5);
	atomic_fetch_sub(&at_once, 1);
	atomic_fetch_add(&opens, 1);
	return err_set(err, ERR_TIMEOUT, "attest-timeout: no answer in time");
}

/* Waits for what never comes. */
static int hang(void *arg, struct channel **ret_channel, struct attest_verdict **ret_verdict, struct err *err)
{
	(void)ret_channel;
	(void)ret_verdict;
	atomic_fetch_add(&opens, 1);
	return dial_wait(*(const int *)arg, POLLIN, clock_monotonic_ns() + 60000000000LL, err);
}

static unsigned generation(void *arg)
{
	(void)arg;
	return 7;
}

static void every_question_has_one_result(void **state)
{
	scoped(connect_attester_freep) struct connect_attester *attester = NULL;
	struct err err = ERR_INIT;
	size_t results = 0;

	(void)state;
	assert_ok(connect_attester_new(refuse, generation, NULL, &attester, &err), &err);
	for (int i = 0; i < 50; i++)
		assert_ok(connect_attester_ask(attester, &err), &err);
	while (results < 50) {
		struct pollfd wait = {.fd = connect_attester_fd(attester), .events = POLLIN};
		struct connect_attested *attested;
		char name[ATTEST_NAME_SIZE];

		assert_int_equal(poll(&wait, 1, 20000), 1);
		while ((attested = connect_attester_take(attester))) {
			results++;
			assert_null(attested->channel);
			assert_int_equal(attested->generation, 7);
			connect_attested_name(attested, name);
			assert_string_equal(name, "attest-timeout");
			connect_attested_free(attested);
		}
	}
	assert_int_equal(atomic_load(&opens), 50);
	assert_in_range(atomic_load(&most), 1, CONNECT_ATTEST_THREADS);
	assert_null(connect_attester_take(attester));
}

static void the_end_does_not_wait_for_others(void **state)
{
	scoped(connect_attester_freep) struct connect_attester *attester = NULL;
	struct err err = ERR_INIT;
	const int64_t begin_ns = clock_monotonic_ns();
	int silent[2];

	(void)state;
	assert_int_equal(pipe(silent), 0);
	atomic_store(&opens, 0);
	assert_ok(connect_attester_new(hang, generation, &silent[0], &attester, &err), &err);
	for (int i = 0; i < 2 * CONNECT_ATTEST_THREADS; i++)
		assert_ok(connect_attester_ask(attester, &err), &err);
	while (atomic_load(&opens) == 0)
		(void)poll(NULL, 0, 1);
	connect_attester_free(TAKE_PTR(attester));
	assert_true(clock_monotonic_ns() - begin_ns < 20000000000LL);
	(void)close(silent[0]);
	(void)close(silent[1]);
}

static void names_of_failures(void **state)
{
	static const struct {
		const char *text, *name;
	} rows[] = {
	    {"tls-version: the server does not speak", "tls-version"},
	    {"attest-http", "attest-http"},
	    {"expectation: cannot read", "expectation"},
	    {"cannot connect to 'x' port 1: refused", "unreachable"},
	    {"tls-version-x: y", "unreachable"},
	    {"", "unreachable"},
	};
	struct attest_verdict *verdict = calloc(1, sizeof(*verdict));
	struct connect_attested attested = {.channel = NULL};
	char name[ATTEST_NAME_SIZE];

	(void)state;
	assert_non_null(verdict);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		(void)snprintf(attested.err.text, sizeof(attested.err.text), "%s", rows[i].text);
		connect_attested_name(&attested, name);
		assert_string_equal(name, rows[i].name);
	}
	(void)snprintf(verdict->error_text, sizeof(verdict->error_text), "instance-field:domain");
	attested.verdict = verdict;
	connect_attested_name(&attested, name);
	assert_string_equal(name, "instance-field:domain");
	free(verdict);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_question_has_one_result),
	    cmocka_unit_test(the_end_does_not_wait_for_others),
	    cmocka_unit_test(names_of_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
