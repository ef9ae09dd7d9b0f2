/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the relay share: connect_proxy.c (loop), connect_upstream.c (attested side), connect_session.c. */
#ifndef MSE_CLI_CONNECT_PRIV_H
#define MSE_CLI_CONNECT_PRIV_H

#include "base/clock.h"
#include "cli/connect_flow.h"
#include "cli/connect_page.h"
#include "cli/connect_proxy.h"
#include "net/http1_body.h"

struct proxy;
struct session;

enum watch_kind { WATCH_LISTENER, WATCH_ATTESTER, WATCH_WAKE, WATCH_CLIENT, WATCH_UPSTREAM };

/* A descriptor in epoll. can_*: not known to block. */
struct watch {
	int fd;
	enum watch_kind kind;
	uint32_t mask;
	bool is_added, can_read, can_write;
	bool is_hung; /* epoll tells it whatever is asked: not watched while nothing is wanted */
};

/* An attested connection: idle in the pool, or of one session. */
struct upstream {
	struct watch watch;
	struct channel *channel;
	struct tls_client *tls;
	struct session *session; /* NULL: idle */
	int64_t asked_ns;        /* clock_boot_ns: the verdict is not younger, even if the machine slept */
	int64_t until;           /* wall clock, Unix seconds */
	int64_t idle_ns;
	unsigned generation;
	bool is_used;  /* carried a request: not for raw bytes */
	bool is_ended; /* the server has closed in order */
	struct upstream *next;
};

enum state {
	STATE_HEAD,    /* a request head is awaited */
	STATE_WAITING, /* for an attested connection */
	STATE_EXCHANGE,
	STATE_TUNNEL,
	STATE_CLOSING, /* the last bytes go out, what comes is thrown away */
	STATE_DEAD,
};

enum part { PART_HEAD, PART_BODY, PART_DONE };

enum sniff { SNIFF_NONE, SNIFF_TLS /* inside CONNECT */, SNIFF_HTTP /* on a raw port */ };

struct session {
	struct watch watch; /* the client */
	struct proxy *proxy;
	struct upstream *upstream;
	enum state state;
	struct flow up, down;
	struct http1_scan up_scan, down_scan;
	enum part up_part, down_part;
	struct http1_body up_body, down_body;
	struct connect_request request; /* target is not valid behind the head */
	enum connect_page_kind page;
	enum sniff sniff;
	bool is_judged;     /* its request may be answered with words about the app */
	bool is_surplus;    /* beyond the clients allowed: 503 */
	bool client_ended;  /* nothing more comes from the client */
	bool is_shut;       /* we have told the client that nothing more comes */
	bool up_is_shut;    /* the same for the server */
	bool up_failed;     /* the server takes nothing more; an answer may still be there */
	bool up_reusable;   /* after this answer */
	bool needs_new;     /* a used connection has failed it once */
	bool is_again;      /* on the list of those that go on without an event */
	int64_t moved_ns;   /* when bytes last went anywhere */
	int64_t begun_ns;   /* when the first byte came of a head, or of a stream that is not judged yet */
	int64_t waiting_ns; /* since when it waits */
	struct session *next, *before, *next_waiting, *next_again;
};

/* ---- connect_proxy.c ---- */

const struct connect_proxy_options *proxy_options(const struct proxy *proxy);
int64_t proxy_now(const struct proxy *proxy); /* monotonic, of this round */
void proxy_watch(struct proxy *proxy, struct watch *watch, uint32_t mask);
void proxy_unwatch(struct proxy *proxy, struct watch *watch);
void proxy_bury_upstream(struct proxy *proxy, struct upstream *upstream); /* freed after the round */
void proxy_again(struct proxy *proxy, struct session *session);
bool proxy_is_draining(const struct proxy *proxy);

/* ---- connect_upstream.c: the pool of attested connections, and who waits for one ---- */

struct pool;
must_check int pool_new(struct proxy *proxy, struct pool **ret, struct err *err);
void pool_free(struct pool *pool);
struct pool *proxy_pool(const struct proxy *proxy);
int pool_fd(const struct pool *pool);

void pool_warm(struct pool *pool); /* at the beginning */

/* An idle connection now (session->upstream), or it waits: session_granted or session_refused comes. */
void pool_ask(struct pool *pool, struct session *session);
void pool_forget(struct pool *pool, struct session *session); /* it waits no more */
void pool_results(struct pool *pool);                         /* pool_fd is readable */
void pool_tick(struct pool *pool);                            /* expiry, waiting times */
/* Given back: kept if it may serve another request. */
void pool_give_back(struct pool *pool, struct upstream *upstream, bool is_reusable);
void pool_drop(struct pool *pool, struct upstream *upstream);
bool upstream_is_too_old(const struct upstream *upstream); /* even for a running stream */

/* ---- connect_session.c ---- */

struct session *session_new(struct proxy *proxy, int fd, bool is_surplus);
void session_begin(struct session *session);
void session_free(struct session *session);
void session_event(struct session *session, struct watch *watch, uint32_t events);
void session_pump(struct session *session);
void session_tick(struct session *session);
void session_granted(struct session *session, struct upstream *upstream);
void session_refused(struct session *session, int status, const char *name, const char *text,
		     const struct attest_verdict *verdict);
bool session_wants_unused(const struct session *session);
bool session_is_idle(const struct session *session);
bool session_can_go(const struct session *session);     /* nothing is lost but time when it ends for others */
void session_end(struct session *session, bool is_cut); /* is_cut: the client shall not take it for a whole answer */

/* For connect_up.c and connect_down.c: one try of everything there is to do in a direction; true if anything moved. */
bool session_turn_up(struct session *session);
bool session_turn_down(struct session *session);
const struct connect_site *session_site(const struct session *session);
bool session_wants_client(const struct session *session); /* bytes of the client may be read now */
void session_wait(struct session *session);               /* for an attested connection */
void session_drop_upstream(struct session *session);
void session_begin_tunnel(struct session *session);  /* a protocol of its own from here on */
void session_begin_closing(struct session *session); /* what is left goes out, then the end */
void session_refuse(struct session *session, int status, const char *name, const char *text);
void session_lost(struct session *session, const char *why); /* the app has gone */
bool session_judge_body(struct session *session, struct flow *flow, struct http1_body *body, enum part *part);

/* A whole head of HTTP that may pass lies at data: on a raw port only such clients are told anything. */
bool session_is_http(const struct session *session, const uint8_t *data, size_t size);

/* Finds the session of an upstream's event. */
struct upstream *upstream_of(struct watch *watch);
struct session *session_of(struct watch *watch);

#endif
