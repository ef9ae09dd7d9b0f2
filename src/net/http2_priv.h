/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 (RFC 9113) behind the rows of http_wire.h. nghttp2 takes frames apart and keeps the protocol's states; what is
 * here joins it to connections, threads and exchanges. Private to net/http2_*.c.
 *
 * http2_session.c   a connection's session: its bytes in and out, its deadlines, its end
 * http2_frames.c    nghttp2's callbacks
 * http2_request.c   a head becomes an exchange, or a refusal
 * http2_wait.c      who drives a session; handlers that wait for a stream
 * http2_news.c      descriptors for those who wait in steps
 * http2_run.c       exchanges on the pool, their end
 * http2_input.c, http2_output.c   the rows
 * http2_guard.c     floods; http2_bytes.c  queues of bytes; http2_pages.c  memory for frames
 *
 * Locks: session->lock guards the session, its streams, nghttp2 and the reads and writes of the connection; it is never
 * held while a handler runs or anything waits. It is taken before server->lock.
 *
 * Who drives: one thread at a time reads for a session. While is_driven is false the connection is armed in epoll (or
 * its event is about to be taken by a thread of the pool, which will come for the lock). A handler that must wait takes
 * the connection out of epoll and drives it itself, so streams move even when every thread of the pool waits. Anybody
 * with the lock writes.
 *
 * Life: a stream is live from the moment its exchange goes to the pool until its handler (or whoever it deferred to) is
 * through with it. The connection outlives its live streams: who ends the last one ends it.
 */
#ifndef MSE_NET_HTTP2_PRIV_H
#define MSE_NET_HTTP2_PRIV_H

#include <nghttp2/nghttp2.h>

#include "net/http2_bytes.h"
#include "net/http2_guard.h"
#include "net/http2_pages.h"
#include "net/http_priv.h"

/*
 * Bytes of a request's body that wait for its handler: the less while nobody reads. Each time that a handler has taken
 * a window's worth it is doubled, up to limits.window, while three quarters of the server's memory are free: it counts
 * there, whether bytes come or not. A connection's window is given back
 * at once, so that bodies that nobody reads yet never hold up one that a handler waits for.
 */
#define HTTP2_STREAM_WINDOW (16u << 10)
#define HTTP2_READ_WINDOW HTTP2_WINDOW_MIN
#define HTTP2_CONNECTION_WINDOW (1u << 20)
#define HTTP2_BODY_AHEAD_MAX HTTP2_STREAM_WINDOW /* of a body that is awaited before its handler runs */
#define HTTP2_OUT_MAX (64u << 10)                /* of a reply that waits in its stream; more waits in its handler */
#define HTTP2_OUT_ALL_MAX (4u << 20)        /* so much of a connection's replies may wait beyond that, ended or not */
#define HTTP2_OUT_SCARCE HTTP_STEP_ROOM_MIN /* instead of both, while the server's memory is scarce */
#define HTTP2_LOOK_MS 60000
#define HTTP2_NOTICE_MS 1000        /* for a client to answer that it knows of the end */
#define HTTP2_FRAME_MIN (16u << 10) /* nghttp2's buffer for the frame that it sends is no less */
#define HTTP2_FIELD_OVERHEAD 32     /* RFC 9113 6.5.2 */

enum http2_pseudo {
	HTTP2_METHOD,
	HTTP2_SCHEME,
	HTTP2_AUTHORITY,
	HTTP2_PATH,
	HTTP2_PROTOCOL,
	HTTP2_PSEUDO_COUNT,
};

struct http2_stream {
	struct http2_session *session;
	struct http_exchange *exchange;
	int32_t id;
	struct http2_stream *prev; /* of the session's */
	struct http2_stream *next;

	/* Its head while it comes: names and values in exchange->memory, as offsets in head.headers. */
	size_t text_size;
	size_t text_capacity;
	size_t list_size;                  /* as RFC 9113 6.5.2 counts */
	size_t pseudo[HTTP2_PSEUDO_COUNT]; /* offsets of the values, plus one; 0: none */
	size_t cookie;                     /* its field's place, plus one; 0: none came yet */
	struct buf crumbs;                 /* offsets of its pieces (RFC 9113 8.2.3) */
	const char *protocol;              /* of an extended CONNECT (RFC 8441); NULL: none */
	int refusal;                       /* status to answer with; 0: none */
	bool has_head;                     /* what follows are trailers */
	bool is_begun;                     /* its exchange went, or waits to go, to a handler */
	bool is_awaited;                   /* its short body is on its way */

	struct http2_bytes in;
	bool in_ended;
	bool is_read;        /* a handler has begun to */
	size_t window;       /* then, on their way or here */
	size_t window_taken; /* of it, since it was opened so far */
	bool is_discarding;  /* nobody reads the body any more */

	struct http2_bytes out;
	struct buf trailers; /* NAME 0 VALUE 0 … */
	bool is_submitted;   /* the head is nghttp2's */
	bool out_ended;
	bool is_sent;   /* to its end */
	bool is_closed; /* for nghttp2 there is no such stream any more */
	bool is_over;   /* its exchange was handed back, closed or not */

	int64_t pace_since_ns; /* the client is waited for since then; 0: it is not */
	uint64_t pace_taken;   /* bytes since then */
	int64_t deadline_ns;   /* 0: none, or somebody's own */
	int pair[2];           /* -1: none; the first is what http_descriptor gives: http2_news.c */
	bool wants_input;      /* somebody waits in steps */
	bool wants_room;
	bool has_news;  /* a byte is on its way to the first */
	bool is_filled; /* the first cannot be written to */
	size_t held;    /* in server->http2_held */
};

struct http2_session {
	struct http_conn *conn;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a stream has news, or nobody drives any more */
	nghttp2_session *nghttp2;
	struct http2_guard guard;
	struct http2_limits limits;
	struct http2_stream *streams;
	size_t stream_count;
	size_t live;
	size_t timed;                /* streams with a deadline */
	size_t waiters;              /* handlers in http2_wait */
	size_t out_size;             /* of all streams' out */
	struct http_exchange *ready; /* for the pool, in order */
	struct http_exchange **ready_end;
	struct http2_stream *closed; /* to be freed when the lock is given back */
	struct http2_bytes out;      /* frames on their way */
	void *frame_memory;          /* nghttp2's, for the frame that it sends */
	struct http2_slab *frame_slab;
	int64_t head_deadline_ns;     /* of the preface, or a head that has begun; 0: none */
	int32_t head_id;              /* that head's stream; 0: none */
	size_t list_size;             /* of that head, or trailers: as RFC 9113 6.5.2 counts */
	int64_t settings_deadline_ns; /* of the acknowledgement of our SETTINGS; 0: it is here */
	int64_t idle_deadline_ns;     /* 0: streams are open */
	int64_t notice_deadline_ns;   /* of its answer that it knows of the end; 0: it was not told, or has answered */
	int64_t write_deadline_ns;    /* 0: the client takes what we write */
	enum tls_io wanted;           /* what the last write waits for */
	int pump_fd;                  /* wakes the handler that drives and waits; -1: none */
	uint32_t armed_events;
	int64_t armed_until_ns; /* conn->deadline_ns is the server's while it is armed */
	bool is_driven;
	bool takes_tunnels; /* said so in its first SETTINGS */
	bool has_sent;      /* frame_memory was used since it rested */
	bool has_read;      /* in this turn */
	bool has_more;      /* bytes may be here that epoll does not tell of */
	bool is_leaving;    /* a GOAWAY says which streams are the last */
	bool is_ending;     /* a GOAWAY that ends it at once is queued */
	bool is_told;       /* that it is dead, to all who wait */
	bool is_dead;       /* no byte can come or go */
	bool ends_in_order;
	bool is_over; /* nothing more is to be done but to end the connection */
};

/* ---- http2_session.c ---- */
/* Reads, writes and looks at the clock, once; with the lock, by who drives. */
void http2_drive(struct http2_session *session);
/* Writes what nghttp2 has; with the lock. */
void http2_flush(struct http2_session *session);
/* Gives buffers back if no stream is left and it is not warm; with the lock. */
void http2_rest(struct http2_session *session);
/* The client is told of the end, then of the last stream that is served; with the lock. */
void http2_say_goodbye(struct http2_session *session);
void http2_say_last(struct http2_session *session);
/* Ends it with an error code of RFC 9113 7, as soon as that is written; with the lock. */
void http2_terminate(struct http2_session *session, uint32_t code);
/* When it must be looked at next. */
int64_t http2_deadline(const struct http2_session *session);

struct http2_stream *http2_stream_new(struct http2_session *session, int32_t id);
/* The client has taken size bytes of what waits: in time if enough of them come. */
void http2_stream_pace(struct http2_stream *stream, size_t size);
/* When it is too slow. */
int64_t http2_stream_patience(struct http2_stream *stream);
/* What it holds, or may hold before anybody reads, counts for the server: after each change. */
void http2_stream_account(struct http2_stream *stream);
/* So much more may wait before the server's memory is scarce: half of it; the rest is for shares of streams. */
size_t http2_memory_left(const struct http2_session *session);
/* nghttp2 has closed it: freed if nobody has its exchange. With the lock. */
void http2_stream_close(struct http2_stream *stream);
void http2_stream_set_deadline(struct http2_stream *stream, int64_t deadline_ns); /* 0: none */
void http2_stream_free(struct http2_stream *stream);
/* Leaves the session; freed when the lock is given back. */
void http2_stream_retire(struct http2_stream *stream);

/* ---- http2_frames.c ---- */
must_check int http2_frames_setup(struct http2_session *session, struct err *err);
/* Nothing is being sent: the memory for that goes back to the system. */
void http2_frames_rest(struct http2_session *session);

/* ---- http2_request.c ---- */
/* 0, or a status: the field is one too many, too long or malformed. */
int http2_request_add(struct http2_stream *stream, const uint8_t *name, size_t name_size, const uint8_t *value,
		      size_t value_size);
/* The head is whole: its exchange can begin. 0, or the status to answer with. */
int http2_request_finish(struct http2_stream *stream, bool has_ended);

/* ---- http2_wait.c ---- */
/* http2_unlock: hands what is ready to the pool, corrects what is waited for, ends a connection that is through; frees
 * what closed, which is reported without the lock. */
/* The connection goes back to epoll, or to a handler that waits, or it ends. The caller has driven; unlocks. */
void http2_hand_back(struct http2_session *session);
/*
 * Until holds(stream), the stream or session is closed, or until_ns. With the lock, which is not held meanwhile; not by
 * who drives.
 */
void http2_wait(struct http2_stream *stream, bool (*holds)(const struct http2_stream *stream), int64_t until_ns);

/* ---- http2_news.c; with the lock ---- */
/* Somebody may wait for this. */
void http2_tell_input(struct http2_stream *stream);
void http2_tell_room(struct http2_stream *stream);
/* A step that reads is taken. */
void http2_hear_input(struct http2_stream *stream);
/* A step has to wait. */
enum http_step http2_want_input(struct http2_stream *stream);
enum http_step http2_want_room(struct http2_stream *stream);
int http2_descriptor(const struct http_exchange *exchange); /* without the lock */

/* ---- http2_run.c ---- */
void http2_make_ready(struct http2_stream *stream); /* with the lock */
/* Its handler, or whoever it deferred to, is through. */
void http2_finish(struct http_exchange *exchange);

/* ---- http2_input.c, http2_output.c ---- */
/* A reply of ours, without an exchange's handler. With the lock. */
void http2_refuse(struct http2_stream *stream, int status);
enum http_step http2_tunnel_read(struct http_exchange *exchange, void *ret_data, size_t size, size_t *ret_got,
				 struct err *err);
must_check int http2_read(struct http_exchange *exchange, void *ret_data, size_t size, int timeout_ms, size_t *ret_got,
			  struct err *err);
must_check int http2_say_continue(struct http_exchange *exchange, struct err *err);
enum http_step http2_step_continue(struct http_exchange *exchange, struct err *err);
enum http_step http2_watch(struct http_exchange *exchange, struct err *err);
/*
 * With the lock. A reply without a body is whole once its head is out: that its stream is closed then is no news for
 * whoever still writes the body that nobody gets.
 */
bool http2_is_gone(const struct http2_stream *stream);

#endif
