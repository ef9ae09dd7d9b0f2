/* SPDX-License-Identifier: Apache-2.0 */
/* The 120-byte stand-in for libpal.so of the measurement's published vectors: one R+X segment of the whole file. */
#ifndef MSE_TEST_TEST_ELF_H
#define MSE_TEST_TEST_ELF_H

#include <stdint.h>

#define TEST_ELF_SIZE 120

static const uint8_t test_elf[TEST_ELF_SIZE] = {
    0x7f,          'E',           'L',           'F',           0x02,          0x01,         0x01,
    [0x10] = 0x03, [0x12] = 0x3e, [0x14] = 0x01, [0x18] = 0x40, [0x20] = 0x40, [0x34] = 64,  [0x36] = 56,
    [0x38] = 1,    [0x3a] = 64,   [0x40] = 1,    [0x44] = 5,    [0x60] = 120,  [0x68] = 120, [0x71] = 0x10,
};

#endif
