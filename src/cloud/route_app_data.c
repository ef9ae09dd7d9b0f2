/* SPDX-License-Identifier: Apache-2.0 */
/* What an app has produced: logs, metrics, its manifest. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "cloud/edge.h"
#include "cloud/files.h"
#include "cloud/route_app.h"
#include "cloud/routes.h"
#include "domain/release.h"
#include "domain/text_rule.h"

#define LOGS_SIZE 65536 /* C9: the last 64 kB */

/* Bytes that are no text become '?': the log is the app's, and JSON is UTF-8. */
static void make_text(struct buf *log)
{
	for (size_t at = 0; at < log->size;) {
		char one[5] = "";
		size_t size = 1;

		if (log->data[at] == '\n' || log->data[at] == '\t' || (log->data[at] >= 0x20 && log->data[at] < 0x7f)) {
			at++;
			continue;
		}
		for (; size <= 4 && at + size <= log->size; size++) {
			memcpy(one, log->data + at, size);
			one[size] = 0;
			if (one[size - 1] && text_is_printable_utf8(one))
				break;
		}
		if (size > 4 || at + size > log->size) {
			log->data[at] = '?';
			size = 1;
		}
		at += size;
	}
}

int route_app_logs(struct request *request, struct err *err)
{
	scoped(buf_done) struct buf log = BUF_INIT(LOGS_SIZE);
	scoped(json_decrefp) json_t *value = NULL;
	struct app app;

	if (app_of_request(request, &app, err) < 0)
		return -1;
	if (app.cleaned != APP_ALL_CLEANED && engine_logs(request->cloud->engine, app.id, LOGS_SIZE, &log, err) < 0 &&
	    err->code != ERR_NOT_FOUND)
		return -1;
	make_text(&log);
	if (api_json(json_pack("{s:s%}", "stdout", buf_text(&log), log.size), &value, err) < 0)
		return -1;
	return api_reply_json(request, 200, value, err);
}

static int add_metric(json_t *metrics, const char *name, double value, double now, struct err *err)
{
	if (json_object_set_new(metrics, name, json_pack("[f, f]", now, value)) < 0)
		return err_no_memory(err);
	return 0;
}

static int add_engine_metrics(json_t *metrics, const struct engine_usage *usage, double now, struct err *err)
{
	if (add_metric(metrics, "cpu_usage", usage->cpu_percent, now, err) < 0 ||
	    add_metric(metrics, "fs_usage", (double)usage->disk_bytes, now, err) < 0)
		return -1;
	return add_metric(metrics, "memory_usage", (double)usage->memory_bytes, now, err);
}

static int add_proxy_metrics(json_t *metrics, const struct edge_stats *stats, double now, struct err *err)
{
	if (add_metric(metrics, "average_queue_time", stats->queue_seconds, now, err) < 0 ||
	    add_metric(metrics, "average_connect_time", stats->connect_seconds, now, err) < 0 ||
	    add_metric(metrics, "average_response_time", stats->response_seconds, now, err) < 0 ||
	    add_metric(metrics, "average_query_time", stats->total_seconds, now, err) < 0 ||
	    add_metric(metrics, "amount_of_connection", (double)stats->connections, now, err) < 0 ||
	    add_metric(metrics, "throughput_in", (double)stats->bytes_in, now, err) < 0)
		return -1;
	return add_metric(metrics, "throughput_out", (double)stats->bytes_out, now, err);
}

int route_app_metrics(struct request *request, struct err *err)
{
	const double now = (double)clock_now_ns() / 1e9;
	scoped(json_decrefp) json_t *metrics = json_object();
	struct engine_usage usage = {0};
	struct edge_stats stats = {0};
	struct app app;
	int found;

	if (!metrics)
		return err_no_memory(err);
	if (app_of_request(request, &app, err) < 0)
		return -1;
	if (engine_usage(request->cloud->engine, app.id, &usage, err) == 0) {
		if (add_engine_metrics(metrics, &usage, now, err) < 0)
			return -1;
	} else if (err->code != ERR_NOT_FOUND) {
		return -1;
	}
	found = edge_stats(request->cloud, &app, &stats, err);
	if (found < 0 || (found == 1 && add_proxy_metrics(metrics, &stats, now, err) < 0))
		return -1;
	return api_reply_json(request, 200, metrics, err);
}

int route_app_manifest(struct request *request, struct err *err)
{
	scoped(buf_done) struct buf manifest = BUF_INIT(RELEASE_MANIFEST_MAX);
	scoped(freep) char *path = NULL;
	struct app app;

	if (app_of_request(request, &app, err) < 0 ||
	    file_path(request->cloud->data_dir, &path, err, FILE_APPS "/%s/manifest.toml", app.id) < 0)
		return -1;
	if (!fs_exists(path))
		return err_set(err, ERR_NOT_FOUND, "the manifest of app %s is not kept any more", app.id);
	if (fs_read(path, &manifest, err) < 0)
		return -1;
	return api_reply_text(request, 200, "text/plain; charset=utf-8", buf_text(&manifest), err);
}
