/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/local_zone.h"

#include <time.h>

int64_t local_date_to_unix(const struct date *date)
{
	struct tm parts = {
	    .tm_year = date->year - 1900,
	    .tm_mon = date->month - 1,
	    .tm_mday = date->day,
	    .tm_hour = date->hour,
	    .tm_min = date->minute,
	    .tm_sec = date->second,
	    .tm_isdst = -1,
	};

	return date->zoned ? date_to_unix(date, 0) : (int64_t)mktime(&parts);
}

struct date local_date_from_unix(int64_t seconds)
{
	const time_t when = (time_t)seconds;
	struct tm parts;

	if (!localtime_r(&when, &parts))
		return date_from_unix(0);
	return (struct date){
	    .year = parts.tm_year + 1900,
	    .month = parts.tm_mon + 1,
	    .day = parts.tm_mday,
	    .hour = parts.tm_hour,
	    .minute = parts.tm_min,
	    .second = parts.tm_sec,
	};
}
