/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "store/store_account.h"
#include "store/store_token.h"
#include "store_place.h"

static const char family[] = "20000000-0000-4000-8000-000000000001";

static struct refresh_token make_token(const char *hash)
{
	struct refresh_token token = {
	    .user_id = PLACE_USER, .client_id = "mse", .created_at = PLACE_NOW, .expires_at = PLACE_NOW + 100};

	(void)snprintf(token.hash, sizeof(token.hash), "%s", hash);
	(void)snprintf(token.family, sizeof(token.family), "%s", family);
	return token;
}

static void a_token_turns_once(void **state)
{
	struct place *place = *state;
	const struct refresh_token first = make_token("1"), second = make_token("2"), third = make_token("3");
	struct refresh_token found;
	struct err err = ERR_INIT;

	assert_ok(store_refresh_add(place->store, &first, &err), &err);
	assert_int_equal(store_refresh_rotate(place->store, "1", &second, PLACE_NOW, &err), 1);
	assert_int_equal(store_refresh_rotate(place->store, "1", &third, PLACE_NOW, &err), 0);
	assert_int_equal(store_refresh_find(place->store, "1", &found, &err), 1);
	assert_int_equal(found.used_at, PLACE_NOW);
	assert_int_equal(store_refresh_find(place->store, "3", &found, &err), 0);
	assert_ok(store_refresh_revoke_family(place->store, family, PLACE_NOW, &err), &err);
	assert_int_equal(store_refresh_rotate(place->store, "2", &third, PLACE_NOW, &err), 0);
}

static void api_tokens_expire(void **state)
{
	struct place *place = *state;
	struct api_token token = {.id = PLACE_PROJECT, .hash = "h", .user_id = PLACE_USER, .name = "ci"};
	char user_id[UUID_TEXT_SIZE];
	struct err err = ERR_INIT;

	token.expires_at = PLACE_NOW + 10;
	assert_ok(store_api_token_add(place->store, &token, &err), &err);
	assert_int_equal(store_api_token_find(place->store, "h", PLACE_NOW + 9, user_id, &err), 1);
	assert_string_equal(user_id, PLACE_USER);
	assert_int_equal(store_api_token_find(place->store, "h", PLACE_NOW + 10, user_id, &err), 0);
	assert_int_equal(store_api_token_find(place->store, "g", PLACE_NOW, user_id, &err), 0);
}

static void a_code_is_taken_once(void **state)
{
	struct place *place = *state;
	struct auth_code code = {.hash = "c", .user_id = PLACE_USER, .client_id = "mse", .expires_at = PLACE_NOW + 60};
	struct auth_code taken;
	struct err err = ERR_INIT;

	assert_ok(store_code_add(place->store, &code, &err), &err);
	assert_int_equal(store_code_take(place->store, "c", PLACE_NOW, &taken, &err), 1);
	assert_int_equal(taken.used_at, 0);
	assert_int_equal(store_code_take(place->store, "c", PLACE_NOW + 1, &taken, &err), 1);
	assert_int_equal(taken.used_at, PLACE_NOW);
	assert_int_equal(store_code_take(place->store, "d", PLACE_NOW, &taken, &err), 0);
}

static void a_device_is_answered_and_taken_once(void **state)
{
	struct place *place = *state;
	struct device_grant grant = {
	    .hash = "d", .user_code = "ABCD-EFGH", .client_id = "mse", .expires_at = PLACE_NOW + 60};
	struct device_grant found;
	struct err err = ERR_INIT;

	assert_ok(store_device_add(place->store, &grant, &err), &err);
	assert_int_equal(store_device_find_waiting(place->store, "ABCD-EFGH", PLACE_NOW, &found, &err), 1);
	assert_int_equal(store_device_find_waiting(place->store, "ABCD-EFGH", PLACE_NOW + 60, &found, &err), 0);
	assert_ok(store_device_answer(place->store, "ABCD-EFGH", PLACE_USER, "yes", &err), &err);
	assert_fails(store_device_answer(place->store, "ABCD-EFGH", PLACE_USER, "no", &err), &err, ERR_NOT_FOUND,
		     "answered");
	assert_int_equal(store_device_find(place->store, "d", &found, &err), 1);
	assert_string_equal(found.answer, "yes");
	assert_int_equal(store_device_take(place->store, "d", &err), 1);
	assert_int_equal(store_device_take(place->store, "d", &err), 0);
}

static void failures_are_counted_in_a_window(void **state)
{
	struct place *place = *state;
	struct err err = ERR_INIT;
	int64_t count;

	for (int i = 0; i < 3; i++)
		assert_ok(store_failures_add(place->store, "a@b", PLACE_NOW + i, 60, &err), &err);
	assert_ok(store_failures_count(place->store, "a@b", PLACE_NOW + 59, &count, &err), &err);
	assert_int_equal(count, 3);
	assert_ok(store_failures_count(place->store, "a@b", PLACE_NOW + 60, &count, &err), &err);
	assert_int_equal(count, 0);
	assert_ok(store_failures_add(place->store, "a@b", PLACE_NOW + 60, 60, &err), &err);
	assert_ok(store_failures_count(place->store, "a@b", PLACE_NOW + 61, &count, &err), &err);
	assert_int_equal(count, 1);
	assert_ok(store_failures_clear(place->store, "a@b", &err), &err);
	assert_ok(store_failures_count(place->store, "a@b", PLACE_NOW + 61, &count, &err), &err);
	assert_int_equal(count, 0);
}

static void what_has_expired_is_swept(void **state)
{
	struct place *place = *state;
	struct auth_code code = {.hash = "c", .user_id = PLACE_USER, .client_id = "mse", .expires_at = PLACE_NOW + 60};
	struct auth_code taken;
	struct err err = ERR_INIT;

	assert_ok(store_code_add(place->store, &code, &err), &err);
	assert_ok(store_account_sweep(place->store, PLACE_NOW + 59, &err), &err);
	assert_int_equal(store_code_take(place->store, "c", PLACE_NOW, &taken, &err), 1);
	assert_ok(store_account_sweep(place->store, PLACE_NOW + 60, &err), &err);
	assert_int_equal(store_code_take(place->store, "c", PLACE_NOW, &taken, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_PLACE(a_token_turns_once),
	    WITH_PLACE(api_tokens_expire),
	    WITH_PLACE(a_code_is_taken_once),
	    WITH_PLACE(a_device_is_answered_and_taken_once),
	    WITH_PLACE(failures_are_counted_in_a_window),
	    WITH_PLACE(what_has_expired_is_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
