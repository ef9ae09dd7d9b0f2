/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay of `mse connect`: one thread on one epoll, clients in plain on one side, attested connections on the other
 * (attested-channel.md sections 4 and 8). A byte of a client leaves only on a connection that has an accepted verdict;
 * there is no other way to get one. An idle connection costs no thread and no buffer.
 *
 * Bounds: connections_max attested connections at once (in use, idle or being attested); a request that finds none
 * waits wait_ms at most, then 503. CONNECT_CLIENTS_MAX clients at once, further ones get 503 at once. 160 KiB of
 * buffers for a client at most.
 */
#ifndef MSE_CLI_CONNECT_PROXY_H
#define MSE_CLI_CONNECT_PROXY_H

#include "cli/connect_attest.h"
#include "cli/connect_raw.h"

#define CONNECT_CLIENTS_MAX 1024
#define CONNECT_CONNECTIONS_MAX 4096
#define CONNECT_CONNECTIONS_DEFAULT 256
#define CONNECT_WAIT_MS_DEFAULT 30000
#define CONNECT_AGE_SECONDS_MAX 3600           /* section 4: until */
#define CONNECT_STREAM_SECONDS_MAX (24 * 3600) /* a running stream may finish */

enum connect_event {
	CONNECT_EVENT_ATTESTED,   /* verdict accepted */
	CONNECT_EVENT_REFUSED,    /* name and text; verdict if there is one */
	CONNECT_EVENT_TLS_INSIDE, /* a client speaks TLS inside CONNECT */
	CONNECT_EVENT_RAW_REFUSED /* a client of a raw port speaks what was not named */
};

struct connect_proxy_options {
	const struct connect_site *site;
	int listen_fd;              /* stays the caller's */
	bool is_tcp;                /* pass bytes, do not speak HTTP */
	enum connect_speech speech; /* with is_tcp */
	unsigned connections_max;
	unsigned wait_ms;
	unsigned age_seconds; /* a connection begins no request when its verdict is older */
	connect_open open;
	connect_generation generation; /* connections of an older one begin no request */
	void *open_arg;                /* of both */
	void (*report)(void *arg, enum connect_event event, const char *name, const char *text,
		       const struct attest_verdict *verdict);
	void *report_arg;
	/* Asked several times a second: true ends the run. */
	bool (*should_stop)(void *arg);
	void *stop_arg;
	int wake_fd; /* readable: ask should_stop now; -1: none */
};

/* Returns when should_stop says so: running exchanges get drain_ms to finish. */
must_check int connect_proxy_run(const struct connect_proxy_options *options, unsigned drain_ms, struct err *err);

#endif
