/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's own chroot(), in the place of the C library's: the audit hook knows the runtime's files by their paths,
 * Python's os.chroot raises no event, and Gramine lets whoever asks do it. Everything that asks the dynamic linker for
 * the name (libpython, extension modules) gets this one; code that brings a system call of its own does not.
 */
#ifndef MSE_ENCLAVE_NO_CHROOT_H
#define MSE_ENCLAVE_NO_CHROOT_H

/* From now on chroot() fails with EPERM. Before (and for ever without an enclave) it is the system's. */
void no_chroot(void);

#endif
