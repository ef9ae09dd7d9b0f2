/* SPDX-License-Identifier: Apache-2.0 */
/* Hardware kinds, and the slots that projects booked. */
#ifndef MSE_STORE_STORE_HARDWARE_H
#define MSE_STORE_STORE_HARDWARE_H

#include "domain/hardware.h"
#include "domain/uuid.h"
#include "store/store.h"

must_check int store_hardware_add(struct store *store, const struct hardware *hardware, int64_t now, struct err *err);

/* 1 found, 0 absent */
must_check int store_hardware_find(struct store *store, const char *name, struct hardware *ret, struct err *err);

must_check int store_hardware_each(struct store *store,
				   int (*visit)(const struct hardware *hardware, void *arg, struct err *err), void *arg,
				   struct err *err);

must_check int store_booking_add(struct store *store, const char *id, const char *project_id, const char *hardware_name,
				 int64_t slots, int64_t now, struct err *err);

/* Slots booked and not ended, and how many active apps of the project sit in them. */
must_check int store_booking_slots(struct store *store, const char *project_id, const char *hardware_name,
				   int64_t *ret_booked, int64_t *ret_used, struct err *err);

#endif
