/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "crypto/hash.h"
#include "proxy/proxy_priv.h"

#define CONNECTIONS_MAX 20000
#define CONNECTIONS_MIN 100
#define DESCRIPTORS_SPARE 200 /* listeners, pipes, threads; each connection takes two */

const char *proxy_backend(enum proxy_mode mode)
{
	switch (mode) {
	case PROXY_PASS:
		return "apps";
	case PROXY_END_TLS:
		return "ends";
	}
	return "apps";
}

const char *proxy_map(const struct proxy *proxy, enum proxy_mode mode)
{
	return mode == PROXY_PASS ? proxy->apps_map : proxy->ends_map;
}

/* As many connections as our hard limit of descriptors allows: an ordinary user's is not ours to raise. */
static unsigned long connections_max(void)
{
	struct rlimit limit = {0};

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max == RLIM_INFINITY ||
	    limit.rlim_max >= 2 * CONNECTIONS_MAX + DESCRIPTORS_SPARE)
		return CONNECTIONS_MAX;
	if (limit.rlim_max < 2 * CONNECTIONS_MIN + DESCRIPTORS_SPARE)
		return CONNECTIONS_MIN;
	return (limit.rlim_max - DESCRIPTORS_SPARE) / 2;
}

static int add_global(const struct proxy *proxy, struct buf *ret, struct err *err)
{
	/* noreuseport: two haproxies must not share the public port unnoticed. A reload hands its sockets over. */
	return buf_addf(ret, err,
			"global\n"
			"    stats socket %s mode 600 level admin expose-fd listeners\n"
			"    maxconn %lu\n"
			"    noreuseport\n"
			"    hard-stop-after 24h\n"
			"    ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets\n"
			"defaults\n"
			"    mode tcp\n"
			"    maxconn %lu\n"
			"    retries 0\n"
			"    option contstats\n"
			"    timeout connect 5s\n"
			"    timeout client 2m\n"
			"    timeout server 2m\n"
			"    timeout tunnel 2h\n"
			"    timeout client-fin 30s\n"
			"    timeout server-fin 30s\n",
			proxy->socket, connections_max(), connections_max());
}

static int add_public(const struct proxy *proxy, struct buf *ret, struct err *err)
{
	if (buf_add_text(ret, "frontend public\n", err) < 0)
		return -1;
	for (size_t i = 0; i < proxy->address_count; i++) {
		const bool is_ipv6 = strchr(proxy->addresses[i], ':') != NULL;

		if (buf_addf(ret, err, is_ipv6 ? "    bind [%s]:%u v6only\n" : "    bind %s:%u\n", proxy->addresses[i],
			     proxy->port) < 0)
			return -1;
	}
	/* Unconditional at the end: what is no ClientHello, or none within 5 s, or for nobody, is closed. */
	return buf_addf(
	    ret, err,
	    "    tcp-request inspect-delay 5s\n"
	    "    tcp-request content accept if { req.ssl_hello_type 1 } { req.ssl_sni,lower -m str %s }\n"
	    "    tcp-request content accept if { req.ssl_hello_type 1 } { req.ssl_sni,lower,map(%s) -m found }\n"
	    "    tcp-request content accept if { req.ssl_hello_type 1 } { req.ssl_sni,lower,map(%s) -m found }\n"
	    "    tcp-request content reject\n"
	    "    use_backend api if { req.ssl_sni,lower -m str %s }\n"
	    "    use_backend to_ends if { req.ssl_sni,lower,map(%s) -m found }\n"
	    "    default_backend apps\n",
	    proxy->api_name, proxy->apps_map, proxy->ends_map, proxy->api_name, proxy->ends_map);
}

static int add_ends(const struct proxy *proxy, struct buf *ret, struct err *err)
{
	if (!proxy->operator_pem)
		return buf_add_text(ret, "backend to_ends\n", err);
	return buf_addf(
	    ret, err,
	    "backend to_ends\n"
	    "    server ends unix@%s send-proxy-v2\n"
	    "frontend tls_end\n" /* not "ends": statistics are asked for by name, and the backend's are wanted */
	    "    bind unix@%s mode 600 accept-proxy ssl crt %s alpn http/1.1\n"
	    "    tcp-request inspect-delay 5s\n"
	    "    tcp-request content accept if { ssl_fc_sni,lower,map(%s) -m found }\n"
	    "    tcp-request content reject\n"
	    "    default_backend ends\n",
	    proxy->ends_socket, proxy->ends_socket, proxy->operator_pem, proxy->ends_map);
}

/* The backends come last, so that their servers can follow. */
static int add_backend(const struct proxy *proxy, enum proxy_mode mode, struct buf *ret, struct err *err)
{
	const char *name = mode == PROXY_PASS ? "req.ssl_sni" : "ssl_fc_sni";

	/* Servers have weight 0: use-server reaches them, balancing (where it finds no name) never does. */
	return buf_addf(ret, err,
			"backend %s\n"
			"    balance roundrobin\n"
			"    use-server %%[%s,lower,map(%s)] if TRUE\n",
			proxy_backend(mode), name, proxy_map(proxy, mode));
}

/* Over the operator's certificate too: haproxy reads its file at a reload only. One that is gone is haproxy's to
 * refuse. */
static void hash_base(const struct proxy *proxy, const struct buf *base, uint8_t ret[static SHA256_SIZE])
{
	scoped(sha256_freep) struct sha256_ctx *ctx = sha256_new();
	uint8_t certificate[SHA256_SIZE];
	struct err ignored = ERR_INIT;

	sha256_add(ctx, base->data, base->size);
	if (proxy->operator_pem && sha256_file(proxy->operator_pem, certificate, NULL, &ignored) == 0)
		sha256_add(ctx, certificate, sizeof(certificate));
	sha256_finish(ctx, ret);
}

int proxy_config_base(const struct proxy *proxy, struct buf *ret, char ret_hash[static PROXY_BASE_SIZE],
		      struct err *err)
{
	uint8_t hash[SHA256_SIZE];

	if (add_global(proxy, ret, err) < 0 || add_public(proxy, ret, err) < 0 ||
	    buf_addf(ret, err, "backend api\n    server msed unix@%s send-proxy-v2\n", proxy->api_socket) < 0 ||
	    add_ends(proxy, ret, err) < 0)
		return -1;
	hash_base(proxy, ret, hash);
	for (size_t i = 0; i < sizeof(hash); i++)
		(void)snprintf(ret_hash + 2 * i, 3, "%02x", hash[i]);
	return 0;
}

int proxy_config_server(const struct route *route, struct buf *ret, struct err *err)
{
	if (route->mode == PROXY_PASS)
		return buf_addf(ret, err, "unix@%s send-proxy-v2 weight 0", route->socket_path);
	/* Nothing to verify against: what the operator's TLS end claims is the operator's word anyway. */
	return buf_addf(ret, err, "unix@%s send-proxy-v2 weight 0 ssl verify none sni str(%s)", route->socket_path,
			route->domain);
}

static int add_servers(const struct proxy *proxy, enum proxy_mode mode, struct buf *ret, struct err *err)
{
	for (size_t i = 0; i < proxy->routes.count; i++) {
		const struct route *route = &proxy->routes.rows[i];

		if (route->mode != mode || route->repeats)
			continue;
		if (buf_addf(ret, err, "    server %s ", route->server) < 0 ||
		    proxy_config_server(route, ret, err) < 0 || buf_add_byte(ret, '\n', err) < 0)
			return -1;
	}
	return 0;
}

int proxy_config_whole(const struct proxy *proxy, const struct buf *base, struct buf *ret, struct err *err)
{
	if (buf_add(ret, base->data, base->size, err) < 0 || add_backend(proxy, PROXY_PASS, ret, err) < 0 ||
	    add_servers(proxy, PROXY_PASS, ret, err) < 0)
		return -1;
	if (!proxy->operator_pem)
		return 0;
	return add_backend(proxy, PROXY_END_TLS, ret, err) < 0 ? -1 : add_servers(proxy, PROXY_END_TLS, ret, err);
}

int proxy_config_map(const struct proxy *proxy, enum proxy_mode mode, struct buf *ret, struct err *err)
{
	for (size_t i = 0; i < proxy->routes.count; i++) {
		const struct route *route = &proxy->routes.rows[i];

		if (route->mode == mode && buf_addf(ret, err, "%s %s\n", route->domain, route->server) < 0)
			return -1;
	}
	return 0;
}
