/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http1_target.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/scoped.h"

#define PORT_DIGITS 5

bool http1_is_target_byte(uint8_t byte)
{
	return byte > 0x20 && byte < 0x7f;
}

/* "[…]" of an address; which one it is, nobody here needs to know. 0: none. */
static size_t literal_size(const char *host)
{
	const size_t size = 1 + strspn(host + 1, "0123456789abcdefABCDEF:.");

	return size > 1 && host[size] == ']' ? size + 1 : 0;
}

/* Of a reg-name (RFC 3986 3.2.2). 0: none, or an escape that is none. */
static size_t name_size(const char *host)
{
	size_t size = 0;

	while (http1_is_target_byte((uint8_t)host[size]) && !strchr(":/?#@\\\"<>[]^`{|}", host[size])) {
		if (host[size] == '%' && (!isxdigit((uint8_t)host[size + 1]) || !isxdigit((uint8_t)host[size + 2])))
			return 0;
		size++;
	}
	return size;
}

/* ":" and 1 to 65535, or nothing behind it (RFC 9110 4.2.3). 0: no port of these. */
static size_t port_size(const char *port)
{
	const size_t digits = strspn(port + 1, "0123456789");
	unsigned number = 0;

	for (size_t i = 0; i < digits && number <= UINT16_MAX; i++)
		number = 10 * number + (unsigned)(port[1 + i] - '0');
	return digits <= PORT_DIGITS && (digits == 0 || (number > 0 && number <= UINT16_MAX)) ? 1 + digits : 0;
}

size_t http1_host_size(const char *text)
{
	const size_t size = *text == '[' ? literal_size(text) : name_size(text);

	if (size == 0 || text[size] != ':')
		return size;
	return port_size(text + size) > 0 ? size + port_size(text + size) : 0;
}

bool http1_host_is_valid(const char *host)
{
	const size_t size = http1_host_size(host);

	return size > 0 ? !host[size] : !*host;
}

bool http1_method_is_known(const char *method)
{
	static const char *const known[] = {
	    "GET",   "HEAD", "POST",   "PUT",    "DELETE", "OPTIONS",  "PATCH",     "TRACE",      "COPY", "LOCK",
	    "MKCOL", "MOVE", "UNLOCK", "REPORT", "SEARCH", "PROPFIND", "PROPPATCH", "MKCALENDAR", "LINK", "UNLINK",
	};

	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (strcmp(method, known[i]) == 0)
			return true;
	}
	return false;
}

bool http1_path_is_valid(const char *method, const char *path)
{
	if (strcmp(path, "*") == 0)
		return strcmp(method, "OPTIONS") == 0;
	for (const char *at = path; *at; at++) {
		if (!http1_is_target_byte((uint8_t)*at) || *at == '#')
			return false;
	}
	return *path == '/';
}

bool http1_target_is_valid(const char *method, const char *target)
{
	if (strcmp(target, "*") == 0)
		return strcmp(method, "OPTIONS") == 0;
	if (strchr(target, '#'))
		return false;
	return target[0] == '/' || strncasecmp(target, "http://", 7) == 0 || strncasecmp(target, "https://", 8) == 0;
}

bool http1_authority_is_valid(const char *target)
{
	return strchr(target, ':') && http1_host_is_valid(target);
}
