/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket DATA_DIR/run/sim.sock: one JSON request line, one JSON answer line, then the connection is closed
 * (docs/formats/sim-control.md). Only the same user and root are answered. A thread for each connection.
 */
#ifndef MSE_SIM_CONTROL_H
#define MSE_SIM_CONTROL_H

#include "sim/node.h"

/*
 * Holds DATA_DIR/run/sim.lock from here on and listens. ERR_CONFLICT: another mse-sim serves this directory;
 * ERR_LIMIT: the path is too long for a socket.
 */
must_check int control_open(const char *data_dir, int *ret_lock_fd, int *ret_listen_fd, struct err *err);

/* Serves until a shutdown request or SIGTERM or SIGINT, which the caller has blocked; then stops every app. */
must_check int control_serve(int listen_fd, struct node *node, struct err *err);

#endif
