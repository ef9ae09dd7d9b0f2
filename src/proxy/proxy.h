/* SPDX-License-Identifier: Apache-2.0 */
/*
 * haproxy (2.6 or newer), run and fed by msed: one public port, routed by the SNI of the ClientHello.
 *
 *   API name          → msed's unix socket, TLS untouched
 *   PROXY_PASS name   → the app's unix socket, TLS untouched: haproxy sees no plaintext
 *   PROXY_END_TLS name → TLS ended with the operator's certificate, then TLS again to the app (operator mode)
 *   anything else, or nobody listening → the connection is closed
 * Every socket behind is spoken to with a PROXY protocol v2 header.
 *
 * haproxy runs as master and worker, detached: it outlives msed, even kill -9, and is found again by its sockets in
 * run_dir. Changes of names go over its runtime socket without a reload: a server per app socket, a map from name to
 * server. What is wanted is on disk first (routes, haproxy.cfg, the maps), so whichever side dies, the next
 * proxy_open or proxy_reconcile brings both together. Only one process may use a dir. All functions: any thread.
 */
#ifndef MSE_PROXY_PROXY_H
#define MSE_PROXY_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PROXY_ROUTES_MAX 10000
#define PROXY_ADDRESSES_MAX 8
#define PROXY_SOCKET_PATH_MAX 90 /* haproxy binds PATH.PID.tmp and renames it */

enum proxy_mode {
	PROXY_PASS,
	PROXY_END_TLS,
};

struct proxy_options {
	const char *dir;     /* absolute, e.g. D/haproxy; made if absent */
	const char *run_dir; /* absolute, exists, e.g. D/run: haproxy.sock, haproxy-master.sock, haproxy-op.sock */
	uint16_t port;       /* public */
	const char *const *addresses; /* numeric; NULL: 127.0.0.1, and ::1 where there is one */
	size_t address_count;
	const char *api_name;     /* e.g. api.mse.localhost */
	const char *api_socket;   /* absolute */
	const char *operator_pem; /* chain and key in one file, for PROXY_END_TLS; NULL: no such names */
	const char *program;      /* NULL: /usr/sbin/haproxy, else haproxy in PATH */
};

struct proxy;

/*
 * Starts haproxy if it does not run, reloads it if options have changed, and knows the routes of last time.
 * ERR_NOT_FOUND (no haproxy), ERR_CONFLICT (somebody else has the port), ERR_LIMIT (paths too long), ERR_INVALID.
 */
must_check int proxy_open(const struct proxy_options *options, struct proxy **ret_proxy, struct err *err);
void proxy_close(struct proxy *proxy); /* haproxy goes on */
DEFINE_SCOPED_PTR(struct proxy, proxy_close);

/* Ends haproxy and every connection through it. Nothing runs: fine. The routes stay on disk. */
must_check int proxy_shutdown(const char *run_dir, struct err *err);

/* Routes domain (a DNS name) to an app's socket (path of at most 97 bytes), or moves it. Nobody need listen yet. */
must_check int proxy_set(struct proxy *proxy, const char *domain, const char *socket_path, enum proxy_mode mode,
			 struct err *err);
/* Its connections are cut, unless another name leads to the same socket. Absent is fine. */
must_check int proxy_remove(struct proxy *proxy, const char *domain, struct err *err);

struct proxy_route {
	const char *domain;
	const char *socket_path;
	enum proxy_mode mode;
};

/* Exactly these from now on; also starts a haproxy that died. Cheap when nothing differs: call it every few seconds. */
must_check int proxy_reconcile(struct proxy *proxy, const struct proxy_route *routes, size_t count, struct err *err);

/*
 * Seamless: nothing is dropped, running connections stay with the old worker. After a change of operator_pem's file,
 * which any other call above notices too.
 */
must_check int proxy_reload(struct proxy *proxy, struct err *err);

/* Since the last (re)load. Times are averages over the last 1024 connections. */
struct proxy_stats {
	uint64_t queue_ms;
	uint64_t connect_ms;
	uint64_t response_ms; /* 0 where TLS passes: haproxy cannot see it */
	uint64_t total_ms;    /* of a whole connection */
	uint64_t connections; /* now */
	uint64_t connections_total;
	uint64_t bytes_in;  /* from clients */
	uint64_t bytes_out; /* to clients */
	uint64_t errors;    /* nobody listened, or the app cut */
};

/* 1 found, 0 no such name. */
must_check int proxy_stats(struct proxy *proxy, const char *domain, struct proxy_stats *ret_stats, struct err *err);

#endif
