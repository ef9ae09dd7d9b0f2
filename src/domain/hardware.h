/* SPDX-License-Identifier: Apache-2.0 */
/* Hardware kinds and what they mean for an app's end of life (mission P3, P4, K2). Pure rules: time is an argument. */
#ifndef MSE_DOMAIN_HARDWARE_H
#define MSE_DOMAIN_HARDWARE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define HARDWARE_NAME_SIZE 17 /* K2: at most 16 characters */
#define HARDWARE_MEMORY_MIB_MAX (1024 * 1024)
#define HARDWARE_CORES_MAX 1024
#define HARDWARE_SLOTS_MAX 10000
#define EXPIRY_DEFAULT_SECONDS (365LL * 24 * 3600) /* P4: "else 1 year" */

#define HARDWARE_FREE_NAME "4g-eu-001"
#define HARDWARE_FREE_EXPIRY_SECONDS (4LL * 3600)

struct hardware {
	char name[HARDWARE_NAME_SIZE];
	int64_t memory_mib;
	int64_t cores;
	int64_t enclave_size_mib;      /* a power of 2 */
	int64_t forced_expiry_seconds; /* 0: none */
	bool is_free;
};

must_check int hardware_check_name(const char *name, struct err *err);
must_check int hardware_check(const struct hardware *hardware, struct err *err);

/*
 * When an app ends. requested and certificate_end are Unix seconds, 0 if there is none. A requested date must lie in
 * the future and not after the certificate's end. Without one: the certificate's end, else one year. A kind with a
 * forced expiry never lets an app live longer than that.
 */
must_check int hardware_expiry(const struct hardware *hardware, int64_t requested, int64_t certificate_end, int64_t now,
			       int64_t *ret_expires_at, struct err *err);

#endif
