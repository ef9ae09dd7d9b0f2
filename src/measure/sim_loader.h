/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulation's stand-in for Gramine's libpal.so: a fixed ELF of our own, measured where libpal would be. It never
 * runs as an enclave; it is here so that a manifest and a bill are all that a verifier needs. Changing one byte
 * changes every simulated fingerprint: sim_loader_sha256 pins it and a test compares.
 */
#ifndef MSE_MEASURE_SIM_LOADER_H
#define MSE_MEASURE_SIM_LOADER_H

#include <stdint.h>

#define SIM_LOADER_SIZE 192

extern const uint8_t sim_loader[SIM_LOADER_SIZE];
extern const uint8_t sim_loader_sha256[32];

#endif
