/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_SECOND 1000000000LL
#define UTC_TEXT_LENGTH 20
#define YEAR_MIN 1970
#define YEAR_MAX 9999

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

static int two_digits(const char *text)
{
	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return -1;
	return (text[0] - '0') * 10 + text[1] - '0';
}

int clock_parse_utc(const char *text, int64_t *ret_seconds, struct err *err)
{
	struct tm wanted = {0};
	struct tm normal;
	int century, year, month;
	time_t seconds;

	if (strlen(text) != UTC_TEXT_LENGTH || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
	    text[16] != ':' || text[19] != 'Z')
		return err_set(err, ERR_INVALID, "'%.40s' is not a date of the form YYYY-MM-DDTHH:MM:SSZ", text);
	century = two_digits(text);
	year = two_digits(text + 2);
	month = two_digits(text + 5);
	wanted.tm_mday = two_digits(text + 8);
	wanted.tm_hour = two_digits(text + 11);
	wanted.tm_min = two_digits(text + 14);
	wanted.tm_sec = two_digits(text + 17);
	if (century < 0 || year < 0 || century * 100 + year < YEAR_MIN || month < 1 || wanted.tm_mday < 1 ||
	    wanted.tm_hour < 0 || wanted.tm_min < 0 || wanted.tm_sec < 0)
		return err_set(err, ERR_INVALID, "'%s' is not a date from the year %d on", text, YEAR_MIN);
	wanted.tm_year = century * 100 + year - 1900;
	wanted.tm_mon = month - 1;
	normal = wanted;
	seconds = timegm(&normal);
	/* timegm turns 30 February into 2 March: a date that changed does not exist. */
	if (normal.tm_mon != wanted.tm_mon || normal.tm_mday != wanted.tm_mday || normal.tm_hour != wanted.tm_hour ||
	    normal.tm_min != wanted.tm_min || normal.tm_sec != wanted.tm_sec)
		return err_set(err, ERR_INVALID, "'%s' is a date that does not exist", text);
	*ret_seconds = seconds;
	return 0;
}

void clock_format_utc(int64_t seconds, char ret_text[static CLOCK_TEXT_SIZE])
{
	const time_t when = (time_t)seconds;
	struct tm parts = {0};

	if (!gmtime_r(&when, &parts) || parts.tm_year + 1900 > YEAR_MAX)
		parts = (struct tm){.tm_year = YEAR_MAX - 1900, .tm_mon = 11, .tm_mday = 31};
	(void)strftime(ret_text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}
