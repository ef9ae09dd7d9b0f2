/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "enclave/serve/forwarded.h"

#define FIELDS 4

static struct proxy_v2_addresses peer_of(const char *text)
{
	struct proxy_v2_addresses peer = {.family = PROXY_V2_INET, .source_port = 9};

	if (strcmp(text, "unix") == 0 || strcmp(text, "unknown") == 0)
		peer = (struct proxy_v2_addresses){.family = *(text + 2) == 'i' ? PROXY_V2_UNIX : PROXY_V2_UNKNOWN};
	else
		(void)snprintf(peer.source, sizeof(peer.source), "%s", text);
	if (strchr(text, ':'))
		peer.family = PROXY_V2_INET6;
	return peer;
}

/* "ADDRESS PORT SCHEME", or "-" if nothing is to be changed. */
static void find(const char *trusted, const char *peer_text, const char *const fields[FIELDS], char ret[static 100])
{
	struct forwarded_trust trust;
	const struct proxy_v2_addresses peer = peer_of(peer_text);
	struct proxy_v2_addresses client;
	struct http_header headers[FIELDS];
	struct err err = ERR_INIT;
	size_t count = 0;

	assert_ok(forwarded_trust_parse(trusted, &trust, &err), &err);
	for (size_t i = 0; i < FIELDS && fields[i]; i++) {
		const char first = *fields[i];

		headers[count++] = (struct http_header){first == 'P'   ? "x-forwarded-PROTO"
							: first == 'F' ? "X-Forwarded-For"
								       : "X_Forwarded_For",
							fields[i] + 1};
	}
	if (!forwarded_find(&trust, &peer, headers, count, &client)) {
		assert_string_equal(client.source, peer.source);
		assert_int_equal(client.family, peer.family);
		assert_false(client.is_tls);
		(void)snprintf(ret, 100, "-");
		return;
	}
	(void)snprintf(ret, 100, "%s %u %s", client.source, client.source_port, client.is_tls ? "https" : "http");
}

static void clients(void **state)
{
	static const struct {
		const char *trusted;
		const char *peer;
		const char *fields[FIELDS]; /* F..., P... or another name */
		const char *wanted;
	} rows[] = {
	    {"127.0.0.1", "127.0.0.1", {"F203.0.113.7", "Phttps"}, "203.0.113.7 0 https"},
	    {"127.0.0.1", "127.0.0.1", {"Phttps"}, "127.0.0.1 9 https"},
	    {"127.0.0.1", "127.0.0.1", {"F203.0.113.7"}, "203.0.113.7 0 http"},
	    {"127.0.0.1", "127.0.0.1", {NULL}, "-"},
	    /* Who is not trusted says nothing. */
	    {"127.0.0.1", "127.0.0.2", {"F203.0.113.7", "Phttps"}, "-"},
	    {"none", "127.0.0.1", {"F203.0.113.7", "Phttps"}, "-"},
	    {"unix", "127.0.0.1", {"F203.0.113.7", "Phttps"}, "-"},
	    {"127.0.0.1", "unix", {"F203.0.113.7", "Phttps"}, "-"},
	    {"unix,0.0.0.0/0,::/0", "unknown", {"F203.0.113.7", "Phttps"}, "-"},
	    {"unix", "unix", {"F203.0.113.7", "Phttps"}, "203.0.113.7 0 https"},
	    {"127.0.0.1", "127.0.0.1", {"_203.0.113.7"}, "-"},
	    /* From the right, as long as they are trusted. */
	    {"127.0.0.1", "127.0.0.1", {"F1.1.1.1, 203.0.113.7"}, "203.0.113.7 0 http"},
	    {"127.0.0.1,10.0.0.0/8", "127.0.0.1", {"F1.1.1.1, 203.0.113.7,10.1.2.3"}, "203.0.113.7 0 http"},
	    {"127.0.0.1,10.0.0.0/8", "127.0.0.1", {"F203.0.113.7", "F10.1.2.3"}, "203.0.113.7 0 http"},
	    {"127.0.0.1,10.0.0.0/8", "127.0.0.1", {"F10.9.9.9, 10.1.2.3"}, "10.9.9.9 0 http"},
	    {"*", "192.0.2.1", {"F1.1.1.1, 203.0.113.7"}, "203.0.113.7 0 http"},
	    {"*", "unix", {"F1.1.1.1, 203.0.113.7"}, "203.0.113.7 0 http"},
	    /* The scheme is the word of who told the client. */
	    {"127.0.0.1,10.0.0.0/8", "127.0.0.1", {"F203.0.113.7,10.1.2.3", "Phttps, http"}, "203.0.113.7 0 https"},
	    {"127.0.0.1", "127.0.0.1", {"F203.0.113.7,10.1.2.3", "Phttps, http"}, "10.1.2.3 0 http"},
	    {"127.0.0.1,10.0.0.0/8", "127.0.0.1", {"F203.0.113.7,10.1.2.3", "PHTTPS"}, "203.0.113.7 0 https"},
	    {"127.0.0.1", "127.0.0.1", {"Pwss"}, "127.0.0.1 9 https"},
	    {"127.0.0.1", "127.0.0.1", {"Phttps", "Phttp"}, "127.0.0.1 9 http"},
	    {"127.0.0.1", "127.0.0.1", {"Pftp"}, "-"},
	    {"127.0.0.1", "127.0.0.1", {"Phttpss"}, "-"},
	    {"127.0.0.1", "127.0.0.1", {"P,"}, "-"},
	    /* Forms of an address. */
	    {"127.0.0.1", "127.0.0.1", {"F203.0.113.7:65535"}, "203.0.113.7 65535 http"},
	    {"127.0.0.1", "127.0.0.1", {"F[2001:DB8:0::1]:443"}, "2001:db8::1 443 http"},
	    {"127.0.0.1", "127.0.0.1", {"F[2001:db8::1]"}, "2001:db8::1 0 http"},
	    {"127.0.0.1", "127.0.0.1", {"F 2001:db8::1\t"}, "2001:db8::1 0 http"},
	    {"127.0.0.1", "::ffff:127.0.0.1", {"F::ffff:203.0.113.7"}, "203.0.113.7 0 http"},
	    {"2001:db8::/33", "2001:db8:7fff::1", {"F203.0.113.7"}, "203.0.113.7 0 http"},
	    {"2001:db8::/33", "2001:db8:8000::1", {"F203.0.113.7"}, "-"},
	    {"10.64.0.0/10", "10.127.255.255", {"F203.0.113.7"}, "203.0.113.7 0 http"},
	    {"10.64.0.0/10", "10.128.0.0", {"F203.0.113.7"}, "-"},
	    {"0.0.0.0/0", "192.0.2.1", {"F203.0.113.7"}, "203.0.113.7 0 http"},
	    {"0.0.0.0/0", "2001:db8::1", {"F203.0.113.7"}, "-"},
	    /* What is no address ends the walk: the last that was one counts. */
	    {"127.0.0.1", "127.0.0.1", {"Funknown"}, "-"},
	    {"127.0.0.1,10.0.0.0/8", "127.0.0.1", {"F203.0.113.7, _hidden, 10.1.1.1"}, "10.1.1.1 0 http"},
	    {"127.0.0.1", "127.0.0.1", {"F203.0.113.7:65536"}, "-"},
	    {"127.0.0.1", "127.0.0.1", {"F203.0.113.7:"}, "-"},
	    {"127.0.0.1", "127.0.0.1", {"F[::1"}, "-"},
	    {"127.0.0.1", "127.0.0.1", {"F[::1]x"}, "-"},
	    {"127.0.0.1", "127.0.0.1", {"F203.0.113.7 x"}, "-"},
	    {"127.0.0.1", "127.0.0.1", {"F203.0.113.256"}, "-"},
	    {"127.0.0.1", "127.0.0.1", {"F, ,,203.0.113.7,, "}, "203.0.113.7 0 http"},
	    {"127.0.0.1", "127.0.0.1", {"F"}, "-"},
	};
	char got[100];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		find(rows[i].trusted, rows[i].peer, rows[i].fields, got);
		if (strcmp(got, rows[i].wanted) != 0)
			fail_msg("row %zu: %s, wanted %s", i, got, rows[i].wanted);
	}
}

/* At most so many steps, and at one more it stops where it is. */
static void no_endless_walk(void **state)
{
	char chain[16 * (FORWARDED_HOPS_MAX + 2)] = "F";
	const char *const fields[FIELDS] = {chain};
	char got[100];

	(void)state;
	for (unsigned i = FORWARDED_HOPS_MAX + 1; i > 0; i--)
		(void)snprintf(chain + strlen(chain), 16, "10.0.0.%u,", i);
	find("10.0.0.0/8", "10.0.0.99", fields, got);
	assert_string_equal(got, "10.0.0.32 0 http");
}

static void wrong_lists(void **state)
{
	static const char *const rows[][2] = {
	    {"", "an address of 0 characters"},
	    {"10.0.0.1,", "an address of 0 characters"},
	    {"localhost", "'localhost' is no address, network, 'unix', 'none' or '*'"},
	    {"10.0.0.1,*", "'*' is no address"},
	    {"none,10.0.0.1", "'none' is no address"},
	    {"10.0.0.1/8", "'10.0.0.1/8' has bits of a host behind its prefix"},
	    {"10.0.0.0/33", "the bits of '10.0.0.0'"},
	    {"2001:db8::1/64", "has bits of a host"},
	    {"::/129", "the bits of '::'"},
	    {"10.0.0.0/", "the bits of '10.0.0.0'"},
	};
	char many[12 * (FORWARDED_NETWORKS_MAX + 1)] = "";
	struct forwarded_trust trust;
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(forwarded_trust_parse(rows[i][0], &trust, &err), -1);
		assert_non_null(strstr(err.text, rows[i][1]));
		err = (struct err)ERR_INIT;
	}
	for (unsigned i = 0; i < FORWARDED_NETWORKS_MAX; i++)
		(void)snprintf(many + strlen(many), 12, "%s10.0.0.%u", i ? "," : "", i);
	assert_ok(forwarded_trust_parse(many, &trust, &err), &err);
	assert_int_equal(trust.count, FORWARDED_NETWORKS_MAX);
	(void)snprintf(many + strlen(many), 12, ",10.0.1.0");
	assert_fails(forwarded_trust_parse(many, &trust, &err), &err, ERR_LIMIT, "more than 64 addresses");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(clients),
	    cmocka_unit_test(no_endless_walk),
	    cmocka_unit_test(wrong_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
