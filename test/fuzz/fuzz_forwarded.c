/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines: whom to trust, the peer's address ("unix": none), then the values of X-Forwarded-For, and behind an empty line
 * those of X-Forwarded-Proto. Whatever they say, the client is an address, and who is not trusted changes nothing.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "enclave/serve/forwarded.h"

#define TEXT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static struct proxy_v2_addresses peer_of(const char *text)
{
	struct proxy_v2_addresses peer = {.family = strchr(text, ':') ? PROXY_V2_INET6 : PROXY_V2_INET};

	if (strcmp(text, "unix") == 0)
		peer.family = PROXY_V2_UNIX;
	else
		(void)snprintf(peer.source, sizeof(peer.source), "%s", text);
	return peer;
}

static void check_client(const struct proxy_v2_addresses *client, const struct proxy_v2_addresses *peer)
{
	uint8_t bytes[FORWARDED_ADDRESS_SIZE];

	if (client->family == peer->family && strcmp(client->source, peer->source) == 0)
		return;
	check(client->family == PROXY_V2_INET || client->family == PROXY_V2_INET6);
	check(inet_pton(client->family == PROXY_V2_INET ? AF_INET : AF_INET6, client->source, bytes) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[TEXT_MAX + 1];
	static const struct forwarded_trust nobody;
	struct http_header headers[HTTP_HEADERS_MAX];
	struct forwarded_trust trust;
	struct proxy_v2_addresses peer;
	struct proxy_v2_addresses client;
	struct err err = ERR_INIT;
	const char *name = "X-Forwarded-For";
	size_t count = 0;
	char *rest = text;
	char *line;

	memcpy(text, data, size_min(size, TEXT_MAX));
	text[size_min(size, TEXT_MAX)] = 0;
	line = strsep(&rest, "\n");
	if (forwarded_trust_parse(line, &trust, &err) < 0) {
		check(err.code == ERR_INVALID || err.code == ERR_LIMIT);
		return 0;
	}
	peer = peer_of(rest ? strsep(&rest, "\n") : "");
	while (rest && count < HTTP_HEADERS_MAX) {
		line = strsep(&rest, "\n");
		if (*line)
			headers[count++] = (struct http_header){name, line};
		else
			name = "x-forwarded-proto";
	}
	if (forwarded_find(&trust, &peer, headers, count, &client))
		check(forwarded_is_used(&trust));
	check_client(&client, &peer);
	check(!forwarded_find(&nobody, &peer, headers, count, &client));
	check_client(&client, &peer);
	return 0;
}
