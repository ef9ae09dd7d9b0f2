/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "crypto/hash.h"
#include "format/uri.h"
#include "proxy/proxy_priv.h"

#define LINE_MAX_SIZE (URI_HOST_MAX + PROXY_SOCKET_PATH_MAX + 16)

/* ---- what haproxy's configuration can hold without quoting ---- */

int proxy_check_path(const char *path, size_t max, struct err *err)
{
	if (*path != '/')
		return err_set(err, ERR_INVALID, "'%s' is not an absolute path", path);
	if (strlen(path) > max)
		return err_set(err, ERR_LIMIT, "path '%s' is longer than %zu bytes", path, max);
	for (const char *at = path; *at; at++) {
		const bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
				   (*at >= '0' && *at <= '9') || strchr("/._-+", *at);

		if (!plain)
			return err_set(err, ERR_INVALID,
				       "path '%s': only letters, digits and /._-+ can be given to haproxy", path);
	}
	return 0;
}

int proxy_check_domain(const char *domain, struct err *err)
{
	struct hostport parsed;

	if (hostport_parse(domain, 443, &parsed, err) < 0)
		return -1;
	if (parsed.has_port || parsed.is_ipv6 || host_is_address(parsed.host) || strcmp(parsed.host, domain) != 0)
		return err_set(err, ERR_INVALID, "'%.64s' is not a host name in lower case", domain);
	return 0;
}

/* ---- rows ---- */

/* Names of one socket share a server; where TLS ends the inner name is the server's too. */
static void name_server(struct route *route)
{
	char key[LINE_MAX_SIZE];
	uint8_t hash[SHA256_SIZE];
	const bool pass = route->mode == PROXY_PASS;
	const int size = snprintf(key, sizeof(key), "%s\n%s", route->socket_path, pass ? "" : route->domain);

	sha256(key, (size_t)size, hash);
	route->server[0] = pass ? 'a' : 'e';
	for (size_t i = 0; i < 8; i++)
		(void)snprintf(route->server + 1 + 2 * i, 3, "%02x", hash[i]);
}

int proxy_route_make(const struct proxy_route *wanted, struct route *ret, struct err *err)
{
	struct route route = {.mode = wanted->mode};

	if (proxy_check_domain(wanted->domain, err) < 0 ||
	    proxy_check_path(wanted->socket_path, PROXY_APP_SOCKET_MAX, err) < 0)
		return -1;
	route.domain = strdup(wanted->domain);
	route.socket_path = strdup(wanted->socket_path);
	if (!route.domain || !route.socket_path) {
		proxy_route_done(&route);
		return err_no_memory(err);
	}
	name_server(&route);
	*ret = route;
	return 0;
}

void proxy_route_done(struct route *route)
{
	free(route->domain);
	free(route->socket_path);
	route->domain = NULL;
	route->socket_path = NULL;
}

void proxy_routes_done(struct route_list *routes)
{
	for (size_t i = 0; i < routes->count; i++)
		proxy_route_done(&routes->rows[i]);
	free(routes->rows);
	*routes = (struct route_list){0};
}

static int by_domain(const void *a, const void *b)
{
	return strcmp(((const struct route *)a)->domain, ((const struct route *)b)->domain);
}

static int by_server(const void *a, const void *b)
{
	return strcmp((*(struct route *const *)a)->server, (*(struct route *const *)b)->server);
}

int proxy_routes_settle(struct route_list *routes, struct err *err)
{
	scoped(freep) struct route **rows = calloc(routes->count + 1, sizeof(struct route *));

	if (!rows)
		return err_no_memory(err);
	if (routes->count > 0)
		qsort(routes->rows, routes->count, sizeof(routes->rows[0]), by_domain);
	for (size_t i = 0; i < routes->count; i++) {
		if (i > 0 && strcmp(routes->rows[i - 1].domain, routes->rows[i].domain) == 0)
			return err_set(err, ERR_CONFLICT, "name '%s' leads to two places", routes->rows[i].domain);
		rows[i] = &routes->rows[i];
	}
	qsort(rows, routes->count, sizeof(rows[0]), by_server);
	for (size_t i = 0; i < routes->count; i++)
		rows[i]->repeats = i > 0 && strcmp(rows[i - 1]->server, rows[i]->server) == 0;
	return 0;
}

int proxy_routes_add(struct route_list *routes, const struct proxy_route *wanted, struct err *err)
{
	struct route *rows;
	struct route route;

	if (routes->count >= PROXY_ROUTES_MAX)
		return err_set(err, ERR_LIMIT, "more than %d names", PROXY_ROUTES_MAX);
	if (proxy_route_make(wanted, &route, err) < 0)
		return -1;
	rows = realloc(routes->rows, (routes->count + 1) * sizeof(*rows));
	if (!rows) {
		proxy_route_done(&route);
		return err_no_memory(err);
	}
	routes->rows = rows;
	rows[routes->count++] = route;
	return 0;
}

int proxy_routes_copy(const struct route_list *from, const char *but_domain, struct route_list *ret, struct err *err)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct proxy_route row = {
		    .domain = from->rows[i].domain,
		    .socket_path = from->rows[i].socket_path,
		    .mode = from->rows[i].mode,
		};

		if (but_domain && strcmp(row.domain, but_domain) == 0)
			continue;
		if (proxy_routes_add(ret, &row, err) < 0)
			return -1;
	}
	return 0;
}

const struct route *proxy_routes_find(const struct route_list *routes, const char *domain)
{
	const struct route key = {.domain = (char *)(uintptr_t)domain};

	if (routes->count == 0)
		return NULL;
	return bsearch(&key, routes->rows, routes->count, sizeof(key), by_domain);
}

/* ---- on disk: lines "pass|ends DOMAIN PATH" ---- */

int proxy_routes_format(const struct route_list *routes, struct buf *ret, struct err *err)
{
	for (size_t i = 0; i < routes->count; i++) {
		const struct route *route = &routes->rows[i];

		if (buf_addf(ret, err, "%s %s %s\n", route->mode == PROXY_PASS ? "pass" : "ends", route->domain,
			     route->socket_path) < 0)
			return -1;
	}
	return 0;
}

static int parse_line(char *line, struct route_list *ret, struct err *err)
{
	char *saved;
	const char *mode = strtok_r(line, " ", &saved);
	const char *domain = strtok_r(NULL, " ", &saved);
	const char *path = strtok_r(NULL, " ", &saved);

	if (!path || strtok_r(NULL, " ", &saved) || (strcmp(mode, "pass") != 0 && strcmp(mode, "ends") != 0))
		return err_set(err, ERR_INVALID, "malformed line in the file of routes");
	const struct proxy_route row = {
	    .domain = domain,
	    .socket_path = path,
	    .mode = strcmp(mode, "pass") == 0 ? PROXY_PASS : PROXY_END_TLS,
	};
	return proxy_routes_add(ret, &row, err);
}

int proxy_routes_parse(char *text, struct route_list *ret, struct err *err)
{
	char *saved;

	for (char *line = strtok_r(text, "\n", &saved); line; line = strtok_r(NULL, "\n", &saved)) {
		if (parse_line(line, ret, err) < 0)
			return -1;
	}
	return proxy_routes_settle(ret, err);
}
