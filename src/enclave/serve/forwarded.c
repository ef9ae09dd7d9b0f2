/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/serve/forwarded.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"

#define FOR "X-Forwarded-For"
#define PROTO "X-Forwarded-Proto"
#define IPV4_SIZE 4
#define IPV4_BITS 32
#define IPV6_BITS 128
#define MAPPED_SIZE 12 /* what stands in front of an IPv4 address */
#define WORD_MAX 64    /* of an address with its port, or a network */
#define PORT_MAX 65535

static const uint8_t mapped[MAPPED_SIZE] = {[10] = 0xff, [11] = 0xff};

/* As IPv6; false: it is no address. */
static bool read_address(const char *text, uint8_t ret[static FORWARDED_ADDRESS_SIZE], bool *ret_is_ipv6)
{
	*ret_is_ipv6 = inet_pton(AF_INET6, text, ret) == 1;
	if (*ret_is_ipv6)
		return true;
	memcpy(ret, mapped, MAPPED_SIZE);
	return inet_pton(AF_INET, text, ret + MAPPED_SIZE) == 1;
}

static bool bits_are_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	const unsigned rest = bits % 8;

	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return rest == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - rest) == 0;
}

/* ---- whom to trust ---- */

static int parse_network(char *word, struct forwarded_network *ret, struct err *err)
{
	static const uint8_t zeros[FORWARDED_ADDRESS_SIZE];
	uint8_t masked[FORWARDED_ADDRESS_SIZE];
	char *slash = strchr(word, '/');
	uint64_t bits;
	bool is_ipv6;

	if (slash)
		*slash = 0;
	if (!read_address(word, ret->address, &is_ipv6))
		return err_set(err, ERR_INVALID, "'%s' is no address, network, 'unix', 'none' or '*'", word);
	bits = is_ipv6 ? IPV6_BITS : IPV4_BITS;
	if (slash && number_parse_u64(slash + 1, 0, bits, &bits, err) < 0)
		return err_prefix(err, "the bits of '%s'", word);
	ret->bits = (unsigned)bits + (is_ipv6 ? 0 : IPV6_BITS - IPV4_BITS);
	memcpy(masked, ret->address, sizeof(masked));
	for (unsigned i = 0; i < ret->bits; i++)
		masked[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	if (memcmp(masked, zeros, sizeof(masked)) != 0)
		return err_set(err, ERR_INVALID, "'%s/%u' has bits of a host behind its prefix", word, (unsigned)bits);
	return 0;
}

static int take_word(const char *text, size_t size, struct forwarded_trust *ret, struct err *err)
{
	char word[WORD_MAX];

	while (size > 0 && *text == ' ') {
		text++;
		size--;
	}
	while (size > 0 && text[size - 1] == ' ')
		size--;
	if (size == 0 || size >= sizeof(word))
		return err_set(err, ERR_INVALID, "an address of %zu characters", size);
	memcpy(word, text, size);
	word[size] = 0;
	if (strcmp(word, "unix") == 0) {
		ret->is_unix = true;
		return 0;
	}
	if (ret->count == FORWARDED_NETWORKS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d addresses", FORWARDED_NETWORKS_MAX);
	if (parse_network(word, &ret->networks[ret->count], err) < 0)
		return -1;
	ret->count++;
	return 0;
}

int forwarded_trust_parse(const char *text, struct forwarded_trust *ret, struct err *err)
{
	*ret = (struct forwarded_trust){.is_peer = strcmp(text, "*") == 0};
	if (ret->is_peer || strcmp(text, "none") == 0)
		return 0;
	for (;;) {
		const size_t size = strcspn(text, ",");

		if (take_word(text, size, ret, err) < 0)
			return -1;
		if (text[size] == 0)
			return 0;
		text += size + 1;
	}
}

bool forwarded_is_used(const struct forwarded_trust *trust)
{
	return trust->is_peer || trust->is_unix || trust->count > 0;
}

static bool is_trusted(const struct forwarded_trust *trust, const struct proxy_v2_addresses *who, bool is_peer)
{
	uint8_t address[FORWARDED_ADDRESS_SIZE];
	bool ignored;

	if (is_peer && trust->is_peer)
		return true;
	if (who->family == PROXY_V2_UNIX)
		return trust->is_unix;
	if ((who->family != PROXY_V2_INET && who->family != PROXY_V2_INET6) ||
	    !read_address(who->source, address, &ignored))
		return false;
	for (size_t i = 0; i < trust->count; i++) {
		if (bits_are_equal(address, trust->networks[i].address, trust->networks[i].bits))
			return true;
	}
	return false;
}

/* ---- what they say ---- */

/* The elements of all fields of one name, as of one list, from its end. */
struct backwards {
	const char *name;
	const struct http_header *headers;
	size_t left;       /* fields not begun */
	const char *value; /* value[0..size) is left of this one; NULL: none is begun */
	size_t size;
};

static bool find_field(struct backwards *list)
{
	while (list->left > 0) {
		const struct http_header *header = &list->headers[--list->left];

		if (strcasecmp(header->name, list->name) == 0) {
			list->value = header->value;
			list->size = strlen(header->value);
			return true;
		}
	}
	return false;
}

/* The next element to the left, trimmed: ret[0..*ret_size). Empty ones do not count. */
static bool previous(struct backwards *list, const char **ret, size_t *ret_size)
{
	while (list->value || find_field(list)) {
		const char *at = list->value;
		size_t end = list->size;
		size_t begin;

		while (end > 0 && (at[end - 1] == ' ' || at[end - 1] == '\t'))
			end--;
		begin = end;
		while (begin > 0 && at[begin - 1] != ',')
			begin--;
		list->size = begin > 0 ? begin - 1 : 0;
		if (begin == 0)
			list->value = NULL;
		while (begin < end && (at[begin] == ' ' || at[begin] == '\t'))
			begin++;
		*ret = at + begin;
		*ret_size = end - begin;
		if (end > begin)
			return true;
	}
	return false;
}

/* A port behind an address: Azure's proxies say it. */
static bool read_port(const char *text, uint16_t *ret)
{
	struct err ignored = ERR_INIT;
	uint64_t port;

	if (number_parse_u64(text, 0, PORT_MAX, &port, &ignored) < 0)
		return false;
	*ret = (uint16_t)port;
	return true;
}

/* Cuts "ADDRESS", "ADDRESS:PORT", "[ADDRESS]" or "[ADDRESS]:PORT"; NULL: it is none of these. */
static const char *cut_port(char *word, uint16_t *ret_port)
{
	char *colon = strchr(word, ':');
	char *end = *word == '[' ? strchr(word, ']') : NULL;

	*ret_port = 0;
	if (end) {
		*end = 0;
		return end[1] == 0 || (end[1] == ':' && read_port(end + 2, ret_port)) ? word + 1 : NULL;
	}
	if (!colon || strchr(colon + 1, ':'))
		return word; /* IPv4, or IPv6 without a port */
	*colon = 0;
	return read_port(colon + 1, ret_port) ? word : NULL;
}

static bool read_client(const char *text, size_t size, struct proxy_v2_addresses *ret)
{
	uint8_t address[FORWARDED_ADDRESS_SIZE];
	char word[WORD_MAX];
	const char *host;
	bool is_ipv6;
	uint16_t port;

	if (size >= sizeof(word))
		return false;
	memcpy(word, text, size);
	word[size] = 0;
	host = cut_port(word, &port);
	if (!host || !read_address(host, address, &is_ipv6))
		return false;
	is_ipv6 = memcmp(address, mapped, MAPPED_SIZE) != 0;
	ret->family = is_ipv6 ? PROXY_V2_INET6 : PROXY_V2_INET;
	(void)inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, is_ipv6 ? address : address + MAPPED_SIZE, ret->source,
			sizeof(ret->source));
	ret->source_port = port;
	return true;
}

/* Who is believed for this, that many steps behind us, or its neighbour if it was not asked. */
static bool read_scheme(struct backwards *protos, size_t steps, bool *ret_is_tls)
{
	const char *text = NULL;
	size_t size = 0;

	for (size_t i = 0; i < steps && previous(protos, &text, &size); i++) {
	}
	if (!text)
		return false;
	if ((size == 5 && strncasecmp(text, "https", size) == 0) || (size == 3 && strncasecmp(text, "wss", size) == 0))
		*ret_is_tls = true;
	else if ((size == 4 && strncasecmp(text, "http", size) == 0) ||
		 (size == 2 && strncasecmp(text, "ws", size) == 0))
		*ret_is_tls = false;
	else
		return false;
	return true;
}

bool forwarded_find(const struct forwarded_trust *trust, const struct proxy_v2_addresses *peer,
		    const struct http_header *headers, size_t count, struct proxy_v2_addresses *ret)
{
	struct backwards fors = {.name = FOR, .headers = headers, .left = count};
	struct backwards protos = {.name = PROTO, .headers = headers, .left = count};
	size_t steps = 0;
	const char *text;
	size_t size;
	bool says_scheme;

	*ret = *peer;
	if (!is_trusted(trust, peer, true))
		return false;
	while (steps < FORWARDED_HOPS_MAX && is_trusted(trust, ret, steps == 0) && previous(&fors, &text, &size) &&
	       read_client(text, size, ret))
		steps++;
	says_scheme = read_scheme(&protos, steps > 0 ? steps : 1, &ret->is_tls);
	return steps > 0 || says_scheme;
}
