/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the HTTP engine. Private to net/http_*.c.
 *
 * http_server.c  accepting, start and stop
 * http_options.c defaults and bounds of its options
 * http_pool.c    what the threads of the pool do, and the driver
 * http_lead.c    which of them leads, and the overseer that deposes a slow one
 * http_work.c    connections that wait for a thread, in order
 * http_hold.c    replies that the driver sends at the end of its turn
 * http_watch.c   epoll, the table of connections, time-outs
 * http_listen.c  listening sockets
 * http_conn.c    the life of one connection: PROXY header, handshake, heads, end
 * http_peer.c    who the other side is: the socket's address, or the PROXY header's
 * http_io.c      its reads and writes, with and without waiting, and its input buffer
 * http_exchange.c, http_reply.c, http_steps.c   what handlers call, whatever the protocol
 * http1_*.c      HTTP/1: heads, bodies, and its rows of http_wire.h
 * http2_*.c      HTTP/2: sessions, streams, and its rows (http2_priv.h)
 *
 * Who owns a connection: while `armed`, nobody: the next thread that epoll wakes, or that is free if it is due, claims
 * it (claim). A thread that has claimed it owns it alone, until it arms, parks or frees it. A parked one (deferred
 * exchange) is owned by whoever calls http_complete or http_resume. Fields marked [lock] belong to server->lock.
 *
 * epoll is edge-triggered and a connection stays in it: an event that comes while somebody owns the connection is kept
 * as `missed`, and who arms it is told to go on. What was there before the last read leaves no other trace than
 * is_drained (the read took it all) and is_hung (the client has closed its side): both are asked before anybody sleeps.
 *
 * Another protocol is another phase of a connection, with another table of rows (http_wire.h): handlers see exchanges
 * only, and exchanges reach the connection through their rows.
 */
#ifndef MSE_NET_HTTP_PRIV_H
#define MSE_NET_HTTP_PRIV_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "net/http1_body.h"
#include "net/http1_head.h"
#include "net/http_hold.h"
#include "net/http_lead.h"
#include "net/http_server.h"
#include "net/http_wire.h"
#include "net/http_work.h"
#include "net/tls_common.h"

#define WHEEL_SIZE 256
#define HTTP_BATCH 64 /* events that a leader takes at once */

enum conn_phase {
	PHASE_PROXY,      /* PROXY header wanted, or possible */
	PHASE_FIRST_BYTE, /* TLS or plain */
	PHASE_HANDSHAKE,  /* TLS */
	PHASE_HEAD,       /* between requests, or inside a head */
	PHASE_BODY,       /* a short body is on its way, its handler waits for it */
	PHASE_FLUSH,      /* a reply is on its way: deferred ones, and what the client did not take at once */
	PHASE_HTTP2,      /* whatever its session does */
	PHASE_RESUMING,   /* a deferred exchange goes to its handler again */
	PHASE_SKIP,       /* a reply is out, the rest of its request's body is on its way */
	PHASE_LINGER,     /* our side is shut; what still comes is thrown away, so that no RST eats the reply */
};

/* How fast the client takes what is written: see http_io.c. */
struct http_pace {
	int64_t since_ns; /* it is waited for since then; 0: it is not */
	int64_t waited_ns;
	uint64_t bytes; /* since it was first waited for */
};

struct http_conn {
	struct http_server *server;
	const struct http_listener *listener;
	int fd;
	struct tls_conn *tls;
	enum conn_phase phase;
	struct proxy_v2_addresses peer;
	size_t proxy_got;
	uint8_t *in; /* bytes read and not yet used: in[in_start..in_end) */
	size_t in_start;
	size_t in_end;
	size_t in_capacity;
	struct http1_scan scan;
	uint64_t requests;
	uint64_t lingered;
	void *slot;
	void (*slot_destroy)(void *slot);
	struct http_exchange *exchange;
	struct http_pace write_pace; /* of this exchange; with HTTP/2, of the connection */
	struct http2_session *http2; /* of PHASE_HTTP2: http2_priv.h */
	atomic_bool told_end;        /* the client of HTTP/2 is told that the connection ends */
	int64_t deadline_ns;
	uint32_t index;         /* in server->table */
	int64_t wheel_ns;       /* [lock] its place in the wheel */
	int64_t cool_ns;        /* while it keeps buffers: when it gives them up if nothing comes; 0: it keeps none */
	size_t in_used;         /* of in: what was ever written, to be wiped */
	bool is_drained;        /* the last read took all there was */
	bool is_hung;           /* [lock] the client has closed its side */
	bool missed;            /* [lock] an event came while somebody owned it */
	bool cools;             /* [lock] its buffers are to go */
	uint32_t watched;       /* [lock] events that epoll reports */
	bool armed;             /* [lock] */
	bool expired;           /* [lock] */
	bool is_due;            /* [lock] it waits for a thread of the pool, not in the wheel */
	struct http_conn *prev; /* [lock] in the wheel, or among those that are due, while armed */
	struct http_conn *next; /* [lock] */
};

enum deferral { DEFERRAL_NONE, DEFERRAL_PARKED, DEFERRAL_COMPLETED, DEFERRAL_RESUMED };

struct http_exchange {
	struct http_conn *conn;
	const struct http_wire *wire;
	struct http2_stream *stream; /* of HTTP/2 */
	struct http_exchange *next;  /* where it waits for a thread */
	bool is_first;               /* of its connection */
	bool is_resumed;
	bool is_last; /* http_close_after was called */
	struct http1_head head;
	uint8_t *memory; /* head points into it */
	size_t memory_used;
	size_t memory_capacity; /* 0: memory was no input buffer */
	char *path;             /* with query behind its zero byte */
	char *query;
	struct http1_body body;
	uint64_t body_max;
	int64_t body_waited_ns;
	uint64_t skipped;     /* of a body that nobody read, behind the reply */
	bool continue_wanted; /* 100 Continue not sent yet */
	bool body_failed;
	atomic_bool started; /* who watches over it may ask */
	bool ended;
	bool close; /* no further request on this connection */
	bool aborted;
	bool chunked;
	bool bodiless; /* HEAD, 204, 205, 304: what is written is counted but not sent */
	bool sized;
	bool is_tunnel;
	bool holds_much;       /* more than HTTP_STEP_ROOM_MAX, for a client that does not take it: counted */
	bool is_ending;        /* http_step_end and http_release follow the next piece at once */
	uint64_t reply_left;   /* of a sized reply */
	const char *reason;    /* of the reply's status; NULL: the registered one */
	int status;            /* of the reply; 0: none */
	uint64_t reply_size;   /* bytes of its body so far */
	int64_t began_ns;      /* if somebody wants to know */
	int64_t wait_since_ns; /* for the body, without a thread; 0: nobody does */
	struct buf out;        /* reply head that goes out with the first piece; later what PHASE_FLUSH sends */
	size_t out_sent;
	struct proxy_v2_addresses *client; /* see http_set_client; NULL: the connection's */
	atomic_int deferral;
};

/* Events that were fetched and not handled yet: the leader's. */
struct http_batch {
	struct epoll_event events[HTTP_BATCH];
	int count;
	int next;
};

struct http_slot {
	struct http_conn *conn; /* [lock] NULL: free */
	uint32_t generation;    /* [lock] */
	uint32_t next_free;     /* [lock] */
};

struct http_server {
	struct http_listener listeners[HTTP_LISTENERS_MAX];
	int listen_fds[HTTP_LISTENERS_MAX];
	char *paths[HTTP_LISTENERS_MAX];
	struct http_socket_file files[HTTP_LISTENERS_MAX]; /* of paths */
	size_t listener_count;
	http_handler handler;
	void *arg;
	char *server_name;
	void (*on_done)(const struct http_exchange *exchange, const struct http_done *done, void *arg);
	unsigned thread_count;
	unsigned connections_max;
	unsigned header_timeout_ms;
	unsigned body_timeout_ms;
	unsigned idle_timeout_ms;
	unsigned write_timeout_ms;
	size_t stack_size;
	struct http_limits limits; /* none is zero */
	int epoll_fd;
	int acceptor_pipe[2]; /* wakes the acceptor */
	int stop_pipe[2];     /* its end in the epoll becomes readable once, for all threads */
	pthread_t acceptor;
	pthread_t *threads;
	unsigned threads_started;
	bool acceptor_started;
	bool is_led;
	bool runs_others_code;
	struct http2_limits http2;
	size_t http2_memory;
	atomic_size_t http2_held; /* by streams: http2_stream_account */
	struct http_work work;
	bool overseer_started;
	pthread_t overseer;
	struct http_lead lead;
	struct http_hold hold;
	struct http_batch batch;
	void (*ring)(void *arg); /* the driver has the lead; set while nobody can pass it */
	void *ring_arg;
	atomic_uint warm;   /* connections that keep their buffers */
	atomic_uint cooled; /* those that gave them up since the heap was trimmed */
	unsigned stream_waits_max;
	atomic_uint much_held;    /* exchanges of HTTP/1 that hold much */
	atomic_uint stream_waits; /* streams of HTTP/2 with descriptors of their own */
	atomic_bool takes_tunnels;
	atomic_bool saying_farewell;  /* each answer of HTTP/1 is the last of its connection */
	atomic_bool leaves_listeners; /* to others: nobody is accepted any more */
	atomic_bool draining;
	atomic_bool stopping;
	atomic_uint_fast64_t requests;
	pthread_mutex_t lock;
	pthread_cond_t changed;              /* with lock: open became 0, or deaf true */
	struct http_slot *table;             /* [lock] */
	uint32_t first_free;                 /* [lock] */
	uint64_t open;                       /* [lock] */
	uint64_t accepted;                   /* [lock] */
	bool acceptor_wants_slot;            /* [lock] */
	bool deaf;                           /* [lock] the listening sockets are closed */
	bool spares_newcomers;               /* [lock] who has sent no request yet is not idle */
	struct http_conn *wheel[WHEEL_SIZE]; /* [lock] armed connections by deadline */
	struct http_conn *due;      /* [lock] armed connections that the pool must look at, the last come first */
	struct http_conn *due_last; /* [lock] the one that has waited longest */
	int64_t tick_ns;
	int64_t last_tick;         /* [lock] the acceptor's to change */
	int64_t acceptor_until_ns; /* [lock] the acceptor sleeps so long */
};

/* ---- http_server.c ---- */
/* A stop is near or under way: an exchange of HTTP/1 ends its connection. */
bool http_server_is_leaving(const struct http_server *server);

/* ---- http_watch.c (the threads' half: http_watch.h) ---- */
/*
 * Gives the connection back to epoll until events (EPOLLIN, EPOLLOUT or both) or its deadline: then the caller no
 * longer owns it. false: it still does, for there is something to do already.
 */
must_check bool http_watch_arm(struct http_conn *conn, uint32_t events);
/* The same, but whatever is there already wakes a thread of the pool. */
void http_watch_arm_pool(struct http_conn *conn, uint32_t events);
/* Takes an armed connection for the calling thread, which owns it then; false: another thread has it. */
bool http_watch_take(struct http_conn *conn);
/* For threads that must not run it themselves: a thread of the pool takes it as soon as one is free. */
void http_watch_hand_over(struct http_conn *conn);
/* Somebody else's epoll watches the descriptor while an exchange waits: ours is not to wake up for it. */
void http_watch_mute(struct http_conn *conn);
/* It keeps its buffers for a moment behind a request, if not too many others do. For an owner, as the next two. */
void http_watch_warm(struct http_conn *conn, int64_t now_ns);
/* The opposite; for an owner. */
void http_watch_cool(struct http_conn *conn);
/* The opposite if many connections are warm: who may be parked for long leaves room for the others. */
void http_watch_yield_warmth(struct http_conn *conn);
/* Takes it out of the table, before its descriptor is closed. */
void http_watch_forget(struct http_conn *conn);
/* Says that the descriptor is closed: the last touch of the server for a connection. */
void http_watch_closed(struct http_server *server);

/* ---- http_conn.c, http_io.c, http_peer.c ---- */
must_check int http_conn_new(struct http_server *server, const struct http_listener *listener, int fd,
			     struct http_conn **ret_conn, struct err *err);
/* Who is connected to the socket; what a PROXY header says comes over it. */
void http_conn_find_peer(struct http_conn *conn);
void http_conn_run(struct http_conn *conn); /* the caller owns it before and not after */
void http_conn_free(struct http_conn *conn);
/* For an owner. In order: the client is given time to read what was sent. */
void http_conn_end(struct http_conn *conn, bool is_in_order);
/* For an owner in PHASE_FLUSH: one try to send, without a handler for what the client has sent behind it. */
void http_conn_send_held(struct http_conn *conn);
/* For an owner whose exchange is out: the connection waits for its next request, or ends. */
void http_conn_end_exchange(struct http_conn *conn);

/* One try. */
enum tls_io http_conn_read(struct http_conn *conn, void *ret_data, size_t size, size_t *ret_got, struct err *err);
/* Waits. */
must_check int http_conn_read_wait(struct http_conn *conn, void *ret_data, size_t size, int timeout_ms, size_t *ret_got,
				   struct err *err);
must_check int http_conn_write(struct http_conn *conn, struct iovec *pieces, size_t count, struct err *err);
enum tls_io http_conn_read_plain(struct http_conn *conn, void *ret_data, size_t size, size_t *ret_got,
				 struct err *err); /* below TLS */
/* Writes until all is written (DONE), the client takes no more (WANT_…) or it failed; moves pieces and count. */
enum tls_io http_conn_try_write(struct http_conn *conn, struct iovec **pieces, size_t *count, struct err *err);
/* Wipes the buffer if nothing is in it, and frees it unless the connection keeps its buffers. */
void http_conn_release_input(struct http_conn *conn);
/* The memory of a head, wiped: it becomes the buffer again, if the connection keeps one, or goes. NULL is fine. */
void http_conn_take_back(struct http_conn *conn, uint8_t *memory, size_t used, size_t capacity);
/* free() for what a client sent: it may hold keys and passwords, which must not stay in freed memory. NULL is fine. */
void http_wipe_free(void *ptr);
/* Makes room for at least size more bytes behind in_end. */
must_check int http_conn_reserve(struct http_conn *conn, size_t size, struct err *err);

/* ---- http_exchange.c ---- */
/* Notes whether more than HTTP_STEP_ROOM_MAX of it waits for the client. */
void http_exchange_hold_much(struct http_exchange *exchange, bool holds_much);
must_check int http_exchange_new(struct http_conn *conn, const struct http_wire *wire,
				 struct http_exchange **ret_exchange, struct err *err);
void http_exchange_free(struct http_exchange *exchange);
/*
 * The head is parsed. -1 without memory: to be refused. Handlers decide by the path what is whose, so that none may run
 * without one.
 */
must_check int http_exchange_begin(struct http_exchange *exchange);
/* ERR_LIMIT. */
int http_exchange_too_large(const struct http_exchange *exchange, struct err *err);
bool http_exchange_is_too_large(const struct http_exchange *exchange);
/* The client is waited for, or has sent something: the time between counts for the pace. */
void http_exchange_begin_wait(struct http_exchange *exchange);
void http_exchange_end_wait(struct http_exchange *exchange);
/* ERR_TIMEOUT for a body that came at less than the slowest pace, after one time-out's grace. */
must_check int http_exchange_check_pace(struct http_exchange *exchange, size_t got, struct err *err);

/* ---- http_reply.c ---- */
/* ERR_INVALID if one cannot be sent, or is the server's own. */
must_check int http_reply_check_fields(const struct http_header *headers, size_t count, struct err *err);
/* Counts size bytes more of an open reply's body. ERR_INVALID for more than was promised. */
must_check int http_reply_count(struct http_exchange *exchange, size_t size, struct err *err);
/* Counts the end; ERR_INVALID if the reply is shorter than promised. */
must_check int http_reply_count_end(struct http_exchange *exchange, struct err *err);

/* ---- http2_*.c ---- */
must_check int http2_session_new(struct http_conn *conn, struct err *err);
void http2_session_free(struct http2_session *session); /* NULL is fine */
/* Reads, writes, hands requests to the pool. The caller owns the connection before and not after. */
void http2_conn_run(struct http_conn *conn);
void http2_run(struct http_exchange *exchange); /* the handler of one from http_work_take */
/* All that its client will send has come. */
bool http2_is_input_here(const struct http2_stream *stream);
void http2_lock(struct http2_session *session);
void http2_unlock(struct http2_session *session);

/* ---- http1_*.c ---- */
/*
 * Throws the rest of the request's body away, without waiting. DONE: it is over; WANT_READ: more is to come; FAILED:
 * too long or malformed: the connection must end.
 */
enum http_step http_exchange_skip_body(struct http_exchange *exchange);
/* A whole reply of ours, e.g. 400 before there is a handler. Best effort; the connection is to be closed. */
void http_reply_refusal(struct http_conn *conn, int status);

#endif
