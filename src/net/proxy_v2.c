/* SPDX-License-Identifier: Apache-2.0 */
#include "net/proxy_v2.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/number.h"

static const uint8_t signature[PROXY_V2_SIGNATURE_SIZE] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
							   0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

#define VERSION_COMMAND 12
#define FAMILY 13
#define LENGTH 14
#define VERSION_2_LOCAL 0x20
#define VERSION_2_PROXY 0x21
#define FAMILY_TCP4 0x11
#define FAMILY_TCP6 0x21
#define FAMILY_UNIX_STREAM 0x31
#define INET_SIZE 12
#define INET6_SIZE 36
#define UNIX_SIZE 216
#define TLV_HEAD_SIZE 3
#define TLV_SSL 0x20
#define TLV_SSL_SIZE_MIN 5 /* its bits, and the result of looking at the client's certificate */
#define CLIENT_SSL 0x01

bool proxy_v2_is_possible(const uint8_t *data, size_t size)
{
	return memcmp(data, signature, size_min(size, sizeof(signature))) == 0;
}

static uint16_t read_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

size_t proxy_v2_size(const uint8_t *data)
{
	return PROXY_V2_SIZE_MIN + (size_t)read_u16(data + LENGTH);
}

static int parse_inet(const uint8_t *at, size_t size, int family, struct proxy_v2_addresses *ret, struct err *err)
{
	const size_t each = family == AF_INET ? 4 : 16;

	if (size < 2 * each + 4)
		return err_set(err, ERR_INVALID, "PROXY header: %zu bytes of addresses, wanted %zu", size,
			       2 * each + 4);
	ret->family = family == AF_INET ? PROXY_V2_INET : PROXY_V2_INET6;
	(void)inet_ntop(family, at, ret->source, sizeof(ret->source));
	(void)inet_ntop(family, at + each, ret->destination, sizeof(ret->destination));
	ret->source_port = read_u16(at + 2 * each);
	ret->destination_port = read_u16(at + 2 * each + 2);
	return 0;
}

static size_t addresses_size(uint8_t family)
{
	switch (family) {
	case FAMILY_TCP4:
		return INET_SIZE;
	case FAMILY_TCP6:
		return INET6_SIZE;
	case FAMILY_UNIX_STREAM:
		return UNIX_SIZE;
	default:
		return 0;
	}
}

/* Behind the addresses of a PROXY command, size bytes. What is no whole TLV says nothing, and nothing behind it does.
 */
static bool says_tls(const uint8_t *at, size_t size)
{
	while (size >= TLV_HEAD_SIZE) {
		const size_t value = read_u16(at + 1);

		if (value > size - TLV_HEAD_SIZE)
			return false;
		if (at[0] == TLV_SSL && value >= TLV_SSL_SIZE_MIN)
			return (at[TLV_HEAD_SIZE] & CLIENT_SSL) != 0;
		at += TLV_HEAD_SIZE + value;
		size -= TLV_HEAD_SIZE + value;
	}
	return false;
}

static int parse_addresses(const uint8_t *data, size_t length, struct proxy_v2_addresses *ret, struct err *err)
{
	const uint8_t *at = data + PROXY_V2_SIZE_MIN;

	if (data[VERSION_COMMAND] == VERSION_2_LOCAL)
		return 0;
	switch (data[FAMILY]) {
	case FAMILY_TCP4:
		return parse_inet(at, length, AF_INET, ret, err);
	case FAMILY_TCP6:
		return parse_inet(at, length, AF_INET6, ret, err);
	case FAMILY_UNIX_STREAM:
		if (length < UNIX_SIZE)
			return err_set(err, ERR_INVALID, "PROXY header: %zu bytes of addresses", length);
		ret->family = PROXY_V2_UNIX;
		return 0;
	case 0: /* AF_UNSPEC */
		return 0;
	default:
		return err_set(err, ERR_INVALID, "PROXY header: family %#x", data[FAMILY]);
	}
}

int proxy_v2_parse(const uint8_t *data, size_t size, struct proxy_v2_addresses *ret, size_t *ret_size, struct err *err)
{
	struct proxy_v2_addresses addresses = {.family = PROXY_V2_UNKNOWN};
	size_t length;

	if (!proxy_v2_is_possible(data, size))
		return err_set(err, ERR_INVALID, "no PROXY protocol v2 header");
	if (size < PROXY_V2_SIZE_MIN)
		return 0;
	if (data[VERSION_COMMAND] != VERSION_2_LOCAL && data[VERSION_COMMAND] != VERSION_2_PROXY)
		return err_set(err, ERR_INVALID, "PROXY header: version and command %#x", data[VERSION_COMMAND]);
	length = read_u16(data + LENGTH);
	if (PROXY_V2_SIZE_MIN + length > PROXY_V2_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "PROXY header of %zu bytes, at most %d", PROXY_V2_SIZE_MIN + length,
			       PROXY_V2_SIZE_MAX);
	if (size < PROXY_V2_SIZE_MIN + length)
		return 0;
	if (parse_addresses(data, length, &addresses, err) < 0)
		return -1;
	if (data[VERSION_COMMAND] == VERSION_2_PROXY) {
		const size_t skipped = addresses_size(data[FAMILY]);

		addresses.is_tls = says_tls(data + PROXY_V2_SIZE_MIN + skipped, length - skipped);
	}
	*ret = addresses;
	*ret_size = PROXY_V2_SIZE_MIN + length;
	return 1;
}

static int add_u16(struct buf *ret, uint16_t value, struct err *err)
{
	const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	return buf_add(ret, bytes, sizeof(bytes), err);
}

static int add_address(struct buf *ret, int family, const char *text, struct err *err)
{
	uint8_t bytes[16];

	if (inet_pton(family, text, bytes) != 1)
		return err_set(err, ERR_INVALID, "'%s' is not an address", text);
	return buf_add(ret, bytes, family == AF_INET ? 4 : 16, err);
}

int proxy_v2_format(const struct proxy_v2_addresses *addresses, struct buf *ret, struct err *err)
{
	const bool inet = addresses->family == PROXY_V2_INET || addresses->family == PROXY_V2_INET6;
	const int family = addresses->family == PROXY_V2_INET ? AF_INET : AF_INET6;

	if (buf_add(ret, signature, sizeof(signature), err) < 0 ||
	    buf_add_byte(ret, inet ? VERSION_2_PROXY : VERSION_2_LOCAL, err) < 0)
		return -1;
	if (!inet)
		return buf_add(ret, "\0\0\0", 3, err);
	if (buf_add_byte(ret, family == AF_INET ? FAMILY_TCP4 : FAMILY_TCP6, err) < 0 ||
	    add_u16(ret, family == AF_INET ? INET_SIZE : INET6_SIZE, err) < 0 ||
	    add_address(ret, family, addresses->source, err) < 0 ||
	    add_address(ret, family, addresses->destination, err) < 0)
		return -1;
	return add_u16(ret, addresses->source_port, err) < 0 ? -1 : add_u16(ret, addresses->destination_port, err);
}
