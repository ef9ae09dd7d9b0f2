/* SPDX-License-Identifier: Apache-2.0 */
/* What clients of WebSockets may do, for the command line and the applications' side. Pure data. */
#ifndef MSE_ENCLAVE_WEBSOCKET_OPTIONS_H
#define MSE_ENCLAVE_WEBSOCKET_OPTIONS_H

#include "net/websocket.h"

#define WEBSOCKET_QUEUE 32
#define WEBSOCKET_QUEUE_MAX 65536
#define WEBSOCKET_QUEUE_BYTES (64u << 10)
#define WEBSOCKET_QUEUE_BYTES_MAX (1u << 30)
#define WEBSOCKET_PING_MS 20000
#define WEBSOCKET_PONG_MS 20000
#define WEBSOCKET_CLOSE_MS 10000

/* Zero means the default. */
struct websocket_options {
	struct websocket_limits limits;
	unsigned ping_ms;        /* a silent client is asked so often whether it is there, */
	unsigned pong_ms;        /* and has so long to answer */
	unsigned close_ms;       /* to answer a close */
	unsigned queue_messages; /* that wait for the application ... */
	unsigned queue_bytes;    /* ... and their bytes: with as many of one the client is not read */
};

#endif
