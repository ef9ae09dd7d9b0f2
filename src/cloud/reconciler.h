/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings engine and proxy to where the store says, and the store to where the engine is: at start, every few seconds,
 * and whenever somebody says that something changed. A few threads; one app is never in two of them. Nothing is
 * remembered that a restart would miss: every step is decided from the store, the engine and a probe alone.
 */
#ifndef MSE_CLOUD_RECONCILER_H
#define MSE_CLOUD_RECONCILER_H

#include "cloud/cloud.h"

must_check int reconciler_start(struct cloud *cloud, struct reconciler **ret, struct err *err);
/* Steps under way end; apps go on. NULL is fine. */
void reconciler_stop(struct reconciler *reconciler);

/* Something is to be done for this app. Any thread. NULL is fine. */
void reconciler_wake(struct reconciler *reconciler, const char *app_id);

/*
 * Waits until every app has been looked at once, at most timeout_ms: what was down with the machine is started again
 * before anybody can ask for its status.
 */
void reconciler_await_first_look(struct reconciler *reconciler, int timeout_ms);

/* Removes what a killed msed left half-made: uploads, and directories of apps that the store does not know. */
must_check int reconciler_sweep(struct cloud *cloud, struct err *err);

#endif
