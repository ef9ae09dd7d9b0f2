/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dates reckoned by ourselves: the C library's timegm and gmtime take a lock of the whole process, ask the environment
 * and open files, which the verifier must not.
 */
#ifndef MSE_BASE_UTC_H
#define MSE_BASE_UTC_H

#include <stdbool.h>
#include <stdint.h>

#define UTC_YEAR_MIN 1970
#define UTC_YEAR_MAX 9999

/* A moment as people write it; month and day from 1. */
struct utc {
	int year, month, day, hour, minute, second;
};

/* Whether there is such a moment, from UTC_YEAR_MIN to UTC_YEAR_MAX, without leap seconds. A field may be any number.
 */
bool utc_exists(const struct utc *utc);
/* Unix seconds of a moment that exists. */
int64_t utc_to_seconds(const struct utc *utc);

bool utc_is_leap_year(int year);
int utc_days_in_month(int year, int month); /* month 1 to 12 */

/* The number that exactly count decimal digits name, at most 9; -1 if they are none. Reads up to the first other byte.
 */
int utc_digits(const char *text, int count);

#endif
