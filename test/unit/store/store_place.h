/* SPDX-License-Identifier: Apache-2.0 */
/* A fresh store in a directory of its own, with one user, one project and one booked slot. */
#ifndef MSE_TEST_STORE_PLACE_H
#define MSE_TEST_STORE_PLACE_H

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "store/store_app.h"
#include "store/store_hardware.h"
#include "store/store_project.h"
#include "store/store_user.h"

#define PLACE_NOW 1800000000
#define PLACE_USER "00000000-0000-4000-8000-000000000001"
#define PLACE_PROJECT "00000000-0000-4000-8000-000000000002"
#define PLACE_BOOKING "00000000-0000-4000-8000-000000000003"

struct place {
	char *dir;
	char *path;
	struct store *store;
};

static inline void place_fill(struct store *store)
{
	const struct user user = {.id = PLACE_USER, .email = "admin@example.org", .created_at = PLACE_NOW};
	const struct project project = {.id = PLACE_PROJECT,
					.name = "default",
					.owner_id = PLACE_USER,
					.is_default = true,
					.created_at = PLACE_NOW};
	const struct hardware hardware = {
	    .name = "4g-eu-001", .memory_mib = 4096, .cores = 1, .enclave_size_mib = 4096, .is_free = true};
	struct err err = ERR_INIT;

	assert_ok(store_user_add(store, &user, "hash", &err), &err);
	assert_ok(store_project_add(store, &project, &err), &err);
	assert_ok(store_hardware_add(store, &hardware, PLACE_NOW, &err), &err);
	assert_ok(store_booking_add(store, PLACE_BOOKING, PLACE_PROJECT, "4g-eu-001", 1, PLACE_NOW, &err), &err);
}

static inline int place_open(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	struct err err = ERR_INIT;

	assert_non_null(place);
	assert_ok(fs_make_temp_dir("/tmp", "cloud-store-", &place->dir, &err), &err);
	assert_ok(fs_join(place->dir, "cloud.db", &place->path, &err), &err);
	assert_ok(store_open(place->path, PLACE_NOW, &place->store, &err), &err);
	place_fill(place->store);
	*state = place;
	return 0;
}

static inline int place_close(void **state)
{
	struct place *place = *state;
	struct err err = ERR_INIT;

	store_close(place->store);
	assert_ok(fs_remove_tree(place->dir, &err), &err);
	free(place->path);
	free(place->dir);
	free(place);
	return 0;
}

/* number makes id, name and domain. */
static inline struct app place_app(int number)
{
	struct app app = {.project_id = PLACE_PROJECT,
			  .owner_id = PLACE_USER,
			  .docker = "mse-flask:20261122",
			  .hardware_name = "4g-eu-001",
			  .memory_mib = 4096,
			  .cores = 1,
			  .python_application = "app:app",
			  .healthcheck_endpoint = "/",
			  .created_at = PLACE_NOW + number,
			  .expires_at = PLACE_NOW + 1000,
			  .reason = "deployed",
			  .instance = "{}",
			  .egress = "none",
			  .logs = "owner"};

	(void)snprintf(app.id, sizeof(app.id), "10000000-0000-4000-8000-%012d", number);
	(void)snprintf(app.name, sizeof(app.name), "app%d", number);
	(void)snprintf(app.domain_name, sizeof(app.domain_name), "%016d.mse.localhost", number);
	(void)snprintf(app.config_domain_name, sizeof(app.config_domain_name), "%016d.mse.localhost", number);
	return app;
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, place_open, place_close)

#endif
