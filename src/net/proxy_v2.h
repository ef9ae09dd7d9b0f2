/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PROXY protocol version 2 (haproxy's doc/proxy-protocol.txt, section 2.2): who is really at the other end. Pure.
 * Of the TLVs PP2_TYPE_SSL alone is read, and of that whether the client came by TLS. What a header says is the
 * proxy's word, nothing more.
 */
#ifndef MSE_NET_PROXY_V2_H
#define MSE_NET_PROXY_V2_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define PROXY_V2_SIGNATURE_SIZE 12
#define PROXY_V2_SIZE_MIN 16
#define PROXY_V2_SIZE_MAX 2048 /* with TLVs; ours needs 52, haproxy with TLS details some 600 */

enum proxy_v2_family {
	PROXY_V2_UNKNOWN, /* LOCAL command, AF_UNSPEC, or no header at all */
	PROXY_V2_INET,
	PROXY_V2_INET6,
	PROXY_V2_UNIX,
};

struct proxy_v2_addresses {
	enum proxy_v2_family family;
	char source[INET6_ADDRSTRLEN]; /* numeric; "" unless INET or INET6 */
	char destination[INET6_ADDRSTRLEN];
	uint16_t source_port;
	uint16_t destination_port;
	bool is_tls; /* between the client and the proxy; not formatted */
};

/* 1: a whole header, *ret_size bytes long. 0: needs more bytes. -1: ERR_INVALID (no such header) or ERR_LIMIT. */
must_check int proxy_v2_parse(const uint8_t *data, size_t size, struct proxy_v2_addresses *ret, size_t *ret_size,
			      struct err *err);

/* How long the header is that begins with these PROXY_V2_SIZE_MIN bytes, if it is one. */
size_t proxy_v2_size(const uint8_t *data);

/* true while data can still be the beginning of a header. */
bool proxy_v2_is_possible(const uint8_t *data, size_t size);

/* A header for these addresses (UNKNOWN and UNIX: the LOCAL command). */
must_check int proxy_v2_format(const struct proxy_v2_addresses *addresses, struct buf *ret, struct err *err);

#endif
