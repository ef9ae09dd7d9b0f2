/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How requests reach the application: so many at a time (app_gate.h), the others wait without a thread. An application
 * that defers by itself (ASGI) is let run at once.
 */
#ifndef MSE_ENCLAVE_APP_SERVER_H
#define MSE_ENCLAVE_APP_SERVER_H

#include "enclave/serve/app_gate.h"
#include "net/http_server.h"

struct app_server {
	struct app_gate gate;
	http_handler serve; /* the application's, set before the first request is let in */
	bool is_deferring;  /* it never holds the thread */
};

void app_server_init(struct app_server *app, unsigned limit, unsigned queue_max);
void app_server_done(struct app_server *app);

/* One request, or its second turn. */
enum http_result app_server_serve(struct http_exchange *exchange, struct app_server *app);

/* Answers what waits with 503 and lets nothing more in. */
void app_server_close(struct app_server *app);

#endif
