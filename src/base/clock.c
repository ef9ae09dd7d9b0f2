/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <string.h>
#include <time.h>

#include "base/utc.h"

#define UTC_TEXT_LENGTH 20
#define SECONDS_PER_DAY 86400
#define SECONDS_MIN INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define SECONDS_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define DAYS_FROM_MIN 719162              /* from the first of them to 1970-01-01 */
#define DAYS_BEFORE_1970 719468           /* from 0000-03-01 */
#define DAYS_PER_CENTURY 36524
#define DAYS_PER_ERA 146097 /* 400 years */

static int64_t now_ns(clockid_t clock)
{
	struct timespec now = {0};

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

int64_t clock_now_seconds(void)
{
	return now_ns(CLOCK_REALTIME) / NS_PER_SECOND;
}

int64_t clock_now_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}

int64_t clock_monotonic_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

int64_t clock_boot_ns(void)
{
	return now_ns(CLOCK_BOOTTIME);
}

int64_t clock_process_cpu_ns(void)
{
	return now_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int clock_parse_utc(const char *text, int64_t *ret_seconds, struct err *err)
{
	struct utc utc;

	if (strlen(text) != UTC_TEXT_LENGTH || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
	    text[16] != ':' || text[19] != 'Z')
		return err_set(err, ERR_INVALID, "'%.40s' is not a date of the form YYYY-MM-DDTHH:MM:SSZ", text);
	utc = (struct utc){utc_digits(text, 4),      utc_digits(text + 5, 2),  utc_digits(text + 8, 2),
			   utc_digits(text + 11, 2), utc_digits(text + 14, 2), utc_digits(text + 17, 2)};
	if (!utc_exists(&utc))
		return err_set(err, ERR_INVALID, "'%s' is a date that does not exist (from the year %d on)", text,
			       UTC_YEAR_MIN);
	*ret_seconds = utc_to_seconds(&utc);
	return 0;
}

/* A day since 1970-01-01 as a date: years begin in March here, so that a leap day is a year's last. */
static void date_of_day(int64_t day, int *ret_year, int *ret_month, int *ret_day)
{
	const int64_t shifted = day + DAYS_BEFORE_1970;
	const int64_t era = shifted / DAYS_PER_ERA;
	const int64_t of_era = shifted % DAYS_PER_ERA;
	const int64_t year =
	    (of_era - of_era / (4 * 365) + of_era / DAYS_PER_CENTURY - of_era / (DAYS_PER_ERA - 1)) / 365;
	const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	const int64_t month = (5 * of_year + 2) / 153; /* from March: 31, 30, 31, 30, 31 days, again and again */

	*ret_day = (int)(of_year - (153 * month + 2) / 5 + 1);
	*ret_month = (int)(month < 10 ? month + 3 : month - 9);
	*ret_year = (int)(year + 400 * era + (*ret_month <= 2 ? 1 : 0));
}

static void put_digits(char *at, int count, int number)
{
	while (count-- > 0) {
		at[count] = (char)('0' + number % 10);
		number /= 10;
	}
}

/* Computed here: gmtime_r takes a lock of the whole process and asks the environment. */
void clock_format_utc(int64_t seconds, char ret_text[static CLOCK_TEXT_SIZE])
{
	int year, month, day, rest;

	seconds = seconds < SECONDS_MIN ? SECONDS_MIN : seconds > SECONDS_MAX ? SECONDS_MAX : seconds;
	date_of_day((seconds - SECONDS_MIN) / SECONDS_PER_DAY - DAYS_FROM_MIN, &year, &month, &day);
	rest = (int)((seconds - SECONDS_MIN) % SECONDS_PER_DAY);
	memcpy(ret_text, "0000-00-00T00:00:00Z", UTC_TEXT_LENGTH + 1);
	put_digits(ret_text, 4, year);
	put_digits(ret_text + 5, 2, month);
	put_digits(ret_text + 8, 2, day);
	put_digits(ret_text + 11, 2, rest / 3600);
	put_digits(ret_text + 14, 2, rest / 60 % 60);
	put_digits(ret_text + 17, 2, rest % 60);
}
