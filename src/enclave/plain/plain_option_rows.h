/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of the plain server, in the groups that help, man page and completions show (tools/gen-cli reads --help).
 * Of plain_options.c alone. [field, option, what help calls its value, default, help]; without help it is not shown.
 */
#ifndef MSE_ENCLAVE_PLAIN_OPTION_ROWS_H
#define MSE_ENCLAVE_PLAIN_OPTION_ROWS_H

#define PLAIN_ROWS_SERVING(X) \
	X(socket_mode, "--socket-mode", "MODE", "0600", "of the files of unix sockets, in octal digits") \
	X(socket_group, "--socket-group", "GROUP", "", "of the files of unix sockets") \
	X(app_dir, "--app-dir", "DIR", ".", "where the application is: first in sys.path, working directory") \
	X(venv, "--venv", "DIR", "", "virtual environment with its packages; else that of VIRTUAL_ENV") \
	X(interface, "--interface", "NAME", "auto", "auto, wsgi or asgi") \
	X(root_path, "--root-path", "/PATH", "", "where the application is mounted: SCRIPT_NAME, root_path") \
	X(threads, "--threads", "N", "8", "WSGI requests that run at a time, in each worker") \
	X(workers, "--workers", "N", "1", "processes") \
	X(access_log, "--access-log", "FORMAT", "", \
	  "to stdout: none, common, combined or json [none; combined with a file]") \
	X(access_log_file, "--access-log-file", "FILE", "", "instead of stdout; opened anew by SIGUSR1 and SIGHUP") \
	X(max_requests, "--max-requests", "N", "0", \
	  "that a worker answers, and up to a tenth more: then a new one; 0: any") \
	X(proxy, "--proxy", "MODE", "none", "PROXY protocol v2: none, optional or required") \
	X(forwarded, "--forwarded-allow-ips", "LIST", "none", \
	  "whose X-Forwarded-For and -Proto count: addresses, networks, unix, * or none") \
	X(drain, "--graceful-timeout", "S", "", "for running requests at a stop [10; 1 with --reload]") \
	X(request_timeout, "--request-timeout", "S", "0", \
	  "until an answer begins; then ASGI is cancelled, WSGI gets a new worker; 0: any time") \
	X(exit_timeout, "--exit-timeout", "S", "5", "then, until it ends whatever still runs")

#define PLAIN_ROWS_TLS(X) \
	X(cert, "--cert", "PEM", "", "certificate chain: serves TLS 1.3") \
	X(key, "--key", "PEM", "", "its private key")

#define PLAIN_ROWS_LIMITS(X) \
	X(connections, "--connections", "N", "10000", "at a time, in each worker; more wait") \
	X(queue, "--queue", "N", "8192", "WSGI requests that wait for one of the threads; more are told 503") \
	X(target_max, "--target-max", "BYTES", "16384", "of a request's target") \
	X(header_bytes, "--header-bytes-max", "BYTES", "65536", "of a request's head") \
	X(header_count, "--headers-max", "N", "100", "fields in a request") \
	X(extension_bytes, "--chunk-extension-max", "BYTES", "256", "of chunk extensions in a body") \
	X(trailer_bytes, "--trailer-max", "BYTES", "8192", "of trailer fields") \
	X(rate_min, "--rate-min", "BYTES", "256", "a second, of who makes us wait for longer than a time-out") \
	X(body_max, "--body-max", "BYTES", "2147483648", "of one request's body") \
	X(header_timeout, "--header-timeout", "S", "10", "for a handshake and a request's head") \
	X(body_timeout, "--body-timeout", "S", "30", "between two pieces of a body") \
	X(idle_timeout, "--idle-timeout", "S", "75", "between two requests") \
	X(write_timeout, "--write-timeout", "S", "30", "between two pieces that a client takes") \
	X(stream_waits, "--stream-waits", "N", "0", \
	  "HTTP/2 streams that wait in ASGI; 0: by the descriptors; more are told 503") \
	X(http2_memory, "--http2-memory", "BYTES", "67108864", \
	  "of all HTTP/2 connections; beyond it streams are refused")

#define PLAIN_ROWS_HTTP2(X) \
	X(http2_streams, "--http2-streams", "N", "100", "of one connection; more are refused") \
	X(http2_table, "--http2-header-table", "BYTES", "4096", "of each table of field compression") \
	X(http2_continuations, "--http2-continuations", "N", "8", "frames that one head goes on in") \
	X(http2_resets, "--http2-resets", "N", "200", "streams that a client resets in a second") \
	X(http2_pings, "--http2-pings", "N", "100", "in a second") \
	X(http2_settings, "--http2-settings", "N", "20", "frames of settings in a second") \
	X(http2_empty_data, "--http2-empty-data", "N", "100", "empty frames of bodies in a second") \
	X(http2_updates, "--http2-window-updates", "N", "1000", "in a second, besides 3 for each frame of data sent") \
	X(http2_others, "--http2-others", "N", "500", "priorities and other frames in a second") \
	X(http2_window, "--http2-window", "BYTES", "1048576", "of a body on its way, while it is read on") \
	X(http2_acks, "--http2-acks", "N", "128", "acknowledgements that a client does not take") \
	X(http2_queue, "--http2-queue", "N", "256", "frames that a client does not take, and 4 for each stream")

#define PLAIN_ROWS_WEBSOCKET(X) \
	X(websocket_max, "--websocket-max", "BYTES", "16777216", "of one message") \
	X(websocket_fragments, "--websocket-fragments", "N", "65536", "frames of one message") \
	X(websocket_controls, "--websocket-controls", "N", "100", "pings, pongs and empty fragments in a second") \
	X(websocket_queue, "--websocket-queue", "N", "32", "messages that wait for the application") \
	X(websocket_queue_bytes, "--websocket-queue-bytes", "BYTES", "65536", "of those; more is not read") \
	X(websocket_ping, "--websocket-ping", "S", "20", "until a silent client is asked whether it is there") \
	X(websocket_pong, "--websocket-pong-timeout", "S", "20", "to answer that") \
	X(websocket_close, "--websocket-close-timeout", "S", "10", "to answer a close")

/* Of a worker: what its parent tells it. */
#define PLAIN_ROWS_WORKER(X) \
	X(worker_fd, "--worker-fd", "FD", "", "") \
	X(worker_name, "--worker-name", "NAME", "mse-enclave", "") \
	X(worker_fds, "--worker-fds", "N", "1", "") \
	X(worker_ready_fd, "--worker-ready-fd", "FD", "", "")

#define PLAIN_ROWS(X) \
	PLAIN_ROWS_SERVING(X) \
	PLAIN_ROWS_TLS(X) PLAIN_ROWS_LIMITS(X) PLAIN_ROWS_HTTP2(X) PLAIN_ROWS_WEBSOCKET(X) PLAIN_ROWS_WORKER(X)

#endif
