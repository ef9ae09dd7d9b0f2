/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running an application until the process shall end, and the orderly end, for the enclave and the plain server. All of
 * it on the main thread.
 */
#ifndef MSE_ENCLAVE_SERVING_H
#define MSE_ENCLAVE_SERVING_H

#include "enclave/process/wake.h"
#include "enclave/python/python.h"

#define SERVING_FAREWELL_MS 500
#define SERVING_DRAIN_MS 10000       /* running requests at a stop */
#define SERVING_STOP_SECONDS_MAX 30  /* then the process ends, whatever the application does in its exit functions */
#define SERVING_FAILED_SECONDS_MAX 2 /* the same, if it can be served no more */

#define SERVING_FAILED_TEXT "the application has ended its event loop"

/*
 * Until a signal asks for the stop, WAKE_STOP or WAKE_QUIT, or the application can be served no more: WAKE_FAILED.
 * on_wake, if not NULL, is told of everything else. Main thread.
 */
must_check enum wake serving_run(struct http_server *server, const struct python_protocol *protocol,
				 void (*on_wake)(enum wake wake, void *arg), void *arg);

/*
 * Before serving_stop: serves on for at most limit_ms (SERVING_FAREWELL_MS is enough), while connections of HTTP/1 end
 * with their next answer. Closed between two requests, those that ask all the time would lose one. leaves_listeners:
 * others accept on the same sockets, so nobody new is let in.
 */
void serving_farewell(struct http_server *server, const struct python_protocol *protocol, unsigned limit_ms,
		      bool leaves_listeners);

/*
 * Stops the server (what runs may finish within drain_ms), while the protocol goes on; then ends the interpreter.
 * protocol NULL: no application was loaded. drain_ms 0: they are cut.
 */
void serving_stop(struct http_server *server, const struct python_protocol *protocol, unsigned drain_ms);

#endif
