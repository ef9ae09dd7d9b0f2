/* SPDX-License-Identifier: Apache-2.0 */
/* A project groups apps and the hardware booked for them; one owner (mission A1, P3). */
#ifndef MSE_DOMAIN_PROJECT_H
#define MSE_DOMAIN_PROJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "domain/uuid.h"

#define PROJECT_NAME_SIZE 256 /* K2: at most 255 bytes */
#define PROJECT_DESCRIPTION_SIZE 1024
#define PROJECT_DEFAULT_NAME "default"

struct project {
	char id[UUID_TEXT_SIZE];
	char name[PROJECT_NAME_SIZE];
	char description[PROJECT_DESCRIPTION_SIZE];
	char owner_id[UUID_TEXT_SIZE];
	bool is_default;
	int64_t created_at; /* Unix seconds */
	int64_t deleted_at; /* 0: not */
};

/* 1 to 255 bytes of UTF-8 without control characters. */
must_check int project_check_name(const char *name, struct err *err);

#endif
