/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interpreter's memory while it starts: what is loaded then stays, so it is neither faulted in page by page nor
 * walked by the collector again and again (docs/decisions/0012-start-of-python.md has the figures).
 */
#ifndef MSE_ENCLAVE_PYTHON_MEMORY_H
#define MSE_ENCLAVE_PYTHON_MEMORY_H

#include <stdbool.h>

/* Before the interpreter starts: its small objects lie in huge pages, where the kernel gives them. */
void python_memory_use_huge_pages(void);

/* GIL held. From now on they do not, and what was kept for more of them goes back. */
void python_memory_end_huge_pages(void);

/*
 * GIL held. Between the two only modules of Python's and of ours are loaded, never the application: it sees the
 * collector as it left it, with the thresholds that it left. Returns whether the collector was on, for _resume: what
 * was made in between counts as old then. An exception that is set stays.
 */
bool python_memory_pause_collector(void);
void python_memory_resume_collector(bool was_on);

#endif
