/* SPDX-License-Identifier: Apache-2.0 */
/* What a driver of tee.h supplies. To add one: a file tee_NAME.c, a row in TEE_KINDS, a row in tee.c. */
#ifndef MSE_TEE_TEE_DRIVER_H
#define MSE_TEE_TEE_DRIVER_H

#include "tee/tee.h"

struct tee_measurement {
	uint8_t data[TEE_MEASUREMENT_SIZE_MAX];
	size_t size;
};

/* tee.c calls quote and seal_key one at a time. device is what open returned. */
struct tee_ops {
	int (*open)(void **ret_device, struct err *err);
	void (*close)(void *device);
	int (*measurement)(void *device, struct tee_measurement *ret, struct err *err);
	int (*quote)(void *device, const uint8_t *report_data, struct buf *ret, struct err *err);
	int (*seal_key)(void *device, const uint8_t *key_id, struct secret *ret_key, struct err *err);
};

extern const struct tee_ops tee_sim_ops;
extern const struct tee_ops tee_gramine_ops;

#endif
