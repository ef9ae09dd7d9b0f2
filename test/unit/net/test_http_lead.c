/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <poll.h>

#include "base/clock.h"
#include "base/scoped.h"
#include "net/http_lead.h"

#define WAIT_MS 10000

static struct http_lead lead;
static pthread_t overseer;

static int setup(void **state)
{
	(void)state;
	http_lead_init(&lead);
	return pthread_create(&overseer, NULL, http_lead_oversee, &lead);
}

static int teardown(void **state)
{
	(void)state;
	http_lead_end_overseer(&lead);
	(void)pthread_join(overseer, NULL);
	http_lead_done(&lead);
	return 0;
}

static bool is_taken(void)
{
	bool taken;

	(void)pthread_mutex_lock(&lead.lock);
	taken = lead.is_taken;
	(void)pthread_mutex_unlock(&lead.lock);
	return taken;
}

static void wait_until_vacant(void)
{
	for (int i = 0; i < WAIT_MS && is_taken(); i++)
		(void)poll(NULL, 0, 1);
	assert_false(is_taken());
}

static void who_is_quick_leads_on(void **state)
{
	int deposed = 0;

	(void)state;
	http_lead_take(&lead);
	for (int i = 0; i < 1000; i++) {
		const int64_t began_ns = http_lead_begin(&lead);

		/* On a busy machine even this may take long: then it must have lost the lead. */
		if (!http_lead_end(&lead, began_ns)) {
			deposed++;
			atomic_store(&lead.slow_until_ns, 0);
			http_lead_take(&lead);
		}
	}
	assert_in_range(deposed, 0, 100);
	assert_true(is_taken());
}

static void who_is_slow_is_deposed(void **state)
{
	int64_t first_ns, second_ns;

	(void)state;
	http_lead_take(&lead);
	first_ns = http_lead_begin(&lead);
	wait_until_vacant();
	/* Another thread goes on, and is busy too. */
	http_lead_take(&lead);
	atomic_store(&lead.slow_until_ns, 0);
	second_ns = http_lead_begin(&lead);
	assert_false(http_lead_end(&lead, first_ns));
	/* The end of the first has not hidden that the second is busy. */
	wait_until_vacant();
	assert_false(http_lead_end(&lead, second_ns));
}

/* Once one was, the next ones do not wait to be deposed; after a while of that it is tried again. */
static void slow_handlers_run_side_by_side(void **state)
{
	int64_t began_ns;

	(void)state;
	http_lead_take(&lead);
	began_ns = http_lead_begin(&lead);
	wait_until_vacant();
	assert_false(http_lead_end(&lead, began_ns));
	atomic_store(&lead.slow_until_ns, INT64_MAX);
	http_lead_take(&lead);
	assert_int_equal(http_lead_begin(&lead), 0);
	assert_false(is_taken());
	assert_false(http_lead_end(&lead, 0));
	atomic_store(&lead.slow_until_ns, 0);
	http_lead_take(&lead);
	assert_true(http_lead_begin(&lead) > 0);
}

/* Of the processor's time since began_ns and spent_ns, seven eighths were ours: nobody took it away. */
static bool is_undisturbed(int64_t began_ns, int64_t spent_ns)
{
	return (clock_process_cpu_ns() - spent_ns) * 8 > (clock_monotonic_ns() - began_ns) * 7;
}

/* It computes as if it held the lock that all handlers want: the next one would only wait for it. */
static bool compute_until_vacant(void)
{
	const int64_t spent_ns = clock_process_cpu_ns();
	int64_t began_ns;

	atomic_store(&lead.slow_until_ns, 0);
	http_lead_take(&lead);
	began_ns = http_lead_begin(&lead);
	while (is_taken()) {
	}
	assert_false(http_lead_end(&lead, began_ns));
	return is_undisturbed(began_ns, spent_ns);
}

static void who_computes_makes_nobody_slow(void **state)
{
	bool was_excused = false;

	(void)state;
	for (int i = 0; i < 100 && !was_excused; i++) {
		(void)poll(NULL, 0, HTTP_LEAD_SLOW_MS + 1);
		was_excused = compute_until_vacant() && atomic_load(&lead.slow_until_ns) == 0;
	}
	assert_true(was_excused);
}

/* Whatever computes all the time, handlers that take long run side by side in the end. */
static void excuses_come_to_an_end(void **state)
{
	(void)state;
	for (int i = 0; i < 100 && atomic_load(&lead.slow_until_ns) == 0; i++)
		(void)compute_until_vacant();
	assert_true(atomic_load(&lead.slow_until_ns) > 0);
}

/* It is followed at once, nobody counts as slow for it, and it takes nothing from who leads then. */
static void who_waits_for_a_client_steps_down(void **state)
{
	int64_t first_ns, second_ns;

	(void)state;
	assert_false(http_lead_is_mine());
	http_lead_take(&lead);
	first_ns = http_lead_begin(&lead);
	assert_true(http_lead_is_mine());
	http_lead_step_down(&lead);
	assert_false(is_taken());
	assert_false(http_lead_is_mine());
	assert_int_equal(atomic_load(&lead.slow_until_ns), 0);
	http_lead_take(&lead);
	second_ns = atomic_exchange(&lead.busy_since_ns, INT64_MAX); /* another leader's */
	assert_int_equal(second_ns, 0);
	http_lead_step_down(&lead);
	assert_false(http_lead_end(&lead, first_ns));
	assert_true(is_taken());
	atomic_store(&lead.busy_since_ns, 0);
}

/* An idle leader is never deposed, and the overseer sleeps; a later event wakes it. */
static void it_sleeps_and_wakes(void **state)
{
	int64_t began_ns;

	(void)state;
	http_lead_take(&lead);
	for (int i = 0; i < WAIT_MS && !atomic_load(&lead.overseer_sleeps); i++)
		(void)poll(NULL, 0, 1);
	assert_true(atomic_load(&lead.overseer_sleeps));
	assert_true(is_taken());
	began_ns = http_lead_begin(&lead);
	wait_until_vacant();
	assert_false(http_lead_end(&lead, began_ns));
}

static void *lead_once(void *arg)
{
	(void)arg;
	http_lead_take(&lead);
	http_lead_give(&lead);
	return NULL;
}

/* The end of a pool: each thread takes the lead, sees that it is over, and hands it on. */
static void the_lead_goes_through_all(void **state)
{
	pthread_t threads[8];

	(void)state;
	http_lead_take(&lead);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, lead_once, NULL), 0);
	http_lead_give(&lead);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		(void)pthread_join(threads[i], NULL);
	assert_false(is_taken());
}

/* A driver that comes back keeps the lead; in between it is deposed as anybody is. */
static void a_driver_leads_until_it_stays_away(void **state)
{
	(void)state;
	http_lead_take(&lead);
	assert_false(http_lead_pass(&lead)); /* there is none */
	http_lead_set_driver(&lead, true);
	assert_true(http_lead_pass(&lead));
	wait_until_vacant();
	/* Another goes on, and does not pass the lead to one who is away. */
	http_lead_take(&lead);
	assert_false(http_lead_pass(&lead));
	assert_false(http_lead_hold(&lead));
	lead.driven_from_ns = 0;
	assert_true(http_lead_pass(&lead));
	if (http_lead_hold(&lead)) {
		/* It asks for events: as long as that takes, nobody deposes it. */
		(void)poll(NULL, 0, 3 * HTTP_LEAD_MS);
		assert_true(is_taken());
		(void)http_lead_loosen(&lead);
		http_lead_give_driven(&lead);
	}
	assert_false(is_taken());
}

/* What is a pool thread's is not the driver's to give. */
static void a_driver_gives_only_its_own(void **state)
{
	(void)state;
	http_lead_set_driver(&lead, true);
	http_lead_take(&lead);
	http_lead_give_driven(&lead);
	assert_true(is_taken());
	assert_true(http_lead_pass(&lead));
	http_lead_set_driver(&lead, false);
	assert_false(is_taken());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(who_is_quick_leads_on, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_is_slow_is_deposed, setup, teardown),
	    cmocka_unit_test_setup_teardown(slow_handlers_run_side_by_side, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_computes_makes_nobody_slow, setup, teardown),
	    cmocka_unit_test_setup_teardown(excuses_come_to_an_end, setup, teardown),
	    cmocka_unit_test_setup_teardown(who_waits_for_a_client_steps_down, setup, teardown),
	    cmocka_unit_test_setup_teardown(it_sleeps_and_wakes, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_lead_goes_through_all, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_driver_leads_until_it_stays_away, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_driver_gives_only_its_own, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
