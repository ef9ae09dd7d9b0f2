/* SPDX-License-Identifier: Apache-2.0 */
#include "format/uri.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"

#define LABEL_MAX 63

/* ---- hosts ---- */

bool host_is_address(const char *host)
{
	uint8_t ignored[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, ignored) == 1 || inet_pton(AF_INET6, host, ignored) == 1;
}

bool host_is_loopback_name(const char *host)
{
	static const char name[] = "localhost";
	size_t size = strlen(host);

	/* A name may end in the root's dot. */
	if (size > 0 && host[size - 1] == '.')
		size--;
	if (size < sizeof(name) - 1 || strncasecmp(host + size - (sizeof(name) - 1), name, sizeof(name) - 1) != 0)
		return false;
	return size == sizeof(name) - 1 || host[size - sizeof(name)] == '.';
}

static char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static bool is_label_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Labels of 1 to 63 letters, digits, '-' and '_', none beginning or ending with '-'. In lower case already. */
static bool name_is_valid(const char *name)
{
	size_t label = 0;

	for (const char *at = name; *at; at++) {
		if (*at == '.') {
			if (label == 0 || at[-1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!is_label_byte(*at) || (label == 0 && *at == '-') || ++label > LABEL_MAX)
			return false;
	}
	return label > 0 && name[strlen(name) - 1] != '-';
}

/* "1.2.3" and "256.1.1.1" look like addresses to some resolvers: what ends in a number must be an address. */
static bool last_label_is_number(const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *label = dot ? dot + 1 : name;

	return label[strspn(label, "0123456789")] == 0;
}

static int set_host(const char *data, size_t size, bool in_brackets, struct hostport *ret, struct err *err)
{
	uint8_t ignored[sizeof(struct in6_addr)];

	if (size == 0 || size > URI_HOST_MAX)
		return err_set(err, ERR_INVALID, "a host has 1 to %d bytes, not %zu", URI_HOST_MAX, size);
	for (size_t i = 0; i < size; i++)
		ret->host[i] = to_lower(data[i]);
	ret->host[size] = 0;
	ret->is_ipv6 = in_brackets;
	if (strlen(ret->host) != size)
		return err_set(err, ERR_INVALID, "zero byte in a host");
	if (in_brackets)
		return inet_pton(AF_INET6, ret->host, ignored) == 1
			   ? 0
			   : err_set(err, ERR_INVALID, "'%s' is not an IPv6 address", ret->host);
	if (inet_pton(AF_INET, ret->host, ignored) == 1)
		return 0;
	if (!name_is_valid(ret->host) || last_label_is_number(ret->host))
		return err_set(err, ERR_INVALID, "'%s' is not a host name", ret->host);
	return 0;
}

static int parse_port(const char *text, struct hostport *ret, struct err *err)
{
	uint64_t port;

	if (strlen(text) > 5 || number_parse_u64(text, 1, 65535, &port, err) < 0)
		return err_set(err, ERR_INVALID, "'%.16s' is not a port", text);
	ret->port = (uint16_t)port;
	ret->has_port = true;
	return 0;
}

int hostport_parse(const char *text, uint16_t default_port, struct hostport *ret, struct err *err)
{
	struct hostport parsed = {.port = default_port};
	const bool in_brackets = *text == '[';
	const char *host = in_brackets ? text + 1 : text;
	const size_t size = strcspn(host, in_brackets ? "]" : ":");
	const char *rest = host + size;

	if (in_brackets && *rest++ != ']')
		return err_set(err, ERR_INVALID, "'%.64s': no ']'", text);
	if (set_host(host, size, in_brackets, &parsed, err) < 0)
		return -1;
	if (*rest == ':') {
		if (parse_port(rest + 1, &parsed, err) < 0)
			return -1;
	} else if (*rest) {
		return err_set(err, ERR_INVALID, "'%.64s': wanted ':' behind the host", text);
	}
	*ret = parsed;
	return 0;
}

int hostport_format(const struct hostport *hostport, uint16_t default_port, struct buf *ret, struct err *err)
{
	const char *open = hostport->is_ipv6 ? "[" : "";
	const char *close = hostport->is_ipv6 ? "]" : "";

	if (hostport->port == default_port)
		return buf_addf(ret, err, "%s%s%s", open, hostport->host, close);
	return buf_addf(ret, err, "%s%s%s:%u", open, hostport->host, close, hostport->port);
}

/* ---- URLs ---- */

static bool starts_with(const char *text, const char *start)
{
	return strncasecmp(text, start, strlen(start)) == 0;
}

static int check_bytes(const char *text, struct err *err)
{
	for (size_t i = 0; text[i]; i++) {
		const uint8_t byte = (uint8_t)text[i];

		if (byte <= 0x20 || byte >= 0x7f || strchr("\"<>\\^`{|}", text[i]))
			return err_set(err, ERR_INVALID, "byte %zu of the URL must be percent-encoded", i);
		if (text[i] == '#')
			return err_set(err, ERR_INVALID, "a fragment is never sent");
	}
	return 0;
}

static int parse_authority(const char *data, size_t size, uint16_t default_port, struct hostport *ret, struct err *err)
{
	char text[URI_HOST_MAX + sizeof("[]:65535")];

	if (size >= sizeof(text))
		return err_set(err, ERR_INVALID, "the host is too long");
	memcpy(text, data, size);
	text[size] = 0;
	if (strchr(text, '@'))
		return err_set(err, ERR_INVALID, "a user name in the URL");
	return hostport_parse(text, default_port, ret, err);
}

int uri_parse(const char *text, struct uri *ret, struct err *err)
{
	struct uri parsed = {.is_https = starts_with(text, "https://")};
	const char *authority;
	const char *target;

	if (!parsed.is_https && !starts_with(text, "http://"))
		return err_set(err, ERR_INVALID, "'%.64s' begins with neither 'https://' nor 'http://'", text);
	if (strlen(text) > URI_TEXT_MAX)
		return err_set(err, ERR_LIMIT, "a URL of more than %d bytes", URI_TEXT_MAX);
	if (check_bytes(text, err) < 0)
		return -1;
	authority = text + (parsed.is_https ? 8 : 7);
	target = authority + strcspn(authority, "/?");
	if (parse_authority(authority, (size_t)(target - authority), parsed.is_https ? HTTPS_PORT : HTTP_PORT,
			    &parsed.authority, err) < 0)
		return err_prefix(err, "'%.64s'", text);
	if (asprintf(&parsed.target, "%s%s", *target == '/' ? "" : "/", target) < 0)
		return err_no_memory(err);
	*ret = parsed;
	return 0;
}

void uri_done(struct uri *uri)
{
	free(uri->target);
	uri->target = NULL;
}

/* ---- percent-encoding ---- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = to_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int uri_decode(const char *data, size_t size, bool plus_is_space, struct buf *ret, struct err *err)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)data[i];

		if (byte == '%') {
			const int high = i + 2 < size ? hex_value(data[i + 1]) : -1;
			const int low = i + 2 < size ? hex_value(data[i + 2]) : -1;

			if (high < 0 || low < 0)
				return err_set(err, ERR_INVALID, "malformed percent-encoding at byte %zu", i);
			byte = (uint8_t)(high << 4 | low);
			i += 2;
		} else if (byte == '+' && plus_is_space) {
			byte = ' ';
		}
		if (byte == 0)
			return err_set(err, ERR_INVALID, "zero byte at byte %zu", i);
		if (buf_add_byte(ret, byte, err) < 0)
			return -1;
	}
	return 0;
}

static bool is_unreserved(uint8_t byte)
{
	return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
	       byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

int uri_encode(const void *data, size_t size, struct buf *ret, struct err *err)
{
	static const char digits[] = "0123456789ABCDEF";
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++) {
		const char escaped[3] = {'%', digits[bytes[i] >> 4], digits[bytes[i] & 15]};

		if (is_unreserved(bytes[i]) ? buf_add_byte(ret, bytes[i], err) < 0
					    : buf_add(ret, escaped, sizeof(escaped), err) < 0)
			return -1;
	}
	return 0;
}

/* ---- queries ---- */

/* 1 if the decoded bytes are name. */
static int name_is(const char *data, size_t size, const char *name, struct err *err)
{
	scoped(buf_done) struct buf decoded = BUF_INIT(URI_TEXT_MAX);

	if (uri_decode(data, size, true, &decoded, err) < 0)
		return -1;
	return strcmp(buf_text(&decoded), name) == 0;
}

int uri_query_find(const char *query, const char *name, struct buf *ret, struct err *err)
{
	while (query && *query) {
		const size_t pair_size = strcspn(query, "&");
		const size_t name_size = strcspn(query, "=&");
		const int found = name_is(query, name_size, name, err);

		if (found < 0)
			return -1;
		if (found > 0) {
			const size_t skip = name_size < pair_size ? name_size + 1 : name_size;

			return uri_decode(query + skip, pair_size - skip, true, ret, err) < 0 ? -1 : 1;
		}
		query += pair_size + (query[pair_size] == '&');
	}
	return 0;
}
