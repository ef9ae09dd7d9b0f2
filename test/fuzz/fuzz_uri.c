/* SPDX-License-Identifier: Apache-2.0 */
/* URLs, hosts with ports, listening addresses, percent-encoding and queries; what is accepted must survive a round
 * trip. */
#include <stdlib.h>
#include <string.h>

#include "format/listen_address.h"
#include "format/uri.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void try_hostport(const char *text)
{
	struct hostport parsed;
	struct hostport again;
	scoped(buf_done) struct buf made = BUF_INIT(URI_TEXT_MAX);
	struct err err = ERR_INIT;

	if (hostport_parse(text, 443, &parsed, &err) < 0)
		return;
	check(strlen(parsed.host) >= 1 && parsed.port > 0);
	check(hostport_format(&parsed, 443, &made, &err) == 0);
	check(hostport_parse(buf_text(&made), 443, &again, &err) == 0);
	check(strcmp(parsed.host, again.host) == 0 && parsed.port == again.port && parsed.is_ipv6 == again.is_ipv6);
}

static void try_listen(const char *text)
{
	struct listen_address parsed;
	struct listen_address again;
	char made[LISTEN_TEXT_SIZE];
	struct err err = ERR_INIT;

	if (listen_address_parse(text, &parsed, &err) < 0)
		return;
	listen_address_format(&parsed, parsed.port, made);
	check(listen_address_parse(made, &again, &err) == 0);
	check(strcmp(parsed.host, again.host) == 0 && strcmp(parsed.path, again.path) == 0 &&
	      parsed.port == again.port);
}

static void try_uri(const char *text)
{
	scoped(uri_done) struct uri parsed = {0};
	struct err err = ERR_INIT;

	if (uri_parse(text, &parsed, &err) < 0)
		return;
	check(*parsed.target == '/' && !strchr(parsed.target, ' ') && !strchr(parsed.target, '#'));
	check(strlen(parsed.target) <= URI_TEXT_MAX + 1);
}

static void try_encoding(const uint8_t *data, size_t size)
{
	scoped(buf_done) struct buf encoded = BUF_INIT(4 * URI_TEXT_MAX);
	scoped(buf_done) struct buf decoded = BUF_INIT(4 * URI_TEXT_MAX);
	struct err err = ERR_INIT;

	if (uri_encode(data, size, &encoded, &err) < 0)
		return;
	if (uri_decode(buf_text(&encoded), encoded.size, false, &decoded, &err) == 0)
		check(decoded.size == size && memcmp(buf_text(&decoded), data, size) == 0);
	else
		check(memchr(data, 0, size) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(freep) char *text = NULL;
	scoped(buf_done) struct buf value = BUF_INIT(URI_TEXT_MAX);
	struct err err = ERR_INIT;

	if (size > URI_TEXT_MAX)
		return 0;
	text = strndup((const char *)data, size);
	if (!text)
		return 0;
	try_hostport(text);
	try_listen(text);
	try_uri(text);
	if (size > 0)
		try_encoding(data, size);
	(void)host_is_loopback_name(text);
	IGNORE_RESULT(uri_query_find(text, "a", &value, &err));
	return 0;
}
