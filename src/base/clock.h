/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time. Wall time is Unix seconds (or nanoseconds) in UTC, text is RFC 3339. Pure layers never call clock_now_*:
 * time reaches them as an argument. Programs call it once and hand it down, so tests can replace it.
 */
#ifndef MSE_BASE_CLOCK_H
#define MSE_BASE_CLOCK_H

#include <stdint.h>

#include "base/err.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_SECOND INT64_C(1000000000)

#define CLOCK_TEXT_SIZE 40 /* longest text below, with its zero byte */

int64_t clock_now_seconds(void);
int64_t clock_now_ns(void);
int64_t clock_monotonic_ns(void);
int64_t clock_boot_ns(void); /* as monotonic, and it runs on while the machine sleeps: for ages */
/* Of all threads. Gramine knows one clock only: there it is as large as clock_monotonic_ns. */
int64_t clock_process_cpu_ns(void);

/* "YYYY-MM-DDTHH:MM:SSZ" exactly: the strict form of instance documents and collateral. Years 1970..9999. */
must_check int clock_parse_utc(const char *text, int64_t *ret_seconds, struct err *err);
/* Years 1 to 9999; what lies outside becomes the first or the last second of them. Knows no time zone, takes no lock.
 */
void clock_format_utc(int64_t seconds, char ret_text[static CLOCK_TEXT_SIZE]);

#endif
