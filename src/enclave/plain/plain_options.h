/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of the plain server: mse-serve (docs/plain-server.md). */
#ifndef MSE_ENCLAVE_PLAIN_OPTIONS_H
#define MSE_ENCLAVE_PLAIN_OPTIONS_H

#include "enclave/plain/plain_env.h"
#include "enclave/serve/access_log.h"
#include "enclave/serve/forwarded.h"
#include "enclave/serve/websocket_options.h"
#include "format/listen_address.h"

#define PLAIN_WORKERS_MAX 64
#define PLAIN_PATTERNS_MAX 8
#define PLAIN_NO_FD (-1)
#define PLAIN_BINDS_MAX HTTP_LISTENERS_MAX
#define PLAIN_BIND_DEFAULT "127.0.0.1:8000"

/* Where to listen: at an address, or on a socket that the starting process has opened. */
struct plain_bind {
	int fd; /* PLAIN_NO_FD: address */
	struct listen_address address;
};

struct plain_options {
	bool wants_help;                  /* nothing below is set */
	bool wants_version;               /* likewise */
	const char *application;          /* as it was given */
	char *name;                       /* owned: without the "()" of a factory */
	char *module;                     /* owned */
	const char *variable;             /* in name */
	char *env_texts[PLAIN_ENV_TEXTS]; /* owned: what others point into */
	bool is_factory;
	const char *venv; /* "" */
	const char *app_dir;
	const char *interface;
	const char *root_path; /* "", or "/PATH" without a slash at its end */
	const char *cert;      /* PEM files; both or none */
	const char *key;
	struct plain_bind binds[PLAIN_BINDS_MAX];
	size_t bind_count;
	bool has_unix;
	bool has_bind; /* they are somebody's wish, not the default */
	mode_t socket_mode;
	gid_t socket_group;            /* 0: none was named */
	const char *socket_group_name; /* "" */
	enum http_proxy_mode proxy;
	struct forwarded_trust forwarded;
	enum access_log_format access_log;
	const char *access_log_file; /* NULL: stdout */
	unsigned max_requests;       /* of a worker; 0: any number */
	unsigned threads;
	unsigned workers;
	bool wants_reload;
	const char *reload_include[PLAIN_PATTERNS_MAX + 1]; /* ended by NULL */
	unsigned connections;
	unsigned queue;        /* of requests that wait for a thread */
	unsigned stream_waits; /* 0: the server's default */
	struct http_limits limits;
	struct http2_limits http2;
	size_t http2_memory;
	struct websocket_options websocket;
	uint64_t body_max;
	unsigned header_timeout_ms;
	unsigned body_timeout_ms;
	unsigned idle_timeout_ms;
	unsigned write_timeout_ms;
	unsigned drain_ms;
	unsigned request_timeout_ms; /* 0: none */
	unsigned exit_ms;            /* behind these: then the process ends */
	int worker_fd;               /* this is a worker: the first of its listening sockets; else PLAIN_NO_FD */
	unsigned worker_fds;
	const char *worker_name; /* what its messages begin with */
	int worker_ready_fd;     /* and where it says that it serves */
};

/* argv without "--plain"; ERR_INVALID and others name the option. *ret is to be plain_options_done even on failure. */
must_check int plain_options_parse(char *const *argv, struct plain_options *ret, struct err *err);
void plain_options_done(struct plain_options *options);

must_check int plain_options_help(struct buf *ret, struct err *err);

#endif
