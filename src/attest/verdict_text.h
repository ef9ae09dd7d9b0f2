/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MSE_ATTEST_VERDICT_TEXT_H
#define MSE_ATTEST_VERDICT_TEXT_H

/* First line, or first member, of every verdict over simulated evidence. */
#define VERDICT_SIMULATED_LINE "SIMULATED: no hardware protects this"

#endif
