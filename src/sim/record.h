/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of mse-sim on disk: one file for each app, DIR/UUID.json, the status as on the control socket. */
#ifndef MSE_SIM_RECORD_H
#define MSE_SIM_RECORD_H

#include "engine/engine.h"

must_check int record_save(const char *dir, const struct engine_status *status, struct err *err);
void record_remove(const char *dir, const char *uuid);

/*
 * Calls visit for each readable record, in the order of uuids; one that is broken is removed. Those that ended more
 * than ENGINE_HISTORY_DAYS before now are removed too.
 */
must_check int record_load_all(const char *dir, int64_t now_seconds,
			       int (*visit)(void *arg, const struct engine_status *status, struct err *err), void *arg,
			       struct err *err);

#endif
