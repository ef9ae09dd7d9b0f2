/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the proxy. proxy.c: bringing both sides together; proxy_routes.c: what is wanted; proxy_config.c: the texts
 * for haproxy; proxy_control.c: haproxy's sockets, start, reload, end; proxy_stats.c: its tables.
 */
#ifndef MSE_PROXY_PRIV_H
#define MSE_PROXY_PRIV_H

#include <pthread.h>

#include "base/buf.h"
#include "proxy/proxy.h"

#define PROXY_ANSWER_MAX (32u << 20) /* of haproxy's sockets: 10,000 rows of statistics */
#define PROXY_CONFIG_MAX (8u << 20)
#define PROXY_APP_SOCKET_MAX 97 /* haproxy keeps ten bytes of a unix socket's address for itself */
#define PROXY_SERVER_SIZE 18    /* "a" or "e", 16 hexadecimal digits, zero byte */
#define PROXY_START_TIMEOUT_MS 10000
#define PROXY_BASE_SIZE 65 /* hexadecimal SHA-256 */

/* One wanted name. */
struct route {
	char *domain; /* lower case */
	char *socket_path;
	enum proxy_mode mode;
	char server[PROXY_SERVER_SIZE]; /* haproxy's server for this socket; the same for every PROXY_PASS name of it */
	bool repeats;                   /* an earlier row has the same server */
};

struct route_list {
	struct route *rows; /* ascending by domain */
	size_t count;
};

struct proxy {
	pthread_mutex_t lock;
	char *dir;
	char *program;
	char *config_path;
	char *loaded_path; /* which base haproxy runs with */
	char *routes_path;
	char *apps_map;
	char *ends_map;
	char *socket;        /* worker's runtime socket */
	char *master_socket; /* */
	char *ends_socket;   /* where the public side hands operator names to the TLS end */
	char *addresses[PROXY_ADDRESSES_MAX];
	size_t address_count;
	uint16_t port;
	char *api_name;
	char *api_socket;
	char *operator_pem;
	struct route_list routes;
};

/* ---- proxy_routes.c ---- */
must_check int proxy_check_path(const char *path, size_t max, struct err *err);
must_check int proxy_check_domain(const char *domain, struct err *err);
must_check int proxy_route_make(const struct proxy_route *wanted, struct route *ret, struct err *err);
void proxy_route_done(struct route *route);
void proxy_routes_done(struct route_list *routes);
/* Adds a row at the end; proxy_routes_settle must follow before anything else. */
must_check int proxy_routes_add(struct route_list *routes, const struct proxy_route *wanted, struct err *err);
/* Sorts, marks repeated servers; ERR_CONFLICT if one name is there twice. */
must_check int proxy_routes_settle(struct route_list *routes, struct err *err);
/* Adds all rows of from (but the one of but_domain, unless NULL) to ret. */
must_check int proxy_routes_copy(const struct route_list *from, const char *but_domain, struct route_list *ret,
				 struct err *err);
const struct route *proxy_routes_find(const struct route_list *routes, const char *domain); /* NULL: absent */
must_check int proxy_routes_format(const struct route_list *routes, struct buf *ret, struct err *err);
must_check int proxy_routes_parse(char *text, struct route_list *ret, struct err *err); /* text is cut up */

/* ---- proxy_config.c ---- */
/* The part of haproxy.cfg that only a reload can change; its hash, with operator_pem's, goes to ret_hash. */
must_check int proxy_config_base(const struct proxy *proxy, struct buf *ret, char ret_hash[static PROXY_BASE_SIZE],
				 struct err *err);
/* The whole file: base and the servers of the routes. */
must_check int proxy_config_whole(const struct proxy *proxy, const struct buf *base, struct buf *ret, struct err *err);
must_check int proxy_config_map(const struct proxy *proxy, enum proxy_mode mode, struct buf *ret, struct err *err);
/* "unix@PATH send-proxy-v2 …": what follows a server's name, in the file and at run time. */
must_check int proxy_config_server(const struct route *route, struct buf *ret, struct err *err);
const char *proxy_backend(enum proxy_mode mode);
const char *proxy_map(const struct proxy *proxy, enum proxy_mode mode);

/* ---- proxy_control.c ---- */
/* Sends one command to a socket of haproxy and reads the whole answer (replacing what ret holds). */
must_check int proxy_command(const char *socket_path, const char *command, struct buf *ret, struct err *err);
bool proxy_is_running(const struct proxy *proxy);
must_check int proxy_start(struct proxy *proxy, struct err *err);
must_check int proxy_reload_now(struct proxy *proxy, struct err *err);

/* ---- proxy_stats.c ---- */
/* Calls visit for each server of backend. fields are the columns of haproxy's CSV; see proxy_stats_number. */
struct stats_row;
must_check int proxy_each_server(const struct proxy *proxy, const char *backend,
				 int (*visit)(const struct stats_row *row, void *arg, struct err *err), void *arg,
				 struct err *err);
const char *proxy_row_text(const struct stats_row *row, const char *column); /* "" if there is none */
uint64_t proxy_row_number(const struct stats_row *row, const char *column);

#endif
