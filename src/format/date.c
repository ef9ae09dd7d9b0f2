/* SPDX-License-Identifier: Apache-2.0 */
#include "format/date.h"

#include <stdio.h>
#include <string.h>

#include "base/utc.h"

#define OFFSET_HOURS_MAX 23
#define FRACTION_DIGITS_MAX 9
#define DAY_SECONDS 86400

static struct utc utc_of(const struct date *date)
{
	return (struct utc){date->year, date->month, date->day, date->hour, date->minute, date->second};
}

bool date_is_valid(const struct date *date)
{
	const struct utc utc = utc_of(date);

	return utc_exists(&utc);
}

/* Exactly count digits at *at; moves past them. -1 if they are not digits. */
static int digits(const char **at, int count)
{
	const int value = utc_digits(*at, count);

	if (value >= 0)
		*at += count;
	return value;
}

static bool skip(const char **at, char wanted)
{
	if (**at != wanted)
		return false;
	(*at)++;
	return true;
}

static bool read_day(const char **at, struct date *date)
{
	date->year = digits(at, 4);
	if (date->year < 0 || !skip(at, '-'))
		return false;
	date->month = digits(at, 2);
	if (date->month < 0 || !skip(at, '-'))
		return false;
	date->day = digits(at, 2);
	return date->day >= 0;
}

static bool read_fraction(const char **at, struct date *date)
{
	int32_t scale = 100000000;
	int count = 0;

	if (!skip(at, '.'))
		return true;
	for (; **at >= '0' && **at <= '9'; (*at)++, count++) {
		if (count == FRACTION_DIGITS_MAX)
			return false;
		date->nanosecond += (**at - '0') * scale;
		scale /= 10;
	}
	return count > 0;
}

static bool read_time(const char **at, struct date *date)
{
	date->hour = digits(at, 2);
	if (date->hour < 0 || !skip(at, ':'))
		return false;
	date->minute = digits(at, 2);
	if (date->minute < 0 || !skip(at, ':'))
		return false;
	date->second = digits(at, 2);
	return date->second >= 0 && read_fraction(at, date);
}

static bool read_offset(const char **at, struct date *date)
{
	const int sign = **at == '-' ? -1 : 1;
	int hours, minutes;

	if (**at == '\0')
		return true;
	date->zoned = true;
	if (skip(at, 'Z') || skip(at, 'z'))
		return true;
	if (!skip(at, '+') && !skip(at, '-'))
		return false;
	hours = digits(at, 2);
	if (hours < 0 || hours > OFFSET_HOURS_MAX || !skip(at, ':'))
		return false;
	minutes = digits(at, 2);
	if (minutes < 0 || minutes > 59)
		return false;
	date->offset_minutes = sign * (hours * 60 + minutes);
	return true;
}

int date_parse(const char *text, struct date *ret_date, struct err *err)
{
	struct date date = {0};
	const char *at = text;
	bool fine = read_day(&at, &date);

	if (fine && *at != '\0')
		fine = (skip(&at, 'T') || skip(&at, 't') || skip(&at, ' ')) && read_time(&at, &date) &&
		       read_offset(&at, &date) && *at == '\0';
	if (!fine)
		return err_set(err, ERR_INVALID, "'%.60s' is not a date like 2026-11-22T18:00:00Z", text);
	if (!date_is_valid(&date))
		return err_set(err, ERR_INVALID, "'%.60s' is a date that does not exist (from the year %d on)", text,
			       UTC_YEAR_MIN);
	*ret_date = date;
	return 0;
}

int64_t date_to_unix(const struct date *date, int local_offset_minutes)
{
	const int offset = date->zoned ? date->offset_minutes : local_offset_minutes;
	const struct utc utc = utc_of(date);

	return utc_to_seconds(&utc) - (int64_t)offset * 60;
}

struct date date_from_unix(int64_t seconds)
{
	const int64_t rest = seconds % DAY_SECONDS;
	int64_t days = seconds / DAY_SECONDS;
	struct date date = {.year = UTC_YEAR_MIN, .month = 1, .zoned = true};

	for (; days >= (utc_is_leap_year(date.year) ? 366 : 365); date.year++)
		days -= utc_is_leap_year(date.year) ? 366 : 365;
	for (; days >= utc_days_in_month(date.year, date.month); date.month++)
		days -= utc_days_in_month(date.year, date.month);
	date.day = (int)days + 1;
	date.hour = (int)(rest / 3600);
	date.minute = (int)(rest % 3600 / 60);
	date.second = (int)(rest % 60);
	return date;
}

void date_format(const struct date *date, char ret_text[static DATE_TEXT_SIZE])
{
	const int minutes = date->offset_minutes < 0 ? -date->offset_minutes : date->offset_minutes;
	char fraction[16] = "";
	char offset[16] = "";

	if (date->nanosecond)
		(void)snprintf(fraction, sizeof(fraction), ".%06d", (int)(date->nanosecond / 1000));
	if (date->zoned)
		(void)snprintf(offset, sizeof(offset), "%c%02d:%02d", date->offset_minutes < 0 ? '-' : '+',
			       minutes / 60 % 100, minutes % 60);
	(void)snprintf(ret_text, DATE_TEXT_SIZE, "%04d-%02d-%02d %02d:%02d:%02d%s%s", date->year % 10000,
		       date->month % 100, date->day % 100, date->hour % 100, date->minute % 100, date->second % 100,
		       fraction, offset);
}
