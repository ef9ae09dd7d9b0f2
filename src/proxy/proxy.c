/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/proxy.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fd.h"
#include "base/fs.h"
#include "format/uri.h"
#include "proxy/proxy_priv.h"

#define HAPROXY "/usr/sbin/haproxy"
#define COMMAND_SIZE 1024
#define DELETE_TRIES 40
#define DELETE_PAUSE_MS 5

/* ---- what is on disk ---- */

/* Writes the file unless it holds exactly this already. */
static int put_file(const char *path, const struct buf *content, struct err *err)
{
	scoped(buf_done) struct buf present = BUF_INIT(PROXY_CONFIG_MAX);
	struct err ignored = ERR_INIT;

	if (fs_exists(path) && fs_read(path, &present, &ignored) == 0 && present.size == content->size &&
	    memcmp(buf_text(&present), buf_text(content), content->size) == 0)
		return 0;
	return fs_write_atomic(path, buf_text(content), content->size, 0600, err);
}

static int put_map(const struct proxy *proxy, enum proxy_mode mode, struct err *err)
{
	scoped(buf_done) struct buf map = BUF_INIT(PROXY_CONFIG_MAX);

	if (proxy_config_map(proxy, mode, &map, err) < 0)
		return -1;
	return put_file(proxy_map(proxy, mode), &map, err);
}

/* Everything a haproxy that starts now, or reloads, needs to know. */
static int put_files(const struct proxy *proxy, char ret_hash[static PROXY_BASE_SIZE], struct err *err)
{
	scoped(buf_done) struct buf base = BUF_INIT(PROXY_CONFIG_MAX);
	scoped(buf_done) struct buf whole = BUF_INIT(PROXY_CONFIG_MAX);
	scoped(buf_done) struct buf routes = BUF_INIT(PROXY_CONFIG_MAX);

	if (proxy_routes_format(&proxy->routes, &routes, err) < 0 || put_file(proxy->routes_path, &routes, err) < 0 ||
	    proxy_config_base(proxy, &base, ret_hash, err) < 0 || proxy_config_whole(proxy, &base, &whole, err) < 0 ||
	    put_map(proxy, PROXY_PASS, err) < 0 || put_map(proxy, PROXY_END_TLS, err) < 0)
		return -1;
	return put_file(proxy->config_path, &whole, err);
}

static bool is_loaded(const struct proxy *proxy, const char *hash)
{
	scoped(buf_done) struct buf loaded = BUF_INIT(PROXY_BASE_SIZE);
	struct err ignored = ERR_INIT;

	return fs_read(proxy->loaded_path, &loaded, &ignored) == 0 && strcmp(buf_text(&loaded), hash) == 0;
}

static int set_loaded(const struct proxy *proxy, const char *hash, struct err *err)
{
	return fs_write_atomic(proxy->loaded_path, hash, strlen(hash), 0600, err);
}

/* ---- what runs ---- */

static int command(const struct proxy *proxy, struct buf *answer, struct err *err, const char *format, ...)
    format_like(4, 5);

static int command(const struct proxy *proxy, struct buf *answer, struct err *err, const char *format, ...)
{
	char text[COMMAND_SIZE];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return proxy_command(proxy->socket, text, answer, err);
}

/* A command whose success is silence. */
static int expect_silence(const struct buf *answer, const char *what, struct err *err)
{
	const char *text = buf_text(answer);

	text += strspn(text, "\n ");
	return *text ? err_set(err, ERR_INTERNAL, "haproxy: %s: %.200s", what, text) : 0;
}

/* The servers of one backend as haproxy has them. */
struct present_server {
	char name[PROXY_SERVER_SIZE];
	bool is_disabled; /* half added or half deleted by one of us who was killed */
};

struct present {
	struct present_server *servers;
	size_t count;
};

static void present_done(struct present *present)
{
	free(present->servers);
}

static int keep_server(const struct stats_row *row, void *arg, struct err *err)
{
	struct present *present = arg;
	const char *name = proxy_row_text(row, "svname");
	struct present_server *grown;

	if (strlen(name) != PROXY_SERVER_SIZE - 1)
		return 0;
	grown = realloc(present->servers, (present->count + 1) * sizeof(*grown));
	if (!grown)
		return err_no_memory(err);
	present->servers = grown;
	memcpy(grown[present->count].name, name, PROXY_SERVER_SIZE);
	grown[present->count].is_disabled = strncmp(proxy_row_text(row, "status"), "MAINT", 5) == 0;
	present->count++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct present_server *)a)->name, ((const struct present_server *)b)->name);
}

static int list_servers(const struct proxy *proxy, enum proxy_mode mode, struct present *ret, struct err *err)
{
	if (proxy_each_server(proxy, proxy_backend(mode), keep_server, ret, err) < 0)
		return -1;
	if (ret->count > 0)
		qsort(ret->servers, ret->count, sizeof(ret->servers[0]), by_name);
	return 0;
}

/* NULL: absent. */
static const struct present_server *find_present(const struct present *present, const char *name)
{
	struct present_server key;

	if (present->count == 0)
		return NULL;
	memcpy(key.name, name, sizeof(key.name));
	return bsearch(&key, present->servers, present->count, sizeof(key), by_name);
}

static int enable_server(const struct proxy *proxy, const struct route *route, struct err *err)
{
	scoped(buf_done) struct buf answer = BUF_INIT(PROXY_ANSWER_MAX);

	if (command(proxy, &answer, err, "enable server %s/%s", proxy_backend(route->mode), route->server) < 0)
		return -1;
	return expect_silence(&answer, "enable server", err);
}

static int add_server(const struct proxy *proxy, const struct route *route, struct err *err)
{
	const char *backend = proxy_backend(route->mode);
	scoped(buf_done) struct buf answer = BUF_INIT(PROXY_ANSWER_MAX);
	scoped(buf_done) struct buf server = BUF_INIT(COMMAND_SIZE);

	if (proxy_config_server(route, &server, err) < 0 ||
	    command(proxy, &answer, err, "add server %s/%s %s", backend, route->server, buf_text(&server)) < 0)
		return -1;
	if (!strstr(buf_text(&answer), "New server registered"))
		return err_set(err, ERR_INTERNAL, "haproxy: add server: %.200s", buf_text(&answer));
	fault_point("proxy-add-server:between");
	return enable_server(proxy, route, err);
}

/* Cuts its connections, which takes haproxy a moment, and deletes it. What cannot be deleted yet stays unreachable. */
static int delete_server(const struct proxy *proxy, enum proxy_mode mode, const char *server, struct err *err)
{
	const char *backend = proxy_backend(mode);
	scoped(buf_done) struct buf answer = BUF_INIT(PROXY_ANSWER_MAX);

	if (command(proxy, &answer, err, "set server %s/%s state maint", backend, server) < 0)
		return -1;
	fault_point("proxy-delete-server:between");
	for (int i = 0; i < DELETE_TRIES; i++) {
		if (command(proxy, &answer, err, "shutdown sessions server %s/%s", backend, server) < 0 ||
		    command(proxy, &answer, err, "del server %s/%s", backend, server) < 0)
			return -1;
		if (strstr(buf_text(&answer), "Server deleted"))
			return 0;
		(void)poll(NULL, 0, DELETE_PAUSE_MS);
	}
	return 0;
}

static int add_missing(const struct proxy *proxy, enum proxy_mode mode, const struct present *present, struct err *err)
{
	for (size_t i = 0; i < proxy->routes.count; i++) {
		const struct route *route = &proxy->routes.rows[i];
		const struct present_server *server = find_present(present, route->server);

		if (route->mode != mode || route->repeats)
			continue;
		if (!server && add_server(proxy, route, err) < 0)
			return -1;
		if (server && server->is_disabled && enable_server(proxy, route, err) < 0)
			return -1;
	}
	return 0;
}

static int delete_unwanted(const struct proxy *proxy, enum proxy_mode mode, const struct present *present,
			   struct err *err)
{
	for (size_t i = 0; i < present->count; i++) {
		bool wanted = false;

		for (size_t j = 0; j < proxy->routes.count && !wanted; j++)
			wanted = strcmp(proxy->routes.rows[j].server, present->servers[i].name) == 0;
		if (!wanted && delete_server(proxy, mode, present->servers[i].name, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- maps: lines "REFERENCE NAME SERVER" ---- */

static int map_put(const struct proxy *proxy, const struct route *route, const char *verb, struct err *err)
{
	scoped(buf_done) struct buf answer = BUF_INIT(PROXY_ANSWER_MAX);

	if (command(proxy, &answer, err, "%s map %s %s %s", verb, proxy_map(proxy, route->mode), route->domain,
		    route->server) < 0)
		return -1;
	return expect_silence(&answer, "map", err);
}

static int map_delete(const struct proxy *proxy, enum proxy_mode mode, const char *domain, struct err *err)
{
	scoped(buf_done) struct buf answer = BUF_INIT(PROXY_ANSWER_MAX);

	if (command(proxy, &answer, err, "del map %s %s", proxy_map(proxy, mode), domain) < 0)
		return -1;
	return expect_silence(&answer, "del map", err);
}

/* One line of the running map: corrects it, and marks its route as seen. */
static int correct_line(const struct proxy *proxy, enum proxy_mode mode, char *line, bool *seen, struct err *err)
{
	char *saved;
	const char *domain;
	const char *server;
	const struct route *route;

	(void)strtok_r(line, " ", &saved);
	domain = strtok_r(NULL, " ", &saved);
	server = strtok_r(NULL, " ", &saved);
	if (!server)
		return 0;
	route = proxy_routes_find(&proxy->routes, domain);
	if (!route || route->mode != mode)
		return map_delete(proxy, mode, domain, err);
	seen[route - proxy->routes.rows] = true;
	return strcmp(route->server, server) == 0 ? 0 : map_put(proxy, route, "set", err);
}

static int correct_map(const struct proxy *proxy, enum proxy_mode mode, struct err *err)
{
	scoped(buf_done) struct buf answer = BUF_INIT(PROXY_ANSWER_MAX);
	scoped(freep) bool *seen = calloc(proxy->routes.count + 1, sizeof(bool));
	char *saved;

	if (!seen)
		return err_no_memory(err);
	if (command(proxy, &answer, err, "show map %s", proxy_map(proxy, mode)) < 0)
		return -1;
	for (char *line = strtok_r((char *)(uintptr_t)buf_text(&answer), "\n", &saved); line;
	     line = strtok_r(NULL, "\n", &saved)) {
		if (correct_line(proxy, mode, line, seen, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < proxy->routes.count; i++) {
		const struct route *route = &proxy->routes.rows[i];

		if (route->mode == mode && !seen[i] && map_put(proxy, route, "add", err) < 0)
			return -1;
	}
	return 0;
}

/* Servers before names that lead to them, names before servers that go. */
static int correct(const struct proxy *proxy, enum proxy_mode mode, struct err *err)
{
	scoped(present_done) struct present present = {0};

	if (list_servers(proxy, mode, &present, err) < 0 || add_missing(proxy, mode, &present, err) < 0 ||
	    correct_map(proxy, mode, err) < 0)
		return -1;
	return delete_unwanted(proxy, mode, &present, err);
}

/* ---- both together ---- */

static int sync_all(struct proxy *proxy, struct err *err)
{
	char hash[PROXY_BASE_SIZE];

	if (put_files(proxy, hash, err) < 0)
		return -1;
	fault_point("proxy-files:after");
	if (!proxy_is_running(proxy))
		return proxy_start(proxy, err) < 0 ? -1 : set_loaded(proxy, hash, err);
	if (!is_loaded(proxy, hash))
		return proxy_reload_now(proxy, err) < 0 ? -1 : set_loaded(proxy, hash, err);
	if (correct(proxy, PROXY_PASS, err) < 0)
		return -1;
	return proxy->operator_pem ? correct(proxy, PROXY_END_TLS, err) : 0;
}

/* Puts a new set in place; the old one comes back only if the new one could not even be written down. */
static int replace_routes(struct proxy *proxy, struct route_list *wanted, struct err *err)
{
	if (proxy_routes_settle(wanted, err) < 0)
		return -1;
	for (size_t i = 0; i < wanted->count; i++) {
		if (wanted->rows[i].mode == PROXY_END_TLS && !proxy->operator_pem)
			return err_set(err, ERR_UNSUPPORTED, "'%s': this cloud has no certificate of its operator",
				       wanted->rows[i].domain);
	}
	const struct route_list old = proxy->routes;

	proxy->routes = *wanted;
	*wanted = old;
	return sync_all(proxy, err);
}

int proxy_set(struct proxy *proxy, const char *domain, const char *socket_path, enum proxy_mode mode, struct err *err)
{
	const struct proxy_route route = {.domain = domain, .socket_path = socket_path, .mode = mode};
	scoped(proxy_routes_done) struct route_list wanted = {0};
	int done = -1;

	(void)pthread_mutex_lock(&proxy->lock);
	if (proxy_routes_copy(&proxy->routes, domain, &wanted, err) == 0 && proxy_routes_add(&wanted, &route, err) == 0)
		done = replace_routes(proxy, &wanted, err);
	(void)pthread_mutex_unlock(&proxy->lock);
	return done;
}

int proxy_remove(struct proxy *proxy, const char *domain, struct err *err)
{
	scoped(proxy_routes_done) struct route_list wanted = {0};
	int done = -1;

	(void)pthread_mutex_lock(&proxy->lock);
	if (proxy_routes_copy(&proxy->routes, domain, &wanted, err) == 0)
		done = replace_routes(proxy, &wanted, err);
	(void)pthread_mutex_unlock(&proxy->lock);
	return done;
}

int proxy_reconcile(struct proxy *proxy, const struct proxy_route *routes, size_t count, struct err *err)
{
	scoped(proxy_routes_done) struct route_list wanted = {0};
	int done;

	for (size_t i = 0; i < count; i++) {
		if (proxy_routes_add(&wanted, &routes[i], err) < 0)
			return -1;
	}
	(void)pthread_mutex_lock(&proxy->lock);
	done = replace_routes(proxy, &wanted, err);
	(void)pthread_mutex_unlock(&proxy->lock);
	return done;
}

int proxy_reload(struct proxy *proxy, struct err *err)
{
	char hash[PROXY_BASE_SIZE];
	int done = -1;

	(void)pthread_mutex_lock(&proxy->lock);
	if (put_files(proxy, hash, err) == 0)
		done = proxy_is_running(proxy) ? proxy_reload_now(proxy, err) : proxy_start(proxy, err);
	if (done == 0)
		done = set_loaded(proxy, hash, err);
	(void)pthread_mutex_unlock(&proxy->lock);
	return done;
}

/* ---- open and close ---- */

/* Both loopbacks are the default; a machine without IPv6 has one. */
static bool has_ipv6_loopback(void)
{
	const struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	scoped(fd_closep) int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

static int take_addresses(struct proxy *proxy, const struct proxy_options *options, struct err *err)
{
	const char *const loopbacks[] = {"127.0.0.1", "::1"};
	const char *const *addresses = options->addresses ? options->addresses : loopbacks;
	const size_t count = options->addresses ? options->address_count : 1 + (size_t)has_ipv6_loopback();

	if (count < 1 || count > PROXY_ADDRESSES_MAX)
		return err_set(err, ERR_INVALID, "%zu public addresses, wanted 1 to %d", count, PROXY_ADDRESSES_MAX);
	for (size_t i = 0; i < count; i++) {
		if (!host_is_address(addresses[i]))
			return err_set(err, ERR_INVALID, "'%s' is not a numeric address", addresses[i]);
		proxy->addresses[i] = strdup(addresses[i]);
		if (!proxy->addresses[i])
			return err_no_memory(err);
		proxy->address_count++;
	}
	return 0;
}

static int take_text(const char *text, char **ret, struct err *err)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? err_no_memory(err) : 0;
}

static int take_paths(struct proxy *proxy, const struct proxy_options *options, struct err *err)
{
	const size_t longest = sizeof("/haproxy-master.sock") - 1;

	if (proxy_check_path(options->dir, 4000, err) < 0 ||
	    proxy_check_path(options->run_dir, PROXY_SOCKET_PATH_MAX - longest, err) < 0 ||
	    proxy_check_path(options->api_socket, PROXY_APP_SOCKET_MAX, err) < 0 ||
	    (options->operator_pem && proxy_check_path(options->operator_pem, 4000, err) < 0))
		return -1;
	if (take_text(options->dir, &proxy->dir, err) < 0 ||
	    fs_join(options->dir, "haproxy.cfg", &proxy->config_path, err) < 0 ||
	    fs_join(options->dir, "loaded", &proxy->loaded_path, err) < 0 ||
	    fs_join(options->dir, "routes", &proxy->routes_path, err) < 0 ||
	    fs_join(options->dir, "apps.map", &proxy->apps_map, err) < 0 ||
	    fs_join(options->dir, "ends.map", &proxy->ends_map, err) < 0 ||
	    fs_join(options->run_dir, "haproxy.sock", &proxy->socket, err) < 0 ||
	    fs_join(options->run_dir, "haproxy-master.sock", &proxy->master_socket, err) < 0)
		return -1;
	return fs_join(options->run_dir, "haproxy-op.sock", &proxy->ends_socket, err);
}

static int take_options(struct proxy *proxy, const struct proxy_options *options, struct err *err)
{
	const char *program = access(HAPROXY, X_OK) == 0 ? HAPROXY : "haproxy";

	if (proxy_check_domain(options->api_name, err) < 0 || options->port == 0)
		return options->port ? -1 : err_set(err, ERR_INVALID, "no public port");
	proxy->port = options->port;
	if (take_paths(proxy, options, err) < 0 || take_addresses(proxy, options, err) < 0 ||
	    take_text(options->api_name, &proxy->api_name, err) < 0 ||
	    take_text(options->api_socket, &proxy->api_socket, err) < 0 ||
	    take_text(options->operator_pem, &proxy->operator_pem, err) < 0)
		return -1;
	return take_text(options->program ? options->program : program, &proxy->program, err);
}

static int load_routes(struct proxy *proxy, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(PROXY_CONFIG_MAX);

	if (fs_make_dirs(proxy->dir, 0700, err) < 0)
		return -1;
	if (!fs_exists(proxy->routes_path))
		return 0;
	if (fs_read(proxy->routes_path, &text, err) < 0 ||
	    proxy_routes_parse((char *)(uintptr_t)buf_text(&text), &proxy->routes, err) < 0)
		return err_prefix(err, "'%s'", proxy->routes_path);
	return 0;
}

int proxy_open(const struct proxy_options *options, struct proxy **ret_proxy, struct err *err)
{
	scoped(proxy_closep) struct proxy *proxy = calloc(1, sizeof(*proxy));

	if (!proxy)
		return err_no_memory(err);
	(void)pthread_mutex_init(&proxy->lock, NULL);
	if (take_options(proxy, options, err) < 0 || load_routes(proxy, err) < 0 || sync_all(proxy, err) < 0)
		return -1;
	*ret_proxy = TAKE_PTR(proxy);
	return 0;
}

void proxy_close(struct proxy *proxy)
{
	if (!proxy)
		return;
	(void)pthread_mutex_destroy(&proxy->lock);
	for (size_t i = 0; i < proxy->address_count; i++)
		free(proxy->addresses[i]);
	proxy_routes_done(&proxy->routes);
	free(proxy->dir);
	free(proxy->program);
	free(proxy->config_path);
	free(proxy->loaded_path);
	free(proxy->routes_path);
	free(proxy->apps_map);
	free(proxy->ends_map);
	free(proxy->socket);
	free(proxy->master_socket);
	free(proxy->ends_socket);
	free(proxy->api_name);
	free(proxy->api_socket);
	free(proxy->operator_pem);
	free(proxy);
}
