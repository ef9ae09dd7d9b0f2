/* SPDX-License-Identifier: Apache-2.0 */
/* What the threads of a server's pool do, and its driver (http_server_drive). Private to net/http_*.c. */
#ifndef MSE_NET_HTTP_POOL_H
#define MSE_NET_HTTP_POOL_H

#include <stdint.h>

/* Keys of events that are no connection's. */
#define HTTP_STOP_KEY UINT64_MAX
#define HTTP_WORK_KEY (UINT64_MAX - 1)

/* Threads; arg is the server. */
void *http_pool_run(void *arg);
void *http_pool_run_led(void *arg);

#endif
