/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "net/http1_head.h"

const char *http_headers_find(const struct http_header *headers, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (http_name_is(headers[i].name, name))
			return headers[i].value;
	}
	return NULL;
}

enum { TOKEN = 1, VALUE = 2 };

/* RFC 9110 5.6.2 and 5.5: bytes of a name, and of a value (no control byte but tab). */
static const uint8_t kinds[256] = {
    ['\t'] = VALUE,
    [' '] = VALUE,
    ['!'] = TOKEN | VALUE,
    ['"'] = VALUE,
    ['#' ... '\''] = TOKEN | VALUE,
    ['(' ... ')'] = VALUE,
    ['*' ... '+'] = TOKEN | VALUE,
    [','] = VALUE,
    ['-' ... '.'] = TOKEN | VALUE,
    ['/'] = VALUE,
    ['0' ... '9'] = TOKEN | VALUE,
    [':' ... '@'] = VALUE,
    ['A' ... 'Z'] = TOKEN | VALUE,
    ['[' ... ']'] = VALUE,
    ['^' ... 'z'] = TOKEN | VALUE,
    ['{'] = VALUE,
    ['|'] = TOKEN | VALUE,
    ['}'] = VALUE,
    ['~'] = TOKEN | VALUE,
    [0x80 ... 0xff] = VALUE,
};

bool http_is_token_byte(uint8_t byte)
{
	return kinds[byte] & TOKEN;
}

bool http_header_is_valid(const char *name, const char *value)
{
	const uint8_t *at = (const uint8_t *)name;

	if (!*at)
		return false;
	while (kinds[*at] & TOKEN)
		at++;
	if (*at)
		return false;
	for (at = (const uint8_t *)value; kinds[*at] & VALUE; at++) {
	}
	return !*at;
}

bool http_list_has(const char *list, const char *token)
{
	const size_t token_size = strlen(token);

	while (*list) {
		list += strspn(list, ", \t");
		if (strcspn(list, ",; \t") == token_size && strncasecmp(list, token, token_size) == 0)
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (http_name_is(name, names[i]))
			return true;
	}
	return false;
}

bool http_field_is_of_connection(const char *name)
{
	static const char *const names[] = {
	    "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te",
	};

	return is_one_of(name, names, COUNT_OF(names));
}

bool http_field_may_trail(const char *name)
{
	static const char *const names[] = {
	    "content-length",
	    "host",
	    "trailer",
	    "content-type",
	    "content-encoding",
	    "content-range",
	    "set-cookie",
	    "date",
	    "authorization",
	    "www-authenticate",
	    "location",
	    "cache-control",
	    "retry-after",
	    "age",
	    "expires",
	    "vary",
	    "proxy-authorization",
	    "proxy-authenticate",
	};

	return !http_field_is_of_connection(name) && !is_one_of(name, names, COUNT_OF(names));
}

struct status_text {
	int status;
	const char *text;
};

static const struct status_text status_texts[] = {
    {100, "Continue"},
    {102, "Processing"},
    {103, "Early Hints"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {510, "Not Extended"},
    {511, "Network Authentication Required"},
};

const char *http_status_text(int status)
{
	for (size_t i = 0; i < COUNT_OF(status_texts); i++) {
		if (status_texts[i].status == status)
			return status_texts[i].text;
	}
	return "Unknown";
}

/* Not strftime: the names are English whatever the locale is. */
void http_format_date(int64_t seconds, char ret_text[static HTTP_DATE_SIZE])
{
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	const time_t time = (time_t)seconds;
	struct tm tm = {0};

	(void)gmtime_r(&time, &tm);
	(void)snprintf(ret_text, HTTP_DATE_SIZE, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday % 7],
		       (unsigned)tm.tm_mday % 100, months[tm.tm_mon % 12], (unsigned)(tm.tm_year + 1900) % 10000,
		       (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}
