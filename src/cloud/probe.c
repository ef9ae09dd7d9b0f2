/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/probe.h"

#include <string.h>

#include "base/fs.h"
#include "cloud/files.h"
#include "net/http_client.h"
#include "net/tls_client.h"

#define TIMEOUT_MS 2000
#define BODY_MAX (4u << 20)

static enum probe_result judge(const struct http_response *response)
{
	const char *status = http_response_header(response, "Mse-Status");

	if (!status)
		return response->status >= 500 ? PROBE_UNWELL : PROBE_SERVING;
	if (strcmp(status, "Waiting") == 0)
		return PROBE_WAITING;
	if (strcmp(status, "Failed") == 0)
		return PROBE_FAILED;
	return PROBE_STARTING;
}

/* Any GET is answered by the configuration server (E3), so the health check's path serves for both. */
static enum probe_result ask(struct tls_client *tls, const struct app *app)
{
	const struct http_header header = {"User-Agent", "msed"};
	const struct http_request request = {.target = app->healthcheck_endpoint,
					     .headers = &header,
					     .header_count = 1,
					     .timeout_ms = TIMEOUT_MS,
					     .body_max = BODY_MAX};
	scoped(http_client_freep) struct http_client *client = NULL;
	struct http_response response = {0};
	enum probe_result result = PROBE_SILENT;
	struct err err = ERR_INIT;

	if (http_client_new(tls, app->config_domain_name, &client, &err) < 0)
		return PROBE_SILENT;
	if (http_client_request(client, &request, &response, &err) == 0) {
		result = judge(&response);
		http_response_done(&response);
	}
	return result;
}

enum probe_result probe(const struct cloud *cloud, const struct app *app)
{
	struct tls_client_options options = {.sni = app->config_domain_name,
					     .verify = TLS_VERIFY_NONE,
					     .send_proxy_v2_local = true,
					     .timeout_ms = TIMEOUT_MS};
	scoped(freep) char *run_dir = NULL;
	scoped(freep) char *path = NULL;
	struct tls_client *tls = NULL;
	struct err err = ERR_INIT;

	if (file_run_dir(cloud->data_dir, app->id, &run_dir, &err) < 0 ||
	    fs_join(run_dir, "app.sock", &path, &err) < 0 || !fs_exists(path))
		return PROBE_SILENT;
	options.unix_path = path;
	if (tls_client_open(&options, &tls, &err) < 0)
		return PROBE_SILENT;
	return ask(tls, app);
}
