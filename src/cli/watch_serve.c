/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/watch.h"
#include "format/listen_address.h"

#define METRICS_THREADS 2
#define METRICS_CONNECTIONS_MAX 64
#define METRICS_HEAD_MS 5000
#define METRICS_IDLE_MS 130000 /* Prometheus scrapes each minute or two on one connection */

/*
 * No name but this machine's: a page of another name that points its name here (DNS rebinding) must not read which
 * hosts are watched. Addresses cannot be pointed elsewhere.
 */
static bool is_ours(const char *text)
{
	char own[URI_HOST_MAX + 1] = "";
	struct hostport host;
	struct err ignored = ERR_INIT;

	if (hostport_parse(text, 0, &host, &ignored) < 0)
		return false;
	if (gethostname(own, sizeof(own) - 1) < 0)
		*own = '\0';
	return host_is_loopback_name(host.host) || host_is_address(host.host) ||
	       (*own && strcasecmp(host.host, own) == 0);
}

static void reply_metrics(struct http_exchange *exchange, struct watch *watch)
{
	const struct http_header type = {"Content-Type", WATCH_METRICS_TYPE};
	scoped(buf_done) struct buf text = BUF_INIT(WATCH_METRICS_SIZE_MAX);
	struct err err = ERR_INIT;
	int status;

	(void)pthread_mutex_lock(&watch->lock);
	status = watch_metrics_format(watch->metrics, watch->host_count, &text, &err);
	(void)pthread_mutex_unlock(&watch->lock);
	IGNORE_RESULT(status < 0 ? http_reply(exchange, 500, NULL, 0, "", 0, &err)
				 : http_reply(exchange, 200, &type, 1, text.data, text.size, &err));
}

static enum http_result serve_metrics(struct http_exchange *exchange, void *arg)
{
	const char *method = http_method(exchange);
	struct watch *watch = arg;
	const char *host = http_host(exchange);
	struct err err = ERR_INIT;

	if (!watch->is_socket && *host && !is_ours(host))
		IGNORE_RESULT(http_reply(exchange, 421, NULL, 0, "", 0, &err));
	else if (strcmp(http_path(exchange), "/metrics") != 0)
		IGNORE_RESULT(http_reply(exchange, 404, NULL, 0, "", 0, &err));
	else if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		IGNORE_RESULT(http_reply(exchange, 405, NULL, 0, "", 0, &err));
	else
		reply_metrics(exchange, watch);
	return HTTP_HANDLED;
}

int watch_serve(struct watch *watch, struct err *err)
{
	const char *text = cmd_value(watch->call, "metrics");
	char url[LISTEN_TEXT_SIZE];
	struct listen_address address;

	if (!text)
		return 0;
	if (listen_address_parse(text, &address, err) < 0)
		return err_prefix(err, "--metrics");
	const struct http_listener listener = {
	    .unix_path = address.is_unix ? address.path : NULL, .address = address.host, .port = address.port};
	const struct http_server_options options = {.listeners = &listener,
						    .listener_count = 1,
						    .handler = serve_metrics,
						    .arg = watch,
						    .threads = METRICS_THREADS,
						    .connections_max = METRICS_CONNECTIONS_MAX,
						    .header_timeout_ms = METRICS_HEAD_MS,
						    .idle_timeout_ms = METRICS_IDLE_MS,
						    .write_timeout_ms = METRICS_HEAD_MS};

	watch->is_socket = address.is_unix;
	if (http_server_start(&options, &watch->server, err) < 0)
		return err_prefix(err, "--metrics");
	listen_address_format(&address, address.is_unix ? 0 : http_server_port(watch->server, 0), url);
	out_info(watch->call->out, "Metrics are served at: %s%s%s", address.is_unix ? "" : "http://", url,
		 address.is_unix ? "" : "/metrics");
	return 0;
}
