/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP engine for msed and mse-enclave: listeners (TCP or unix socket, PROXY protocol v2, TLS 1.3 or plain), a pool
 * of threads on one epoll, one handler.
 *
 * Threads: whichever thread finds a connection readable parses the request and runs the handler itself; there is no
 * hand-over. The handler may block; it runs on several threads at once, but one connection is never in two. A
 * connection without a complete request head costs no thread. One more thread accepts and watches time-outs; with
 * is_led another one looks after the thread that leads.
 * Only epoll, poll, sockets and pipes are used (Gramine has no timerfd, signalfd or nested epoll).
 *
 * An exchange belongs to the engine: valid in the handler until it returns HTTP_HANDLED (or until http_reply_part), or,
 * after HTTP_DEFERRED, until http_complete. Its functions are for the handler's thread only, http_complete for any
 * thread. All text returned by http_* getters is owned by the exchange.
 *
 * Refused before the handler sees it (RFC 9112): bare LF, folded fields, Content-Length with Transfer-Encoding, a
 * second Host or Content-Length, an absolute target of another host, transfer codings but chunked, an HTTP/1.1 request
 * without Host, chunk extensions over HTTP_CHUNK_EXTENSION_MAX, anything over the limits of net/http.h. Header names
 * with '_' are handed over as they are: who maps '-' to '_' (WSGI) must drop them.
 */
#ifndef MSE_NET_HTTP_SERVER_H
#define MSE_NET_HTTP_SERVER_H

#include <sys/types.h>

#include "net/http.h"
#include "net/proxy_v2.h"
#include "net/tls_server.h"

#define HTTP_THREADS 8
#define HTTP_THREADS_MAX 256
#define HTTP_LISTENERS_MAX 8
#define HTTP_CONNECTIONS 10000
#define HTTP_CONNECTIONS_MAX 100000
#define HTTP_HEADER_TIMEOUT_MS 10000
#define HTTP_BODY_TIMEOUT_MS 30000
#define HTTP_IDLE_TIMEOUT_MS 75000
#define HTTP_WRITE_TIMEOUT_MS 30000
#define HTTP2_STREAMS 100
#define HTTP2_STREAMS_MAX 1000
#define HTTP2_HEADER_TABLE 4096
#define HTTP2_HEADER_TABLE_MAX 65536
#define HTTP2_CONTINUATIONS 8
#define HTTP2_CONTINUATIONS_MAX 1000
#define HTTP2_RATE_MAX 100000
#define HTTP2_WINDOW (1u << 20)
#define HTTP2_WINDOW_MIN (64u << 10)
#define HTTP2_WINDOW_MAX (16u << 20)
#define HTTP2_ACKS 128
#define HTTP2_ACKS_MAX 100000
#define HTTP2_QUEUE 256
#define HTTP2_QUEUE_MAX 100000
#define HTTP2_QUEUE_STREAM 4
#define HTTP2_MEMORY (64u << 20)
#define HTTP2_MEMORY_MAX (1ULL << 40)
#define HTTP_STEP_ROOM_MIN (16u << 10)
#define HTTP_STEP_ROOM_MAX (256u << 10)
#define HTTP_STEP_ROOM_WHOLE (1040u << 10)
#define HTTP_COMPLETE_MAX (4u << 20)
#define HTTP_CHUNK_EXTENSION_MAX 256 /* bytes of extensions of one chunk, and of all of one body's */
#define HTTP_TRAILER_BYTES_MAX 8192
/*
 * Bytes per second. Who lets us wait for longer than the time-out of a body (or of a write) in all, and sends (or
 * takes) less than this while we wait, is cut: a byte now and then does not push a time-out back for ever.
 */
#define HTTP_RATE_MIN 256
#define HTTP_RATE_MIN_MAX (1u << 20)

struct http_server;
struct http_exchange;

enum http_result {
	HTTP_HANDLED,  /* replied (if not, the engine answers 500; if started but not ended, it cuts the connection) */
	HTTP_DEFERRED, /* somebody calls http_complete or http_resume exactly once, perhaps already has */
	HTTP_PARTED,   /* http_reply_part has taken the exchange */
};

/* One reply that is out, or was cut. The exchange is valid during the call. */
struct http_done {
	int status;          /* 0: none was sent */
	uint64_t body_size;  /* bytes of the body, without framing */
	int64_t duration_ns; /* from the whole head to the last byte handed to the system */
};

typedef enum http_result (*http_handler)(struct http_exchange *exchange, void *arg);

enum http_proxy_mode { HTTP_PROXY_NONE, HTTP_PROXY_OPTIONAL, HTTP_PROXY_REQUIRED };

struct http_listener {
	const char *unix_path; /* a stale socket is replaced, a live one is ERR_CONFLICT; at most 107 bytes */
	mode_t unix_mode;      /* 0: 0600 */
	gid_t unix_group;      /* of the file; 0: this process's */
	int fd;                /* > 0: a socket that listens already, owned by the server from now on; else: */
	const char *address;   /* numeric IPv4 or IPv6, when unix_path is NULL */
	uint16_t port;         /* 0: the system chooses, see http_server_port */
	enum http_proxy_mode proxy;
	struct tls_server *tls; /* borrowed, must outlive the server; NULL: plain */
	bool is_plain_allowed;  /* with tls: a connection that does not begin as TLS does is plain HTTP */
	bool is_http2_plain;    /* without tls: a connection that begins with the preface of HTTP/2 is one */
};

/*
 * Of one connection of HTTP/2. Zero means the default, HTTP2_STREAMS and so on (those of a second are in
 * net/http2_guard.h); more than HTTP2_*_MAX counts as that. The last six are in a second: more ends it.
 */
struct http2_limits {
	unsigned streams;       /* open at once, with those whose handler has not ended */
	unsigned header_table;  /* bytes of each table of HPACK */
	unsigned continuations; /* CONTINUATION frames of one head; more ends it */
	unsigned window;        /* of one body, on their way, while its handler reads on; HTTP2_WINDOW_MIN at least */
	unsigned acks;          /* of PING and SETTINGS that the client does not take; more ends it */
	unsigned queue;         /* frames that the client does not take, besides HTTP2_QUEUE_STREAM a stream */
	unsigned resets;        /* RST_STREAM */
	unsigned pings;
	unsigned settings;
	unsigned empty_data;     /* DATA without data */
	unsigned window_updates; /* besides those for what was sent */
	unsigned others;         /* priorities */
};

/* What one request may have. Zero means the default, which but for rate_min is also the most; more is the most. */
struct http_limits {
	unsigned target_bytes;          /* HTTP_TARGET_MAX; 414 */
	unsigned header_bytes;          /* HTTP_HEADER_BYTES_MAX, of the whole head; 431 */
	unsigned header_count;          /* HTTP_HEADERS_MAX; 431 */
	unsigned chunk_extension_bytes; /* HTTP_CHUNK_EXTENSION_MAX, in a whole body; 413 */
	unsigned trailer_bytes;         /* HTTP_TRAILER_BYTES_MAX; 413 */
	unsigned rate_min;              /* HTTP_RATE_MIN, most HTTP_RATE_MIN_MAX: see there */
};

/* Zero means the default: HTTP_THREADS and so on, or what stands in brackets. */
struct http_server_options {
	const struct http_listener *listeners;
	size_t listener_count;
	http_handler handler;
	void *arg;
	const char *server_name;    /* value of Server in every response; NULL: none */
	unsigned threads;           /* of the handler's pool */
	unsigned connections_max;   /* further ones wait in the backlog */
	unsigned header_timeout_ms; /* PROXY header, handshake and request head, each from its first wait */
	unsigned body_timeout_ms;   /* between two pieces of a body */
	unsigned idle_timeout_ms;   /* between two requests */
	unsigned write_timeout_ms;  /* between two pieces a client accepts */
	/*
	 * [an eighth of the descriptors the process may have] streams of HTTP/2 that wait in steps, of all connections:
	 * each needs two descriptors. While so many wait, new ones are told 503.
	 */
	unsigned stream_waits_max;
	size_t stack_size; /* [1 MiB] of each thread */
	struct http_limits limits;
	struct http2_limits http2;
	size_t http2_memory; /* [HTTP2_MEMORY] of heads, bodies and replies of all connections of HTTP/2 */
	/* Handlers know http_upgrade: else extended CONNECT (RFC 8441) is not offered and none gets to them. */
	bool takes_tunnels;
	/* Handlers hold one lock most of the time: one thread works while it is quick, others only when it is not. */
	bool is_led;
	/* It may start processes and threads: the pool's threads block no more signals than the caller. */
	bool runs_others_code;
	/* For an access log, on the thread that ends the exchange; NULL: none. Requests refused before the handler
	 * are not told. */
	void (*on_done)(const struct http_exchange *exchange, const struct http_done *done, void *arg);
};

must_check int http_server_start(const struct http_server_options *options, struct http_server **ret_server,
				 struct err *err);

/* For handlers that are chosen while the server runs: the same for connections that come from now on. */
void http_server_take_tunnels(struct http_server *server);

/* The listening socket alone, for a server that is to be started later, or in another process. The caller closes it. */
must_check int http_listen(const struct http_listener *listener, int *ret_fd, struct err *err);
uint16_t http_listen_port(int fd); /* 0 for a unix socket */

/*
 * The file of a listening unix socket. It is to be removed before the socket is closed: until then nobody else puts
 * another in its place. What somebody put there all the same is left alone.
 */
struct http_socket_file {
	dev_t device;
	ino_t inode;
};

void http_socket_file_of(const char *path, struct http_socket_file *ret);
void http_socket_file_remove(const char *path, const struct http_socket_file *file);

/* Port of a TCP listener, as bound. */
uint16_t http_server_port(const struct http_server *server, size_t listener_index);

struct http_server_counts {
	uint64_t connections_open;
	uint64_t connections_accepted;
	uint64_t requests;
};

void http_server_counts(struct http_server *server, struct http_server_counts *ret_counts);

/*
 * From now on each answer of HTTP/1 says that it is the last of its connection, and everything else goes on: clients
 * that ask all the time come to their end between two requests, with none on its way. For some moments before a stop.
 * leaves_listeners: nobody is accepted any more, because others accept there.
 */
void http_server_say_farewell(struct http_server *server, bool leaves_listeners);

/*
 * Stops accepting at once, lets running exchanges finish for at most drain_ms (idle connections are closed at once),
 * then cuts the rest, joins the threads and frees the server. A handler that never returns blocks it, and every
 * deferred exchange must be completed by its owner, before or meanwhile. Not from a handler.
 */
void http_server_stop(struct http_server *server, unsigned drain_ms);

/*
 * ---- a driver ----
 *
 * For handlers that hand everything to one thread, as an event loop is one: that thread may do the pool's work itself,
 * so that a request costs no hand-over. Only for a server that is_led. When there is something to do, a thread of the
 * pool calls ring(arg), which tells the driver and returns at once. The driver calls http_server_drive then, again and
 * again, with what else it does in between, until NOTHING or LOST; behind NOTHING it may ask again, or say with
 * http_server_rest that it does not. Who does not come back for some milliseconds (HTTP_LEAD_MS), or spends them in a
 * handler, has LOST what it had to do to the pool, and is rung again when it has come back. ring NULL: it drives no
 * more; to be said before http_server_stop is called. All but ring: on the driver's thread.
 */
enum http_drive { HTTP_DRIVE_NOTHING, HTTP_DRIVE_SOME, HTTP_DRIVE_LOST };

void http_server_set_driver(struct http_server *server, void (*ring)(void *arg), void *arg);
/* Handles what is there, for about a millisecond. Never waits; the handlers run on this thread. */
enum http_drive http_server_drive(struct http_server *server);
void http_server_rest(struct http_server *server);

/* ---- the request ---- */

const char *http_method(const struct http_exchange *exchange);
const char *http_target(const struct http_exchange *exchange); /* raw, as sent */
const char *http_path(const struct http_exchange *exchange);   /* raw, not decoded, without query; "*" for OPTIONS * */
const char *http_query(const struct http_exchange *exchange);  /* raw, without '?'; NULL if there is no '?' */
const char *
http_host(const struct http_exchange *exchange); /* Host, which an absolute target agrees with; "" if none */
const char *http_version(const struct http_exchange *exchange); /* "1.0", "1.1", "2" */

/* First field called name; NULL if none. */
const char *http_header(const struct http_exchange *exchange, const char *name);
size_t http_header_count(const struct http_exchange *exchange);
const struct http_header *http_headers(const struct http_exchange *exchange); /* in the order of the wire */

/* -1: chunked, size not known. 0: none. */
int64_t http_body_size(const struct http_exchange *exchange);
/* All of it has arrived: http_read_body will not wait. */
bool http_is_body_here(const struct http_exchange *exchange);

/* read_body fails with ERR_LIMIT beyond max bytes (at once, if Content-Length says so). Default: 1 MiB. */
void http_set_body_max(struct http_exchange *exchange, uint64_t max);

/*
 * Next piece of the body, at most size bytes; *ret_got 0 at its end. Sends "100 Continue" first if it was asked for.
 * ERR_LIMIT, ERR_TIMEOUT, ERR_INVALID (malformed) or ERR_IO (gone); then nothing more can be read and the connection
 * ends after the reply. What the handler leaves unread is skipped if short, else the connection is closed.
 */
must_check int http_read_body(struct http_exchange *exchange, void *ret_data, size_t size, size_t *ret_got,
			      struct err *err);

/* The whole body; its maximum is ret->max (http_set_body_max is not asked). */
must_check int http_read_body_all(struct http_exchange *exchange, struct buf *ret, struct err *err);

/* The status that fits a failure of the two above: 413, 408 or 400. */
int http_body_status(const struct err *err);

/* ---- the response ---- */

/* The reason phrase beside the status, of HTTP/1 alone (RFC 9112 4); at most 80 bytes of it are sent. Text that cannot
 * be sent is none. It must live until the reply is started. Never called: the registered one. */
void http_reply_reason(struct http_exchange *exchange, const char *reason);

/*
 * All at once. Date, Content-Length, Server and Connection are the engine's and must not be among headers (a given
 * Date or Server replaces the engine's). For HEAD the body's size is sent, not the body. A failure (ERR_IO,
 * ERR_TIMEOUT) means the client is gone; ERR_INVALID is a header that cannot be sent: nothing was.
 */
must_check int http_reply(struct http_exchange *exchange, int status, const struct http_header *headers,
			  size_t header_count, const void *body, size_t body_size, struct err *err);

/*
 * http_reply for a handler that has more to do, however long it takes, for which it needs no exchange. *ret_is_parted:
 * it has none any more, and returns HTTP_PARTED; so a server that is_led may send several short replies together,
 * and nobody waits for those handlers. Else, as where something of the request's body is left, it still has it.
 */
must_check int http_reply_part(struct http_exchange *exchange, int status, const struct http_header *headers,
			       size_t header_count, const void *body, size_t body_size, bool *ret_is_parted,
			       struct err *err);

/*
 * In pieces. body_size -1: chunked for HTTP/1.1, until close for 1.0. Else exactly so many bytes must follow: more is
 * ERR_INVALID, fewer at the end cut the connection. The head goes out with the first piece (of 0 bytes, to send it
 * alone); every piece goes out at once.
 */
must_check int http_reply_start(struct http_exchange *exchange, int status, const struct http_header *headers,
				size_t header_count, int64_t body_size, struct err *err);
must_check int http_reply_write(struct http_exchange *exchange, const void *data, size_t size, struct err *err);
must_check int http_reply_end(struct http_exchange *exchange, struct err *err);
bool http_reply_is_started(const struct http_exchange *exchange);

/*
 * The reply of a deferred exchange, from any thread, exactly once; also allowed before the handler has returned
 * HTTP_DEFERRED. Copies everything, never blocks: a thread of the pool sends it. The exchange is not valid afterwards.
 * The handler must have read the body it wants before. More than HTTP_COMPLETE_MAX bytes are 500.
 */
void http_complete(struct http_exchange *exchange, int status, const struct http_header *headers, size_t header_count,
		   const void *body, size_t body_size);

/*
 * Instead of http_complete, from any thread, exactly once: the handler runs again for this deferred exchange, on a
 * thread of the pool, as if the request had just come. For handlers that let a request wait its turn without a thread.
 */
void http_resume(struct http_exchange *exchange);

/*
 * ---- a deferred exchange in steps ----
 *
 * Instead of http_complete and http_resume: whoever deferred an exchange may work on it without ever blocking, from one
 * thread at a time, and gives it back with http_release exactly once, perhaps before the handler has returned. When a
 * step wants to wait, wait for http_descriptor (another epoll is fine: the engine's own does not watch it meanwhile)
 * and take the step again. Time-outs between steps are the caller's.
 */
enum http_step {
	HTTP_STEP_DONE,
	HTTP_STEP_WANT_READ,
	HTTP_STEP_WANT_WRITE,
	HTTP_STEP_FAILED, /* *err says why, as for the function that blocks */
};

int http_descriptor(
    const struct http_exchange *exchange); /* to wait for; nothing else may be done with it; -1: none left */
/* The server's time-out between two pieces, of the reply or of the request's body. */
unsigned http_step_timeout_ms(const struct http_exchange *exchange, bool is_write);

/*
 * While http_step_read waited, the descriptor became readable. From here on the client is not waited for, though the
 * next http_step_read may come much later: its pace is not to suffer.
 */
void http_step_ready(struct http_exchange *exchange);

/* As http_read_body. */
enum http_step http_step_read(struct http_exchange *exchange, void *ret_data, size_t size, size_t *ret_got,
			      struct err *err);
/*
 * With the body read to its end: is the client still there? WANT_READ: yes, ask again when something comes. DONE: yes,
 * and it has sent so much of its next request that nobody can see further. FAILED: it has closed its side.
 */
enum http_step http_step_watch(struct http_exchange *exchange, struct err *err);
/* 100..199 but 101; nothing for HTTP/1.0. Goes out with the next write or flush. */
must_check int http_step_informational(struct http_exchange *exchange, int status, const struct http_header *headers,
				       size_t header_count, struct err *err);
/*
 * After http_reply_start. All of data is taken, whatever is returned; WANT_…: what the client has not taken yet was
 * copied: http_step_flush before writing more keeps that to one piece, which is to be no more than http_step_room says:
 * from HTTP_STEP_ROOM_MIN bytes, when what waits for all clients of HTTP/2 is much, to HTTP_STEP_ROOM_MAX; for replies
 * of HTTP/1, while few clients are waited for, to HTTP_STEP_ROOM_WHOLE: a MiB and its head.
 */
size_t http_step_room(const struct http_exchange *exchange);
enum http_step http_step_write(struct http_exchange *exchange, const void *data, size_t size, struct err *err);
/* The reply's end. Trailers are sent if the body is chunked and the client wants them (TE: trailers), else dropped. */
enum http_step http_step_end(struct http_exchange *exchange, const struct http_header *trailers, size_t trailer_count,
			     struct err *err);
/*
 * Before the last piece: http_step_end and http_release will follow it at once. A short reply that is whole may be sent
 * a little later then, together with others of the driver's turn.
 */
void http_step_announce_end(struct http_exchange *exchange);
enum http_step http_step_flush(struct http_exchange *exchange, struct err *err);
/*
 * A tunnel: another protocol behind the request. http_upgrade: what the client asks for, "websocket" (RFC 6455), or
 * NULL; whoever does not mean it answers as to any request. http_step_upgrade says yes, with more fields of headers
 * (101 over HTTP/1.1), instead of http_reply_start. From then on http_step_read and http_step_write carry the bytes of
 * that protocol: DONE with *ret_got 0 is the client's end, http_step_end ours, and http_step_watch is not for it. A
 * header that cannot be sent is ERR_INVALID, and nothing has happened.
 */
const char *http_upgrade(const struct http_exchange *exchange);
enum http_step http_step_upgrade(struct http_exchange *exchange, const struct http_header *headers, size_t header_count,
				 struct err *err);
/* Not valid afterwards. A reply that has not ended is cut; what is not flushed is sent by the engine. */
void http_release(struct http_exchange *exchange);

/* The connection ends after this reply ("Connection: close"). */
void http_close_after(struct http_exchange *exchange);
/* The connection is cut when the handler returns, and nothing more is sent. */
void http_abort(struct http_exchange *exchange);

/* ---- the connection ---- */

/* The handler runs because of http_resume. */
bool http_is_resumed(const struct http_exchange *exchange);

/*
 * Has the client given it up, as far as is known by now? Asked before work begins for a request that has waited:
 * HTTP/2's can be reset meanwhile.
 */
bool http_is_gone(const struct http_exchange *exchange);

bool http_is_first_request(const struct http_exchange *exchange);

/* One pointer per connection; destroy(slot) runs once when the connection ends (or another is set). */
void *http_slot(const struct http_exchange *exchange);
void http_set_slot(struct http_exchange *exchange, void *slot, void (*destroy)(void *slot));
/* The slot; if there is none, slot becomes it, else destroy(slot) runs. For handlers of one connection at once. */
void *http_fill_slot(struct http_exchange *exchange, void *slot, void (*destroy)(void *slot));

/* Who is at the other end: what http_set_client said, else from the PROXY header (the proxy's word) or the socket. */
const struct proxy_v2_addresses *http_peer(const struct http_exchange *exchange);

/*
 * Who the client of this one request is, as somebody says whom the handler believes: http_peer from now on (copied),
 * and is_tls is what http_is_https says. Before anybody asked for either.
 */
must_check int http_set_client(struct http_exchange *exchange, const struct proxy_v2_addresses *client,
			       struct err *err);

/* The client's own connection is TLS: this one, or as the PROXY header or http_set_client says. For URLs, nothing more.
 */
bool http_is_https(const struct http_exchange *exchange);

bool http_is_tls(const struct http_exchange *exchange);
const char *http_sni(const struct http_exchange *exchange); /* NULL: none sent, or plain */

/* SHA-256 of the SPKI of the leaf shown in this very handshake ("tls_key"); zeros when plain. */
void http_tls_key(const struct http_exchange *exchange, uint8_t ret[static TLS_KEY_HASH_SIZE]);

/* RFC 8446 7.5 on this connection; fails with ERR_UNSUPPORTED when plain, ERR_INTERNAL when OpenSSL refuses. */
must_check int http_tls_exporter(struct http_exchange *exchange, const char *label, const void *context,
				 size_t context_size, uint8_t ret[static TLS_EXPORTER_SIZE], struct err *err);

#endif
