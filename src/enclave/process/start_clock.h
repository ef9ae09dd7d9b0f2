/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the phases of a start took, for the operator's log: in one line when a plain server serves, or, in an
 * enclave that is told to (MSE_DEBUG), a line for each as soon as it is over, since there a start waits for the owner.
 * Main thread only.
 */
#ifndef MSE_ENCLAVE_START_CLOCK_H
#define MSE_ENCLAVE_START_CLOCK_H

/* The first phase is over: the CPU time that loading the program took. */
void start_clock_begin(void);
/* From now on each mark is told: "phase: Python started after 61.4 ms" since the beginning. */
void start_clock_tell(void);
/* Another phase is over. name is a literal; at most 8. */
void start_clock_mark(const char *name);
/* "started in 61 ms: program 6, TLS 1, interpreter 17, application 36, threads 1" */
void start_clock_say(void);

#endif
