/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/edge.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/fs.h"
#include "cloud/files.h"
#include "proxy/proxy.h"
#include "store/store_app.h"

#define MS_PER_SECOND 1000.0
#define API_NAME_SIZE 260

/* Held from reading the store to the end of the proxy's change: who reads later changes later. */
static pthread_mutex_t edge_lock = PTHREAD_MUTEX_INITIALIZER;

int edge_open(struct cloud *cloud, struct err *err)
{
	scoped(freep) char *dir = NULL;
	scoped(freep) char *run_dir = NULL;
	scoped(freep) char *api_socket = NULL;
	scoped(freep) char *operator_pem = NULL;
	char api_name[API_NAME_SIZE];
	const char *address = cloud->config.public_address;
	struct proxy_options options = {.port = (uint16_t)cloud->config.public_port, .api_name = api_name};

	if (file_path(cloud->data_dir, &dir, err, "haproxy") < 0 ||
	    file_path(cloud->data_dir, &run_dir, err, FILE_RUN) < 0 ||
	    file_path(cloud->data_dir, &api_socket, err, FILE_API_SOCKET) < 0 ||
	    file_path(cloud->data_dir, &operator_pem, err, FILE_OPERATOR_PEM) < 0)
		return -1;
	(void)snprintf(api_name, sizeof(api_name), "api.%s", cloud->config.base_domain);
	options.dir = dir;
	options.run_dir = run_dir;
	options.api_socket = api_socket;
	options.operator_pem = operator_pem;
	options.program = cloud->config.haproxy_program;
	if (address) {
		options.addresses = &address;
		options.address_count = 1;
	}
	return proxy_open(&options, &cloud->proxy, err);
}

void edge_close(struct cloud *cloud)
{
	proxy_close(cloud->proxy);
	cloud->proxy = NULL;
}

static int app_socket(const struct cloud *cloud, const struct app *app, char **ret, struct err *err)
{
	scoped(freep) char *run_dir = NULL;

	if (file_run_dir(cloud->data_dir, app->id, &run_dir, err) < 0)
		return -1;
	return fs_join(run_dir, "app.sock", ret, err);
}

/* The public name: in operator mode haproxy ends its TLS. The configuration's name always leads to the enclave. */
static enum proxy_mode mode_of(const struct app *app)
{
	switch (app->tls) {
	case APP_TLS_SELF:
	case APP_TLS_OWNER:
		return PROXY_PASS;
	case APP_TLS_OPERATOR:
		return PROXY_END_TLS;
	}
	return PROXY_PASS;
}

/* Beside the configuration's. */
static bool has_own_domain(const struct app *app)
{
	return app_has_domain(app) && strcmp(app->domain_name, app->config_domain_name) != 0;
}

static int set_names(struct cloud *cloud, const struct app *app, const char *socket, struct err *err)
{
	if (proxy_set(cloud->proxy, app->config_domain_name, socket, PROXY_PASS, err) < 0)
		return -1;
	if (!has_own_domain(app))
		return 0;
	return proxy_set(cloud->proxy, app->domain_name, socket, mode_of(app), err);
}

static int set_app(struct cloud *cloud, const char *app_id, struct err *err)
{
	scoped(freep) char *socket = NULL;
	struct app app;
	const int found = store_app_find(cloud->store, app_id, &app, err);

	if (found != 1 || app_state_is_final(app.state) || app.stop_wanted)
		return found < 0 ? -1 : 0;
	return app_socket(cloud, &app, &socket, err) < 0 ? -1 : set_names(cloud, &app, socket, err);
}

int edge_set(struct cloud *cloud, const char *app_id, struct err *err)
{
	int status;

	if (!cloud->proxy)
		return 0;
	fault_point("proxy-set:before");
	(void)pthread_mutex_lock(&edge_lock);
	status = set_app(cloud, app_id, err);
	(void)pthread_mutex_unlock(&edge_lock);
	fault_point("proxy-set:after");
	return status;
}

static int remove_name(struct cloud *cloud, const struct app *app, const char *name, struct err *err)
{
	struct app holder;
	const int found = store_app_find_by_domain(cloud->store, name, &holder, err);

	if (found < 0)
		return -1;
	if (found == 1 && strcmp(holder.id, app->id) != 0)
		return 0;
	return proxy_remove(cloud->proxy, name, err);
}

static int remove_names(struct cloud *cloud, const struct app *app, struct err *err)
{
	if (remove_name(cloud, app, app->config_domain_name, err) < 0)
		return -1;
	if (strcmp(app->domain_name, app->config_domain_name) == 0)
		return 0;
	return remove_name(cloud, app, app->domain_name, err);
}

int edge_remove(struct cloud *cloud, const struct app *app, struct err *err)
{
	int status;

	if (!cloud->proxy)
		return 0;
	fault_point("proxy-remove:before");
	(void)pthread_mutex_lock(&edge_lock);
	status = remove_names(cloud, app, err);
	(void)pthread_mutex_unlock(&edge_lock);
	fault_point("proxy-remove:after");
	return status;
}

/* Routes with the texts they point to. */
struct wanted {
	struct cloud *cloud;
	struct proxy_route *routes;
	size_t count, capacity;
};

static void wanted_done(struct wanted *wanted)
{
	for (size_t i = 0; i < wanted->count; i++) {
		free((char *)wanted->routes[i].domain);
		free((char *)wanted->routes[i].socket_path);
	}
	free(wanted->routes);
}

static int add_route(struct wanted *wanted, const char *domain, const char *socket, enum proxy_mode mode,
		     struct err *err)
{
	struct proxy_route *route;

	if (wanted->count == wanted->capacity) {
		const size_t capacity = wanted->capacity ? 2 * wanted->capacity : 64;
		struct proxy_route *routes = reallocarray(wanted->routes, capacity, sizeof(*routes));

		if (!routes)
			return err_no_memory(err);
		wanted->routes = routes;
		wanted->capacity = capacity;
	}
	route = &wanted->routes[wanted->count];
	*route = (struct proxy_route){.domain = strdup(domain), .socket_path = strdup(socket), .mode = mode};
	wanted->count++;
	return route->domain && route->socket_path ? 0 : err_no_memory(err);
}

static int want_app(const struct app *app, void *arg, struct err *err)
{
	struct wanted *wanted = arg;
	scoped(freep) char *socket = NULL;

	/* Also one that is being stopped: without its server haproxy would cut what its enclave still answers. */
	if (app_socket(wanted->cloud, app, &socket, err) < 0 ||
	    add_route(wanted, app->config_domain_name, socket, PROXY_PASS, err) < 0)
		return -1;
	if (!has_own_domain(app))
		return 0;
	return add_route(wanted, app->domain_name, socket, mode_of(app), err);
}

static int reconcile(struct cloud *cloud, struct err *err)
{
	const struct store_app_filter active = {.states =
						    1U << APP_SPAWNING | 1U << APP_INITIALIZING | 1U << APP_RUNNING};
	const struct store_page all = {.page = 1, .per_page = PROXY_ROUTES_MAX / 2};
	scoped(wanted_done) struct wanted wanted = {.cloud = cloud};

	if (store_app_each(cloud->store, &active, &all, want_app, &wanted, err) < 0)
		return -1;
	return proxy_reconcile(cloud->proxy, wanted.routes, wanted.count, err);
}

int edge_reconcile(struct cloud *cloud, struct err *err)
{
	int status;

	if (!cloud->proxy)
		return 0;
	fault_point("proxy-reconcile:before");
	(void)pthread_mutex_lock(&edge_lock);
	status = reconcile(cloud, err);
	(void)pthread_mutex_unlock(&edge_lock);
	fault_point("proxy-reconcile:after");
	return status;
}

int edge_reload(struct cloud *cloud, struct err *err)
{
	return cloud->proxy ? proxy_reload(cloud->proxy, err) : 0;
}

int edge_stats(struct cloud *cloud, const struct app *app, struct edge_stats *ret, struct err *err)
{
	struct proxy_stats stats;
	int found;

	if (!cloud->proxy)
		return 0;
	found =
	    proxy_stats(cloud->proxy, app_has_domain(app) ? app->domain_name : app->config_domain_name, &stats, err);
	if (found != 1)
		return found;
	*ret = (struct edge_stats){
	    .queue_seconds = (double)stats.queue_ms / MS_PER_SECOND,
	    .connect_seconds = (double)stats.connect_ms / MS_PER_SECOND,
	    .response_seconds = (double)stats.response_ms / MS_PER_SECOND,
	    .total_seconds = (double)stats.total_ms / MS_PER_SECOND,
	    .connections = stats.connections,
	    .bytes_in = stats.bytes_in,
	    .bytes_out = stats.bytes_out,
	};
	return 1;
}

int edge_shutdown(struct cloud *cloud, struct err *err)
{
	scoped(freep) char *run_dir = NULL;

	if (file_path(cloud->data_dir, &run_dir, err, FILE_RUN) < 0)
		return -1;
	return proxy_shutdown(run_dir, err);
}
