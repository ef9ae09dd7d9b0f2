/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many descriptors the plain server may have: the soft limit that it is started with (1024) is for programs that
 * use select(). Main thread, while it is the only one.
 */
#ifndef MSE_ENCLAVE_DESCRIPTORS_H
#define MSE_ENCLAVE_DESCRIPTORS_H

/*
 * Raises the soft limit as far as connections need it, at most to the hard one. What cannot be had is said in one line.
 * Before the server is started: what it allows itself depends on the limit.
 */
void descriptors_raise(unsigned connections);

#endif
