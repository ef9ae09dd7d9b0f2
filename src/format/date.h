/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates as people and configuration files write them: RFC 3339 with 'T' or a space, fraction of up to nine digits,
 * with an offset (zoned) or without (naive: the reader decides the zone). Years 1970..9999.
 */
#ifndef MSE_FORMAT_DATE_H
#define MSE_FORMAT_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define DATE_TEXT_SIZE 48

struct date {
	int year, month, day, hour, minute, second;
	int32_t nanosecond;
	bool zoned;
	int offset_minutes; /* east of UTC; 0 when naive */
};

/* Whole text is one date; a date without a time is midnight. */
must_check int date_parse(const char *text, struct date *ret_date, struct err *err);

/* Whether the fields name a moment that exists. */
bool date_is_valid(const struct date *date);

/*
 * Unix seconds. A naive date is read as if at local_offset_minutes east of UTC: the caller finds the offset of the
 * zone it means (see cli/local_zone.h), since this layer knows no zone.
 */
int64_t date_to_unix(const struct date *date, int local_offset_minutes);

/* "YYYY-MM-DD HH:MM:SS[.ffffff][+HH:MM]", as Python's str(datetime) writes it and context files have it. */
void date_format(const struct date *date, char ret_text[static DATE_TEXT_SIZE]);

/* The zoned (+00:00) date of Unix seconds within years 1970..9999. */
struct date date_from_unix(int64_t seconds);

#endif
