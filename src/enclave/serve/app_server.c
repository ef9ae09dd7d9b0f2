/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/serve/app_server.h"

#include <string.h>

#define RETRY_AFTER "1"
#define BUSY_TEXT "busy\n"

/* On the thread of a request that has left the application. */
static void resume_waiting(void *item, void *tag)
{
	(void)tag;
	http_resume(item);
}

static void refuse_waiting(void *item, void *tag)
{
	const struct http_header headers[] = {{"Mse-Status", "Stopping"}, {"Retry-After", RETRY_AFTER}};

	(void)tag;
	http_complete(item, 503, headers, COUNT_OF(headers), "", 0);
}

void app_server_init(struct app_server *app, unsigned limit, unsigned queue_max)
{
	app_gate_init(&app->gate, limit, queue_max, resume_waiting);
}

void app_server_done(struct app_server *app)
{
	app_gate_done(&app->gate);
}

void app_server_close(struct app_server *app)
{
	app_gate_close(&app->gate, refuse_waiting);
}

static enum http_result say_busy(struct http_exchange *exchange)
{
	const struct http_header headers[] = {
	    {"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}, {"Retry-After", RETRY_AFTER}};
	struct err err = ERR_INIT;

	IGNORE_RESULT(http_reply(exchange, 503, headers, COUNT_OF(headers), BUSY_TEXT, strlen(BUSY_TEXT), &err));
	return HTTP_HANDLED;
}

/* Who gave up while the request waited for its turn costs the application nothing. */
static enum http_result run(struct http_exchange *exchange, struct app_server *app)
{
	enum http_result result = HTTP_HANDLED;

	if (http_is_gone(exchange))
		http_abort(exchange);
	else
		result = app->serve(exchange, NULL);
	app_gate_leave(&app->gate);
	return result;
}

enum http_result app_server_serve(struct http_exchange *exchange, struct app_server *app)
{
	if (app->is_deferring)
		return app->serve(exchange, NULL);
	/* Only the gate resumes: its place is this request's. */
	if (http_is_resumed(exchange))
		return run(exchange, app);
	switch (app_gate_enter(&app->gate, exchange, NULL)) {
	case APP_GATE_RUN:
		return run(exchange, app);
	case APP_GATE_WAIT:
		return HTTP_DEFERRED;
	case APP_GATE_FULL:
		return say_busy(exchange);
	}
	return HTTP_HANDLED;
}
