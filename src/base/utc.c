/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utc.h"

#define SECONDS_PER_DAY 86400
#define DAYS_BEFORE_1970 719468 /* from 0000-03-01 */
#define DAYS_PER_ERA 146097     /* 400 years */

int utc_digits(const char *text, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

bool utc_is_leap_year(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int utc_days_in_month(int year, int month)
{
	static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && utc_is_leap_year(year) ? 29 : DAYS[month - 1];
}

bool utc_exists(const struct utc *utc)
{
	return utc->year >= UTC_YEAR_MIN && utc->year <= UTC_YEAR_MAX && utc->month >= 1 && utc->month <= 12 &&
	       utc->day >= 1 && utc->day <= utc_days_in_month(utc->year, utc->month) && utc->hour >= 0 &&
	       utc->hour <= 23 && utc->minute >= 0 && utc->minute <= 59 && utc->second >= 0 && utc->second <= 59;
}

/* Years begin in March here, so that a leap day is a year's last. */
int64_t utc_to_seconds(const struct utc *utc)
{
	const int64_t year = utc->month <= 2 ? utc->year - 1 : utc->year;
	const int64_t of_era = year % 400;
	const int64_t of_year = (153 * (utc->month + (utc->month > 2 ? -3 : 9)) + 2) / 5 + utc->day - 1;
	const int64_t day = year / 400 * DAYS_PER_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year;

	return (day - DAYS_BEFORE_1970) * SECONDS_PER_DAY + utc->hour * 3600 + utc->minute * 60 + utc->second;
}
