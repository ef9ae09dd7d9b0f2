/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process engine: a client of mse-sim, one request a connection (docs/formats/sim-control.md). Logs are read from
 * DATA_DIR/apps/UUID/log, where the cloud lets them be written.
 */
#ifndef MSE_ENGINE_ENGINE_PROCESS_H
#define MSE_ENGINE_ENGINE_PROCESS_H

#include "engine/engine.h"

/* Does not connect: mse-sim may be down, and may come and go. ERR_LIMIT when data_dir is too long for a socket. */
must_check int engine_process_open(const char *data_dir, struct engine **ret, struct err *err);

/*
 * Makes sure that mse-sim serves data_dir: asks it, and if nothing answers starts `PROGRAM --data-dir D --detach` with
 * options (NULL-ended, or NULL) behind, which returns when the socket answers. Never a second one: it holds a lock.
 */
must_check int engine_process_ensure(struct engine *engine, const char *program, const char *const *options,
				     struct err *err);

/* Ends mse-sim and with it every sandbox. 0 also when none runs. */
must_check int engine_process_shutdown(struct engine *engine, struct err *err);

#endif
