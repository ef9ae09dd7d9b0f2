/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one sandbox, in a thread of its own: check, start, watch, reap. The thread lives as long as the sandbox:
 * the kernel kills bubblewrap when the thread that started it ends (PR_SET_PDEATHSIG), so also when mse-sim is killed.
 */
#ifndef MSE_SIM_SUPERVISOR_H
#define MSE_SIM_SUPERVISOR_H

#include "sim/node.h"

/* The node's lock is held, the app is busy and STARTING. The thread gets a copy of request. */
must_check int supervisor_start(struct node *node, struct app *app, json_t *request, struct err *err);

#endif
