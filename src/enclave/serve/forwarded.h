/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X-Forwarded-For and X-Forwarded-Proto: who the client is behind HTTP proxies, as those say that are trusted. Pure. Of
 * the plain server only: in an enclave nobody's word counts.
 *
 * Each proxy adds the address that it sees at the right, so what stands there is believed from right to left, as long
 * as who added it is trusted; the first address that is not is the client. What is no address ends that walk: the last
 * one that was is the client then. Nothing here fails, whatever a client sent, and no walk has more than
 * FORWARDED_HOPS_MAX steps.
 */
#ifndef MSE_ENCLAVE_FORWARDED_H
#define MSE_ENCLAVE_FORWARDED_H

#include "net/http.h"
#include "net/proxy_v2.h"

#define FORWARDED_NETWORKS_MAX 64
#define FORWARDED_HOPS_MAX 32
#define FORWARDED_ADDRESS_SIZE 16

/* An IPv4 one stands as IPv6 does for it (::ffff:a.b.c.d). */
struct forwarded_network {
	uint8_t address[FORWARDED_ADDRESS_SIZE];
	unsigned bits;
};

struct forwarded_trust {
	bool is_peer; /* "*": whoever connects is, and nobody behind it */
	bool is_unix; /* whoever comes by a unix socket is */
	size_t count;
	struct forwarded_network networks[FORWARDED_NETWORKS_MAX];
};

/* "none", "*", or addresses, networks (10.0.0.0/8) and "unix" with commas. ERR_INVALID and ERR_LIMIT say which. */
must_check int forwarded_trust_parse(const char *text, struct forwarded_trust *ret, struct err *err);

/* Somebody is trusted at all. */
bool forwarded_is_used(const struct forwarded_trust *trust);

/*
 * The client behind peer (with is_tls for the scheme) by these fields of a request. False: peer is not trusted, or
 * nothing was said: it is the client. The port of an address that comes without is 0.
 */
bool forwarded_find(const struct forwarded_trust *trust, const struct proxy_v2_addresses *peer,
		    const struct http_header *headers, size_t count, struct proxy_v2_addresses *ret);

#endif
