/* SPDX-License-Identifier: Apache-2.0 */
/* The zone of the user's machine (TZ, /etc/localtime): what naive dates are read in and times are shown in. */
#ifndef MSE_CLI_LOCAL_ZONE_H
#define MSE_CLI_LOCAL_ZONE_H

#include <stdint.h>

#include "format/date.h"

/* Unix seconds of a date; a naive one is local. */
int64_t local_date_to_unix(const struct date *date);

/* The local, naive date of Unix seconds. */
struct date local_date_from_unix(int64_t seconds);

#endif
