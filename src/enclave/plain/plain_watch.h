/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --request-timeout: a thread that looks whether requests have their answers' beginnings in time. A thread of WSGI
 * cannot be ended, and a loop that is blocked cannot be told anything: it says which request it is, where all threads
 * are (a traceback of each), and asks for another process in place of this one. Requests of ASGI that merely wait are
 * cancelled by the loop itself (asgi_limit.c).
 */
#ifndef MSE_ENCLAVE_PLAIN_WATCH_H
#define MSE_ENCLAVE_PLAIN_WATCH_H

#include <stdint.h>

#include "net/http_server.h"

struct plain_watch {
	unsigned limit_ms;
	http_handler serve;       /* the application's */
	int64_t (*late_ns)(void); /* since when the protocol's loop is late; 0: it is not. NULL: there is no loop */
	void (*give_up)(void *arg);
	void *arg;
};

/* Once in a process. The thread lives as long as it. */
must_check int plain_watch_start(const struct plain_watch *watch, struct err *err);

/* A http_handler: watch's serve, watched. */
enum http_result plain_watch_serve(struct http_exchange *exchange, void *arg);

#endif
