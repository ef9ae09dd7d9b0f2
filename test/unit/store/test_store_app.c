/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "store_place.h"

static struct app find(struct place *place, const char *id)
{
	struct err err = ERR_INIT;
	struct app app = {0};

	assert_int_equal(store_app_find(place->store, id, &app, &err), 1);
	return app;
}

static void what_is_added_is_found(void **state)
{
	struct place *place = *state;
	const struct app app = place_app(1);
	struct err err = ERR_INIT;
	struct app found;

	assert_ok(store_app_add(place->store, &app, &err), &err);
	found = find(place, app.id);
	assert_string_equal(found.name, app.name);
	assert_string_equal(found.domain_name, app.domain_name);
	assert_string_equal(found.instance, "{}");
	assert_int_equal(found.state, APP_SPAWNING);
	assert_int_equal(found.expires_at, app.expires_at);
	assert_int_equal(found.ready_at, 0);
	assert_int_equal(store_app_find(place->store, PLACE_USER, &found, &err), 0);
}

static void only_one_of_a_name_is_active(void **state)
{
	struct place *place = *state;
	struct app first = place_app(1), second = place_app(2);
	struct err err = ERR_INIT;

	(void)snprintf(second.name, sizeof(second.name), "%s", first.name);
	assert_ok(store_app_add(place->store, &first, &err), &err);
	assert_fails(store_app_add(place->store, &second, &err), &err, ERR_CONFLICT, "`app1`");
	assert_ok(store_app_move(place->store, first.id, APP_SPAWNING, APP_STOPPED, "asked", PLACE_NOW + 5, &err),
		  &err);
	assert_ok(store_app_add(place->store, &second, &err), &err);
}

static void only_one_of_a_domain_is_active(void **state)
{
	struct place *place = *state;
	struct app first = place_app(1), second = place_app(2);
	struct err err = ERR_INIT;

	(void)snprintf(second.domain_name, sizeof(second.domain_name), "%s", first.domain_name);
	assert_ok(store_app_add(place->store, &first, &err), &err);
	assert_fails(store_app_add(place->store, &second, &err), &err, ERR_CONFLICT, "same domain name");
}

static void moves_name_what_they_expect(void **state)
{
	struct place *place = *state;
	const struct app app = place_app(1);
	struct err err = ERR_INIT;

	assert_ok(store_app_add(place->store, &app, &err), &err);
	assert_fails(store_app_move(place->store, app.id, APP_INITIALIZING, APP_RUNNING, "x", PLACE_NOW, &err), &err,
		     ERR_CONFLICT, "not initializing");
	assert_fails(store_app_move(place->store, app.id, APP_SPAWNING, APP_RUNNING, "x", PLACE_NOW, &err), &err,
		     ERR_INTERNAL, "cannot go from spawning to running");
	assert_ok(store_app_move(place->store, app.id, APP_SPAWNING, APP_INITIALIZING, "a", PLACE_NOW + 1, &err), &err);
	assert_ok(store_app_move(place->store, app.id, APP_INITIALIZING, APP_RUNNING, "b", PLACE_NOW + 2, &err), &err);
	assert_int_equal(find(place, app.id).ready_at, PLACE_NOW + 2);
	assert_int_equal(find(place, app.id).stopped_at, 0);
	assert_ok(store_app_move(place->store, app.id, APP_RUNNING, APP_ON_ERROR, "crash", PLACE_NOW + 3, &err), &err);
	assert_int_equal(find(place, app.id).stopped_at, PLACE_NOW + 3);
	assert_int_equal(find(place, app.id).ready_at, PLACE_NOW + 2);
	assert_string_equal(find(place, app.id).reason, "crash");
	assert_fails(store_app_move(place->store, app.id, APP_ON_ERROR, APP_RUNNING, "x", PLACE_NOW, &err), &err,
		     ERR_INTERNAL, "cannot go");
}

static int add_text(const struct app_event *event, void *arg, struct err *err)
{
	return buf_addf(arg, err, "%s>%s:%s;", event->from, event->to, event->reason);
}

static void every_move_has_its_history(void **state)
{
	struct place *place = *state;
	const struct app app = place_app(1);
	scoped(buf_done) struct buf text = BUF_INIT(1000);
	struct err err = ERR_INIT;

	assert_ok(store_app_add(place->store, &app, &err), &err);
	assert_ok(store_app_move(place->store, app.id, APP_SPAWNING, APP_STOPPED, "asked", PLACE_NOW + 1, &err), &err);
	assert_ok(store_app_events(place->store, app.id, 0, add_text, &text, &err), &err);
	assert_string_equal(buf_text(&text), ">spawning:deployed;spawning>stopped:asked;");
	buf_clear(&text);
	assert_ok(store_app_events(place->store, app.id, 1, add_text, &text, &err), &err);
	assert_string_equal(buf_text(&text), "spawning>stopped:asked;");
}

static void a_stop_is_noted_once(void **state)
{
	struct place *place = *state;
	const struct app app = place_app(1);
	struct err err = ERR_INIT;
	char reason[APP_REASON_SIZE];
	bool noted = false;

	assert_ok(store_app_add(place->store, &app, &err), &err);
	assert_ok(store_app_want_stop(place->store, app.id, "asked", &noted, &err), &err);
	assert_true(noted);
	assert_true(find(place, app.id).stop_wanted);
	assert_ok(store_app_want_stop(place->store, app.id, "expired", &noted, &err), &err);
	assert_false(noted);
	assert_ok(store_app_stop_reason(place->store, app.id, reason, &err), &err);
	assert_string_equal(reason, "asked");
}

static int add_name(const struct app *app, void *arg, struct err *err)
{
	return buf_addf(arg, err, "%s ", app->name);
}

static void lists_are_filtered_and_paged(void **state)
{
	struct place *place = *state;
	const struct store_page page = {.page = 1, .per_page = 2}, next = {.page = 2, .per_page = 2};
	struct store_app_filter filter = {.owner_id = PLACE_USER};
	scoped(buf_done) struct buf text = BUF_INIT(1000);
	struct err err = ERR_INIT;

	for (int i = 1; i <= 3; i++) {
		const struct app app = place_app(i);

		assert_ok(store_app_add(place->store, &app, &err), &err);
	}
	assert_ok(store_app_each(place->store, &filter, &page, add_name, &text, &err), &err);
	assert_string_equal(buf_text(&text), "app3 app2 ");
	buf_clear(&text);
	assert_ok(store_app_each(place->store, &filter, &next, add_name, &text, &err), &err);
	assert_string_equal(buf_text(&text), "app1 ");
	buf_clear(&text);
	filter.states = 1U << APP_RUNNING;
	assert_ok(store_app_each(place->store, &filter, &page, add_name, &text, &err), &err);
	assert_string_equal(buf_text(&text), "");
	filter.states = 1U << APP_RUNNING | 1U << APP_SPAWNING;
	filter.name = "app2";
	assert_ok(store_app_each(place->store, &filter, &page, add_name, &text, &err), &err);
	assert_string_equal(buf_text(&text), "app2 ");
	filter.owner_id = PLACE_PROJECT;
	buf_clear(&text);
	assert_ok(store_app_each(place->store, &filter, &page, add_name, &text, &err), &err);
	assert_string_equal(buf_text(&text), "");
}

static size_t work_count(struct place *place, int64_t clean_before)
{
	scoped(freep) char(*ids)[UUID_TEXT_SIZE] = NULL;
	struct err err = ERR_INIT;
	size_t count = 0;

	assert_ok(store_app_work(place->store, clean_before, &ids, &count, &err), &err);
	return count;
}

static void work_is_what_is_active_or_not_cleaned(void **state)
{
	struct place *place = *state;
	const struct app app = place_app(1);
	struct err err = ERR_INIT;

	assert_ok(store_app_add(place->store, &app, &err), &err);
	assert_int_equal(work_count(place, 0), 1);
	assert_ok(store_app_move(place->store, app.id, APP_SPAWNING, APP_STOPPED, "asked", PLACE_NOW, &err), &err);
	assert_int_equal(work_count(place, 0), 1);
	assert_ok(store_app_set_cleaned(place->store, app.id, APP_DATA_CLEANED, &err), &err);
	assert_int_equal(work_count(place, PLACE_NOW), 0);
	assert_int_equal(work_count(place, PLACE_NOW + 1), 1);
	assert_ok(store_app_set_cleaned(place->store, app.id, APP_ALL_CLEANED, &err), &err);
	assert_int_equal(work_count(place, PLACE_NOW + 1), 0);
}

static void slots_are_those_of_active_apps(void **state)
{
	struct place *place = *state;
	const struct app app = place_app(1);
	struct err err = ERR_INIT;
	int64_t booked, used;

	assert_ok(store_app_add(place->store, &app, &err), &err);
	assert_ok(store_booking_slots(place->store, PLACE_PROJECT, "4g-eu-001", &booked, &used, &err), &err);
	assert_int_equal(booked, 1);
	assert_int_equal(used, 1);
	assert_ok(store_app_move(place->store, app.id, APP_SPAWNING, APP_ON_ERROR, "x", PLACE_NOW, &err), &err);
	assert_ok(store_booking_slots(place->store, PLACE_PROJECT, "4g-eu-001", &booked, &used, &err), &err);
	assert_int_equal(used, 0);
	assert_ok(store_booking_slots(place->store, PLACE_PROJECT, "64g-eu-001", &booked, &used, &err), &err);
	assert_int_equal(booked, 0);
}

static void the_last_of_a_name_is_found(void **state)
{
	struct place *place = *state;
	struct app first = place_app(1), second = place_app(2), found;
	struct err err = ERR_INIT;

	(void)snprintf(second.name, sizeof(second.name), "%s", first.name);
	assert_int_equal(store_app_find_last(place->store, PLACE_PROJECT, "app1", &found, &err), 0);
	assert_ok(store_app_add(place->store, &first, &err), &err);
	assert_ok(store_app_move(place->store, first.id, APP_SPAWNING, APP_STOPPED, "asked", PLACE_NOW, &err), &err);
	assert_ok(store_app_add(place->store, &second, &err), &err);
	assert_int_equal(store_app_find_last(place->store, PLACE_PROJECT, "app1", &found, &err), 1);
	assert_string_equal(found.id, second.id);
}

static void run(struct place *place, const char *id)
{
	struct err err = ERR_INIT;

	assert_ok(store_app_move(place->store, id, APP_SPAWNING, APP_INITIALIZING, "a", PLACE_NOW + 1, &err), &err);
	assert_ok(store_app_move(place->store, id, APP_INITIALIZING, APP_RUNNING, "b", PLACE_NOW + 2, &err), &err);
}

/* place_app(number) with the name and domain of place_app(1), to replace the app `replaces`. */
static struct app replacing(int number, const char *replaces)
{
	const struct app first = place_app(1);
	struct app app = place_app(number);

	(void)snprintf(app.name, sizeof(app.name), "%s", first.name);
	(void)snprintf(app.domain_name, sizeof(app.domain_name), "owner.example.org");
	(void)snprintf(app.replaces, sizeof(app.replaces), "%s", replaces);
	return app;
}

/* 1 runs with the domain, 2 waits to replace it. */
static void add_both(struct place *place, struct app *ret_first, struct app *ret_second)
{
	struct err err = ERR_INIT;

	*ret_first = replacing(1, "");
	*ret_second = replacing(2, ret_first->id);
	assert_ok(store_app_add(place->store, ret_first, &err), &err);
	run(place, ret_first->id);
	assert_ok(store_app_add(place->store, ret_second, &err), &err);
}

static void assert_leads_to(struct place *place, const char *domain, const char *id)
{
	struct err err = ERR_INIT;
	struct app found;

	assert_int_equal(store_app_find_by_domain(place->store, domain, &found, &err), id ? 1 : 0);
	if (id)
		assert_string_equal(found.id, id);
}

static void a_domain_passes_in_one_step(void **state)
{
	struct place *place = *state;
	struct app first, second, before;
	struct err err = ERR_INIT;

	add_both(place, &first, &second);
	assert_leads_to(place, "owner.example.org", first.id);
	assert_leads_to(place, second.config_domain_name, second.id);
	assert_fails(store_app_take_over(place->store, second.id, PLACE_NOW + 9, &before, &err), &err, ERR_CONFLICT,
		     "it is spawning");
	run(place, second.id);
	assert_ok(store_app_take_over(place->store, second.id, PLACE_NOW + 9, &before, &err), &err);
	assert_string_equal(before.replaces, first.id);
	assert_leads_to(place, "owner.example.org", second.id);
	assert_leads_to(place, first.config_domain_name, first.id);
	before = find(place, second.id);
	assert_true(app_has_domain(&before));
	before = find(place, first.id);
	assert_false(app_has_domain(&before));
	assert_string_equal(before.replaced_by, second.id);
	assert_int_equal(before.replaced_at, PLACE_NOW + 9);
	assert_ok(store_app_take_over(place->store, second.id, PLACE_NOW + 99, &before, &err), &err);
	assert_string_equal(before.replaces, "");
	assert_int_equal(find(place, first.id).replaced_at, PLACE_NOW + 9);
	assert_fails(store_app_take_over(place->store, first.id, PLACE_NOW + 99, &before, &err), &err, ERR_CONFLICT,
		     "has been replaced");
}

static void who_gives_up_and_who_takes_over_do_not_meet(void **state)
{
	struct place *place = *state;
	struct app first, second, before;
	struct err err = ERR_INIT;
	bool noted;

	add_both(place, &first, &second);
	run(place, second.id);
	assert_ok(store_app_want_no_take_over(place->store, first.id, "late", &noted, &err), &err);
	assert_false(noted);
	assert_ok(store_app_want_no_take_over(place->store, second.id, "late", &noted, &err), &err);
	assert_true(noted);
	assert_fails(store_app_take_over(place->store, second.id, PLACE_NOW, &before, &err), &err, ERR_CONFLICT,
		     "it is being stopped");
	assert_leads_to(place, "owner.example.org", first.id);
}

static void who_has_taken_over_is_not_given_up(void **state)
{
	struct place *place = *state;
	struct app first, second, before;
	struct err err = ERR_INIT;
	bool noted;

	add_both(place, &first, &second);
	run(place, second.id);
	assert_ok(store_app_take_over(place->store, second.id, PLACE_NOW, &before, &err), &err);
	assert_ok(store_app_want_no_take_over(place->store, second.id, "late", &noted, &err), &err);
	assert_false(noted);
	assert_leads_to(place, "owner.example.org", second.id);
}

static void one_replaces_at_a_time(void **state)
{
	struct place *place = *state;
	struct app first, second, found;
	struct err err = ERR_INIT;
	struct app third;

	add_both(place, &first, &second);
	third = replacing(3, first.id);
	assert_int_equal(store_app_find_replacement(place->store, first.id, &found, &err), 1);
	assert_string_equal(found.id, second.id);
	assert_fails(store_app_add(place->store, &third, &err), &err, ERR_CONFLICT, "active already");
	assert_ok(store_app_move(place->store, second.id, APP_SPAWNING, APP_ON_ERROR, "x", PLACE_NOW, &err), &err);
	assert_int_equal(store_app_find_replacement(place->store, first.id, &found, &err), 0);
	assert_leads_to(place, "owner.example.org", first.id);
	assert_ok(store_app_add(place->store, &third, &err), &err);
}

static void what_is_being_replaced_is_no_ones_else(void **state)
{
	struct place *place = *state;
	struct app first, second, other, found;
	struct err err = ERR_INIT;

	add_both(place, &first, &second);
	other = replacing(3, "");
	assert_fails(store_app_add(place->store, &other, &err), &err, ERR_CONFLICT, "active already");
	run(place, second.id);
	/* The one that is to be replaced has ended, and somebody was faster. */
	assert_ok(store_app_move(place->store, first.id, APP_RUNNING, APP_STOPPED, "x", PLACE_NOW, &err), &err);
	assert_leads_to(place, "owner.example.org", NULL);
	assert_ok(store_app_add(place->store, &other, &err), &err);
	assert_fails(store_app_take_over(place->store, second.id, PLACE_NOW, &found, &err), &err, ERR_CONFLICT,
		     "another active app's");
	assert_leads_to(place, "owner.example.org", other.id);
	assert_ok(store_app_move(place->store, other.id, APP_SPAWNING, APP_STOPPED, "x", PLACE_NOW, &err), &err);
	assert_ok(store_app_take_over(place->store, second.id, PLACE_NOW, &found, &err), &err);
	assert_leads_to(place, "owner.example.org", second.id);
}

static void both_have_their_slot(void **state)
{
	struct place *place = *state;
	struct err err = ERR_INIT;
	struct app first, second;
	int64_t booked, used;

	add_both(place, &first, &second);
	assert_ok(store_booking_slots(place->store, PLACE_PROJECT, "4g-eu-001", &booked, &used, &err), &err);
	assert_int_equal(used, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_PLACE(what_is_added_is_found),
	    WITH_PLACE(only_one_of_a_name_is_active),
	    WITH_PLACE(only_one_of_a_domain_is_active),
	    WITH_PLACE(moves_name_what_they_expect),
	    WITH_PLACE(every_move_has_its_history),
	    WITH_PLACE(a_stop_is_noted_once),
	    WITH_PLACE(lists_are_filtered_and_paged),
	    WITH_PLACE(work_is_what_is_active_or_not_cleaned),
	    WITH_PLACE(slots_are_those_of_active_apps),
	    WITH_PLACE(the_last_of_a_name_is_found),
	    WITH_PLACE(a_domain_passes_in_one_step),
	    WITH_PLACE(who_gives_up_and_who_takes_over_do_not_meet),
	    WITH_PLACE(who_has_taken_over_is_not_given_up),
	    WITH_PLACE(one_replaces_at_a_time),
	    WITH_PLACE(both_have_their_slot),
	    WITH_PLACE(what_is_being_replaced_is_no_ones_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
