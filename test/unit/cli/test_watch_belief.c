/* SPDX-License-Identifier: Apache-2.0 */
/* What is expected, read by many threads while its file changes. With enclaves: test/e2e/test_attest_watch.py. */
#include "temp_dir.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "cli/trust_store.h"
#include "cli/watch.h"

#define THREADS 16

struct fixture {
	struct settings settings;
	struct out out;
	struct cmd_call call;
	struct watch_host hosts[3];
	struct watch watch;
	char *policy;
};

static const struct cmd_entry *watch_entry(void)
{
	for (size_t i = 0; i < cmd_table_count; i++) {
		if (cmd_table[i].run == cmd_attest_watch)
			return &cmd_table[i];
	}
	fail();
	return NULL;
}

static void give_option(struct cmd_call *call, const char *name, const char *value)
{
	for (size_t i = 0; i < call->entry->option_count; i++) {
		if (strcmp(call->entry->options[i].name, name) == 0)
			call->values[i] = value;
	}
	assert_string_equal(cmd_value(call, name), value);
}

static void fixture_init(struct fixture *fixture, void **state)
{
	static const char *const names[] = {"app.one.example", "app.two.example", "other.one.example"};

	*fixture = (struct fixture){.settings = {.conf_path = *state}, .policy = temp_dir_path(state, "policy.json")};
	out_init(&fixture->out, OUT_COLOR_NEVER);
	fixture->call = (struct cmd_call){.entry = watch_entry(), .out = &fixture->out, .settings = &fixture->settings};
	for (size_t i = 0; i < COUNT_OF(names); i++)
		(void)snprintf(fixture->hosts[i].address.host, sizeof(fixture->hosts[i].address.host), "%s", names[i]);
	fixture->watch = (struct watch){.call = &fixture->call,
					.hosts = fixture->hosts,
					.host_count = COUNT_OF(fixture->hosts),
					.lock = PTHREAD_MUTEX_INITIALIZER,
					.has_read = PTHREAD_COND_INITIALIZER};
}

static void fixture_done(struct fixture *fixture)
{
	if (fixture->watch.belief)
		watch_belief_give_back(&fixture->watch, fixture->watch.belief);
	free(fixture->policy);
}

static void write_text(const char *path, const char *text)
{
	struct err err = ERR_INIT;

	assert_ok(fs_write_replace(path, text, strlen(text), 0600, &err), &err);
}

/* A policy with that many measurements, so that reading it takes a while. */
static void write_policy(const struct fixture *fixture, int count)
{
	scoped(buf_done) struct buf text = BUF_INIT(1u << 20);
	struct err err = ERR_INIT;

	assert_ok(buf_add_text(&text, "{\"version\": 1, \"measurements\": [", &err), &err);
	for (int i = 0; i < count; i++)
		assert_ok(buf_addf(&text, &err, "%s\"%064x\"", i ? ", " : "", (unsigned)i), &err);
	assert_ok(buf_add_text(&text, "]}", &err), &err);
	write_text(fixture->policy, buf_text(&text));
}

/* ---- many threads ---- */

struct taker {
	struct watch *watch;
	pthread_barrier_t *start;
	size_t measurements;
	unsigned generation;
};

static void *take(void *arg)
{
	struct taker *taker = arg;
	struct err err = ERR_INIT;
	struct watch_belief *belief;

	(void)pthread_barrier_wait(taker->start);
	belief = watch_belief_take(taker->watch, &err);
	taker->measurements = belief ? belief->options.policy.measurement_count : 0;
	taker->generation = belief ? belief->generation : 0;
	if (belief)
		watch_belief_give_back(taker->watch, belief);
	return NULL;
}

static void take_at_once(struct watch *watch, struct taker takers[static THREADS])
{
	pthread_barrier_t start;
	pthread_t threads[THREADS];

	assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
	for (size_t i = 0; i < THREADS; i++) {
		takers[i] = (struct taker){.watch = watch, .start = &start};
		assert_int_equal(pthread_create(&threads[i], NULL, take, &takers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	(void)pthread_barrier_destroy(&start);
}

/* Whoever asks after a change gets what the file says now, and it is read once. */
static void test_a_change_counts_for_all_who_come_after_it(void **state)
{
	struct taker takers[THREADS];
	struct fixture fixture;
	struct err err = ERR_INIT;

	fixture_init(&fixture, state);
	give_option(&fixture.call, "policy", fixture.policy);
	write_policy(&fixture, 1);
	assert_ok(watch_belief_read(&fixture.watch, &err), &err);
	for (int round = 1; round <= 10; round++) {
		write_policy(&fixture, 50 + round);
		take_at_once(&fixture.watch, takers);
		for (size_t i = 0; i < THREADS; i++) {
			assert_int_equal(takers[i].measurements, 50 + round);
			assert_int_equal(takers[i].generation, round);
		}
	}
	fixture_done(&fixture);
}

static void test_what_cannot_be_read_is_tried_again(void **state)
{
	struct fixture fixture;
	struct watch_belief *belief;
	struct err err = ERR_INIT;

	fixture_init(&fixture, state);
	give_option(&fixture.call, "policy", fixture.policy);
	write_policy(&fixture, 1);
	assert_ok(watch_belief_read(&fixture.watch, &err), &err);
	write_text(fixture.policy, "{");
	for (int i = 0; i < 2; i++) {
		err = ERR_INIT;
		assert_null(watch_belief_take(&fixture.watch, &err));
		assert_non_null(strstr(err.text, fixture.policy));
	}
	write_policy(&fixture, 2);
	belief = watch_belief_take(&fixture.watch, &err);
	assert_non_null(belief);
	assert_int_equal(belief->options.policy.measurement_count, 2);
	watch_belief_give_back(&fixture.watch, belief);
	fixture_done(&fixture);
}

/* ---- clouds ---- */

static void trust_cloud(const struct fixture *fixture, const char *url, const char *base_domain)
{
	char pem[] = "PEM", hash[] = "00";
	const struct trust trust = {
	    .url = (char *)(uintptr_t)url, .ca = pem, .ca_sha256 = hash, .base_domain = (char *)(uintptr_t)base_domain};
	struct err err = ERR_INIT;

	assert_ok(trust_save(&fixture->settings, &trust, &err), &err);
}

static void test_each_cloud_gives_the_collateral_of_its_hosts(void **state)
{
	struct fixture fixture;
	const struct watch_belief *belief;
	struct err err = ERR_INIT;

	fixture_init(&fixture, state);
	trust_cloud(&fixture, "https://api.one.example", "one.example");
	trust_cloud(&fixture, "https://api.two.example", "two.example");
	assert_ok(watch_belief_read(&fixture.watch, &err), &err);
	belief = fixture.watch.belief;
	assert_int_equal(belief->cloud_count, 2);
	assert_string_equal(belief->clouds[0].url, "https://api.one.example");
	assert_string_equal(belief->clouds[1].url, "https://api.two.example");
	assert_ptr_equal(belief->collateral[0], belief->clouds[0].collateral);
	assert_ptr_equal(belief->collateral[1], belief->clouds[1].collateral);
	assert_ptr_equal(belief->collateral[2], belief->clouds[0].collateral);
	assert_ptr_not_equal(belief->collateral[0], belief->collateral[1]);
	fixture_done(&fixture);
}

static void test_a_place_that_was_named_is_for_all(void **state)
{
	struct fixture fixture;
	struct err err = ERR_INIT;

	fixture_init(&fixture, state);
	trust_cloud(&fixture, "https://api.one.example", "one.example");
	give_option(&fixture.call, "pccs", "https://pccs.example");
	assert_ok(watch_belief_read(&fixture.watch, &err), &err);
	assert_int_equal(fixture.watch.belief->cloud_count, 0);
	for (size_t i = 0; i < fixture.watch.host_count; i++)
		assert_ptr_equal(fixture.watch.belief->collateral[i], fixture.watch.belief->options.collateral);
	fixture_done(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_a_change_counts_for_all_who_come_after_it, temp_dir_make,
					    temp_dir_drop),
	    cmocka_unit_test_setup_teardown(test_what_cannot_be_read_is_tried_again, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test_setup_teardown(test_each_cloud_gives_the_collateral_of_its_hosts, temp_dir_make,
					    temp_dir_drop),
	    cmocka_unit_test_setup_teardown(test_a_place_that_was_named_is_for_all, temp_dir_make, temp_dir_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
