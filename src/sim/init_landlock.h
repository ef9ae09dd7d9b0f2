/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock (landlock(7)) for the enclave: nothing can be opened, executed or listed but what a rule names. Built
 * from ABI 1 on; later ones add truncation, device ioctl, abstract sockets and signals, which are then refused too.
 */
#ifndef MSE_SIM_INIT_LANDLOCK_H
#define MSE_SIM_INIT_LANDLOCK_H

#include "base/err.h"
#include "sim/policy.h"

/* The kernel's ABI version, 0 when it has no Landlock or it is switched off. */
int landlock_abi(void);

/* A new rule set that handles everything the kernel knows. */
must_check int landlock_open(int *ret_fd, struct err *err);
must_check int landlock_allow(int ruleset_fd, enum policy_access access, const char *path, struct err *err);
/* From here on, for this thread and what it executes. Needs no_new_privs. */
must_check int landlock_enforce(int ruleset_fd, struct err *err);

#endif
