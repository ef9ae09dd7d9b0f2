/* SPDX-License-Identifier: Apache-2.0 */
/* Single steps against an engine in memory that fails when told. */
#include "unit.h"

#include "../store/store_place.h"
#include "base/clock.h"
#include "cloud/reconcile_app.h"
#include "cloud/take_over.h"
#include "engine/engine_fake.h"

struct scene {
	void *place;
	struct cloud cloud;
	struct images images;
	struct app app;
};

static struct store *store_of(const struct scene *scene)
{
	return ((struct place *)scene->place)->store;
}

static int open_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct err err = ERR_INIT;

	assert_non_null(scene);
	assert_int_equal(place_open(&scene->place), 0);
	scene->images.count = 1;
	(void)snprintf(scene->images.items[0].name, sizeof(scene->images.items[0].name), "mse-flask:20261122");
	scene->images.items[0].root = strdup("/nonexistent");
	scene->cloud.data_dir = strdup(((struct place *)scene->place)->dir);
	scene->cloud.store = store_of(scene);
	scene->cloud.images = &scene->images;
	assert_ok(engine_fake_new(&scene->cloud.engine, &err), &err);
	scene->app = place_app(1);
	scene->app.expires_at = clock_now_seconds() + 100;
	assert_ok(store_app_add(scene->cloud.store, &scene->app, &err), &err);
	*state = scene;
	return 0;
}

static int close_scene(void **state)
{
	struct scene *scene = *state;

	engine_free(scene->cloud.engine);
	free(scene->cloud.data_dir);
	free(scene->images.items[0].root);
	assert_int_equal(place_close(&scene->place), 0);
	free(scene);
	return 0;
}

static enum app_state state_of(const struct scene *scene)
{
	struct err err = ERR_INIT;
	struct app app = {.id = ""};

	assert_int_equal(store_app_find(store_of(scene), scene->app.id, &app, &err), 1);
	return app.state;
}

static void assert_reason(const struct scene *scene, const char *wanted)
{
	struct err err = ERR_INIT;
	struct app app = {.id = ""};

	assert_int_equal(store_app_find(store_of(scene), scene->app.id, &app, &err), 1);
	if (!strstr(app.reason, wanted))
		fail_msg("'%s' does not contain '%s'", app.reason, wanted);
}

static bool runs(const struct scene *scene)
{
	struct engine_status status;
	struct err err = ERR_INIT;

	return engine_inspect(scene->cloud.engine, scene->app.id, &status, &err) == 1 && status.state == ENGINE_RUNNING;
}

static int step(struct scene *scene)
{
	return reconcile_app(&scene->cloud, scene->app.id);
}

static void an_app_is_started_once(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(step(scene), 0);
	assert_true(runs(scene));
	assert_in_range(step(scene), 1, 100); /* silent: looked at again within 100 ms */
	assert_int_equal(engine_fake_count(scene->cloud.engine, ENGINE_FAKE_START), 1);
	assert_int_equal(state_of(scene), APP_SPAWNING);
}

static void an_engine_that_is_away_is_asked_again(void **state)
{
	struct scene *scene = *state;

	engine_fake_fail(scene->cloud.engine, ENGINE_FAKE_START, 2, ERR_UNAVAILABLE, "away");
	assert_true(step(scene) > 0);
	assert_true(step(scene) > 0);
	assert_int_equal(state_of(scene), APP_SPAWNING);
	assert_int_equal(step(scene), 0);
	assert_true(runs(scene));
}

static void a_lost_answer_starts_nothing_twice(void **state)
{
	struct scene *scene = *state;

	engine_fake_lose_answer(scene->cloud.engine, ENGINE_FAKE_START, 1);
	(void)step(scene);
	(void)step(scene);
	assert_true(runs(scene));
	assert_int_equal(engine_fake_count(scene->cloud.engine, ENGINE_FAKE_START), 1);
	assert_int_equal(state_of(scene), APP_SPAWNING);
}

static void what_the_engine_refuses_is_an_error_with_its_reason(void **state)
{
	struct scene *scene = *state;

	engine_fake_fail(scene->cloud.engine, ENGINE_FAKE_START, 1, ERR_UNTRUSTED, "trusted file 'x' differs");
	(void)step(scene);
	assert_int_equal(state_of(scene), APP_ON_ERROR);
	assert_reason(scene, "trusted file 'x' differs");
}

static void an_image_that_is_gone_is_an_error(void **state)
{
	struct scene *scene = *state;

	scene->images.count = 0;
	(void)step(scene);
	assert_int_equal(state_of(scene), APP_ON_ERROR);
	assert_reason(scene, "not approved");
}

static void an_exit_is_an_error_with_its_reason(void **state)
{
	struct scene *scene = *state;
	struct err err = ERR_INIT;

	(void)step(scene);
	assert_ok(engine_fake_exit(scene->cloud.engine, scene->app.id, 3, "application-failed: no module", &err), &err);
	(void)step(scene);
	assert_int_equal(state_of(scene), APP_ON_ERROR);
	assert_reason(scene, "no module");
}

static void what_went_down_with_the_node_is_started_again(void **state)
{
	struct scene *scene = *state;
	struct err err = ERR_INIT;

	(void)step(scene);
	assert_ok(engine_fake_exit(scene->cloud.engine, scene->app.id, -1, "mse-sim was killed", &err), &err);
	(void)step(scene);
	assert_int_equal(state_of(scene), APP_SPAWNING);
	assert_true(runs(scene));
	engine_fake_forget(scene->cloud.engine);
	(void)step(scene);
	assert_true(runs(scene));
}

static void want_stop(struct scene *scene)
{
	struct err err = ERR_INIT;
	bool noted = false;

	assert_ok(store_app_want_stop(store_of(scene), scene->app.id, "stopped by its owner", &noted, &err), &err);
	assert_true(noted);
}

static void a_stop_ends_and_cleans(void **state)
{
	struct scene *scene = *state;

	(void)step(scene);
	want_stop(scene);
	assert_int_equal(step(scene), 0);
	assert_int_equal(state_of(scene), APP_STOPPED);
	assert_reason(scene, "stopped by its owner");
	assert_false(runs(scene));
	assert_int_equal(step(scene), RECONCILE_DONE);
}

static void a_stop_that_fails_is_tried_again(void **state)
{
	struct scene *scene = *state;

	(void)step(scene);
	want_stop(scene);
	engine_fake_fail(scene->cloud.engine, ENGINE_FAKE_STOP, 1, ERR_UNAVAILABLE, "away");
	assert_true(step(scene) > 0);
	assert_int_equal(state_of(scene), APP_SPAWNING);
	engine_fake_lose_answer(scene->cloud.engine, ENGINE_FAKE_STOP, 1);
	assert_true(step(scene) > 0);
	assert_int_equal(step(scene), 0);
	assert_int_equal(state_of(scene), APP_STOPPED);
}

static void expiry_is_the_clocks(void **state)
{
	struct scene *scene = *state;

	(void)step(scene);
	scene->cloud.clock_offset = 90;
	(void)step(scene);
	assert_int_equal(state_of(scene), APP_SPAWNING);
	scene->cloud.clock_offset = 101;
	(void)step(scene);
	assert_int_equal(state_of(scene), APP_STOPPED);
	assert_reason(scene, "expired");
}

static void what_the_store_does_not_know_is_dropped(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(reconcile_app(&scene->cloud, PLACE_USER), RECONCILE_DONE);
}

/* A second app of the same name and domain, which waits to replace the scene's; returns its id. */
static struct app add_replacement(struct scene *scene)
{
	struct app app = place_app(2);
	struct err err = ERR_INIT;

	(void)snprintf(app.name, sizeof(app.name), "%s", scene->app.name);
	(void)snprintf(app.domain_name, sizeof(app.domain_name), "%s", scene->app.domain_name);
	(void)snprintf(app.replaces, sizeof(app.replaces), "%s", scene->app.id);
	app.created_at = clock_now_seconds();
	app.expires_at = app.created_at + 200000;
	assert_ok(store_app_add(store_of(scene), &app, &err), &err);
	return app;
}

static void run_app(struct scene *scene, const char *id)
{
	const int64_t now = cloud_now(&scene->cloud);
	struct err err = ERR_INIT;

	(void)reconcile_app(&scene->cloud, id);
	assert_ok(store_app_move(store_of(scene), id, APP_SPAWNING, APP_INITIALIZING, "a", now, &err), &err);
	assert_ok(store_app_move(store_of(scene), id, APP_INITIALIZING, APP_RUNNING, "b", now, &err), &err);
}

static void what_was_replaced_drains_and_stops(void **state)
{
	struct scene *scene = *state;
	const struct app second = add_replacement(scene);
	struct err err = ERR_INIT;

	run_app(scene, scene->app.id);
	assert_fails(take_over(&scene->cloud, second.id, &err), &err, ERR_CONFLICT, "spawning");
	run_app(scene, second.id);
	assert_ok(take_over(&scene->cloud, second.id, &err), &err);
	assert_ok(take_over(&scene->cloud, second.id, &err), &err);
	assert_true(step(scene) > 0);
	assert_int_equal(state_of(scene), APP_RUNNING);
	assert_true(runs(scene));
	scene->cloud.clock_offset = 10;
	assert_int_equal(step(scene), 0); /* nobody is connected */
	assert_int_equal(step(scene), 0);
	assert_int_equal(state_of(scene), APP_STOPPED);
	assert_reason(scene, "replaced by");
	assert_reason(scene, second.id);
	assert_false(runs(scene));
}

static void who_does_not_take_over_is_given_up(void **state)
{
	struct scene *scene = *state;
	const struct app first = scene->app, second = add_replacement(scene);
	struct err err = ERR_INIT;

	run_app(scene, first.id);
	run_app(scene, second.id);
	scene->app = second;
	scene->cloud.clock_offset = TAKE_OVER_WAIT_SECONDS - 10;
	(void)reconcile_app(&scene->cloud, second.id);
	assert_int_equal(state_of(scene), APP_RUNNING);
	scene->cloud.clock_offset = TAKE_OVER_WAIT_SECONDS + 10;
	(void)reconcile_app(&scene->cloud, second.id);
	assert_int_equal(state_of(scene), APP_ON_ERROR);
	assert_reason(scene, "within 10 minutes");
	assert_fails(take_over(&scene->cloud, second.id, &err), &err, ERR_CONFLICT, "on_error");
	scene->app = first;
	assert_int_equal(state_of(scene), APP_RUNNING);
}

static void a_replacement_that_never_runs_is_given_up(void **state)
{
	struct scene *scene = *state;
	const struct app second = add_replacement(scene);
	struct err err = ERR_INIT;

	scene->app = second;
	(void)step(scene);
	assert_ok(
	    store_app_move(store_of(scene), second.id, APP_SPAWNING, APP_INITIALIZING, "a", second.created_at, &err),
	    &err);
	scene->cloud.clock_offset = TAKE_OVER_START_SECONDS - 10;
	(void)step(scene);
	assert_int_equal(state_of(scene), APP_INITIALIZING);
	scene->cloud.clock_offset = TAKE_OVER_START_SECONDS + 10;
	(void)step(scene);
	assert_int_equal(state_of(scene), APP_ON_ERROR);
	assert_reason(scene, "within a day");
}

#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_SCENE(an_app_is_started_once),
	    WITH_SCENE(an_engine_that_is_away_is_asked_again),
	    WITH_SCENE(a_lost_answer_starts_nothing_twice),
	    WITH_SCENE(what_the_engine_refuses_is_an_error_with_its_reason),
	    WITH_SCENE(an_image_that_is_gone_is_an_error),
	    WITH_SCENE(an_exit_is_an_error_with_its_reason),
	    WITH_SCENE(what_went_down_with_the_node_is_started_again),
	    WITH_SCENE(a_stop_ends_and_cleans),
	    WITH_SCENE(a_stop_that_fails_is_tried_again),
	    WITH_SCENE(expiry_is_the_clocks),
	    WITH_SCENE(what_the_store_does_not_know_is_dropped),
	    WITH_SCENE(what_was_replaced_drains_and_stops),
	    WITH_SCENE(who_does_not_take_over_is_given_up),
	    WITH_SCENE(a_replacement_that_never_runs_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
