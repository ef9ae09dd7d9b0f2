/* SPDX-License-Identifier: Apache-2.0 */
/* Little-endian integers in bytes; the caller has checked that they are there. */
#ifndef MSE_BASE_LE_H
#define MSE_BASE_LE_H

#include <stdint.h>

static inline uint16_t le16_get(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t le32_get(const uint8_t *at)
{
	return (uint32_t)le16_get(at) | (uint32_t)le16_get(at + 2) << 16;
}

static inline uint64_t le64_get(const uint8_t *at)
{
	return (uint64_t)le32_get(at) | (uint64_t)le32_get(at + 4) << 32;
}

#endif
