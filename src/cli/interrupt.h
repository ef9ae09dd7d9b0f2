/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ctrl-C (SIGINT), SIGTERM and SIGHUP: remembered, never fatal by themselves, so that whoever holds something
 * half-made can undo it. Loops that wait call interrupt_check or interrupt_sleep_ms. A second signal of the same
 * kind ends the program at once.
 */
#ifndef MSE_CLI_INTERRUPT_H
#define MSE_CLI_INTERRUPT_H

#include <stdbool.h>

#include "base/err.h"

void interrupt_install(void);
bool interrupt_seen(void);
bool interrupt_happened(void); /* also one that was forgiven: decides the exit code */

/* Readable once a signal came that was not forgiven: for dial_set_cancel. -1: there is none. */
int interrupt_fd(void);

/* -1 with ERR_CANCELLED "interrupted" once a signal came. */
must_check int interrupt_check(struct err *err);
/* After a wait that interrupt_fd ended: err says "interrupted" and no more what was waited for. */
void interrupt_explain(struct err *err);
/* Sleeps that long, less when a signal comes; then as interrupt_check. */
must_check int interrupt_sleep_ms(int ms, struct err *err);

/* While undoing: signals that came before no longer count; one that comes now ends the program. */
void interrupt_forgive(void);

#endif
