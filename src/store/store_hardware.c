/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_hardware.h"

#include "store/store_priv.h"

#define HARDWARE_SELECT \
	"SELECT name, memory_mib, cores, enclave_size_mib, forced_expiry_seconds, is_free FROM hardware_kinds "

static int read_hardware(const struct db_stmt *stmt, struct hardware *ret, struct err *err)
{
	struct hardware hardware = {0};

	if (STORE_COPY(stmt, 0, hardware.name, err) < 0)
		return -1;
	hardware.memory_mib = db_column_i64(stmt, 1);
	hardware.cores = db_column_i64(stmt, 2);
	hardware.enclave_size_mib = db_column_i64(stmt, 3);
	hardware.forced_expiry_seconds = db_column_i64(stmt, 4);
	hardware.is_free = store_column_bool(stmt, 5);
	*ret = hardware;
	return 0;
}

int store_hardware_add(struct store *store, const struct hardware *hardware, int64_t now, struct err *err)
{
	if (hardware_check(hardware, err) < 0)
		return -1;
	return db_exec(store->db, NULL, err,
		       "INSERT INTO hardware_kinds (name, memory_mib, cores, enclave_size_mib, forced_expiry_seconds, "
		       "is_free, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		       "tiiiibi", hardware->name, hardware->memory_mib, hardware->cores, hardware->enclave_size_mib,
		       hardware->forced_expiry_seconds, hardware->is_free, now);
}

int store_hardware_find(struct store *store, const char *name, struct hardware *ret, struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	int found;

	if (db_query(store->db, &stmt, err, HARDWARE_SELECT "WHERE name = $1", "t", name) < 0)
		return -1;
	found = db_step(stmt, err);
	return found == 1 && read_hardware(stmt, ret, err) < 0 ? -1 : found;
}

int store_hardware_each(struct store *store, int (*visit)(const struct hardware *hardware, void *arg, struct err *err),
			void *arg, struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;
	struct hardware hardware;
	int status;

	if (db_query(store->db, &stmt, err, HARDWARE_SELECT "ORDER BY name", "") < 0)
		return -1;
	while ((status = db_step(stmt, err)) == 1)
		if (read_hardware(stmt, &hardware, err) < 0 || visit(&hardware, arg, err) < 0)
			return -1;
	return status;
}

int store_booking_add(struct store *store, const char *id, const char *project_id, const char *hardware_name,
		      int64_t slots, int64_t now, struct err *err)
{
	if (slots < 1 || slots > HARDWARE_SLOTS_MAX)
		return err_set(err, ERR_INVALID, "a booking has 1 to %d slots", HARDWARE_SLOTS_MAX);
	return db_exec(store->db, NULL, err,
		       "INSERT INTO hardware_bookings (id, project_id, hardware_name, slots, created_at) "
		       "VALUES ($1, $2, $3, $4, $5)",
		       "tttii", id, project_id, hardware_name, slots, now);
}

int store_booking_slots(struct store *store, const char *project_id, const char *hardware_name, int64_t *ret_booked,
			int64_t *ret_used, struct err *err)
{
	scoped(db_stmt_freep) struct db_stmt *stmt = NULL;

	if (db_query(store->db, &stmt, err,
		     "SELECT (SELECT coalesce(sum(slots), 0) FROM hardware_bookings WHERE project_id = $1 AND "
		     "hardware_name = $2 AND ended_at IS NULL), (SELECT count(*) FROM apps WHERE project_id = $1 AND "
		     "hardware_name = $2 AND status IN ('spawning', 'initializing', 'running'))",
		     "tt", project_id, hardware_name) < 0 ||
	    db_step(stmt, err) < 0)
		return -1;
	*ret_booked = db_column_i64(stmt, 0);
	*ret_used = db_column_i64(stmt, 1);
	return 0;
}
