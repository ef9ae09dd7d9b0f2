/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A WebSocket of an application ("websocket" of the ASGI specification), split by subject:
 *   asgi_websocket.c        its life: accepted, asked whether it is there, closed by either side, lost
 *   asgi_websocket_input.c  what the client sends, read as it comes and kept until receive()
 *   asgi_websocket_send.c   the two callables
 *
 * It is a request (asgi.h) with a tunnel behind it once it is accepted. The tunnel is read while there is room for
 * messages, so that pings are answered and a close is seen whatever the application does; an application that does not
 * receive holds its client back. A pong is owed for the last ping only, so nothing piles up behind a client that does
 * not read. After a close the tunnel goes on by itself until the client has answered, or its time is over.
 */
#ifndef MSE_ENCLAVE_ASGI_WEBSOCKET_H
#define MSE_ENCLAVE_ASGI_WEBSOCKET_H

#include "enclave/asgi/asgi.h"
#include "net/websocket.h"

#define ASGI_WEBSOCKET_TURN_BYTES (256u << 10) /* read of one client, before others have their turn */
#define ASGI_WEBSOCKET_JOIN_MAX (16u << 10)    /* messages up to this are copied behind their frame's head */

enum asgi_websocket_phase {
	ASGI_WEBSOCKET_CONNECTING, /* or refused, with a response */
	ASGI_WEBSOCKET_OPEN,
	ASGI_WEBSOCKET_CLOSING, /* our close is sent, the client's is not here */
	ASGI_WEBSOCKET_CLOSED,
};

struct asgi_websocket {
	enum asgi_websocket_phase phase;
	struct websocket *frames;
	bool is_connect_given; /* websocket.connect */
	bool is_closed_by_app; /* it must not send any more */
	bool is_stopping;      /* of the server */
	bool is_watched;       /* the loop watches for input */
	bool is_input_over;
	bool wakes_on_input; /* somebody who writes waits for input, as TLS may want */
	bool is_reading;     /* within frames: they must stay */
	bool owes_pong;
	bool owes_ping;
	bool owes_flush;  /* something is not written; perhaps nobody waits for it */
	bool awaits_room; /* the same, and the client must take something first */
	bool is_asked;    /* a ping is out, unanswered */
	size_t turn_left;
	PyObject *queue; /* list of messages for receive() */
	size_t queue_bytes;
	Py_ssize_t queue_messages_max;
	size_t queue_bytes_max;
	PyObject *on_input; /* bound method */
	PyObject *timer;
	int64_t heard_ns;    /* when something came last */
	int64_t deadline_ns; /* for a pong, or the client's close */
	unsigned code;       /* of websocket.disconnect */
	PyObject *reason;    /* str, or NULL */
	size_t close_size;   /* of a close that waits for the end of a message; 0: none */
	uint8_t close[WEBSOCKET_CONTROL_SIZE_MAX + 2];
	bool is_answered; /* that close answers the client's: nothing comes after it */
	size_t pong_size;
	uint8_t pong[WEBSOCKET_CONTROL_SIZE_MAX];
};

/* ---- asgi_websocket.c ---- */

must_check int asgi_websocket_new(struct asgi_request *request, struct asgi_websocket **ret);
void asgi_websocket_free(struct asgi_websocket *websocket);
/* What nobody will receive. */
void asgi_websocket_drop_queue(struct asgi_websocket *websocket);
/* Of a closed one, unless they are being read. */
void asgi_websocket_drop_frames(struct asgi_websocket *websocket);
/* It was accepted, and its tunnel is there. */
bool asgi_websocket_is_open(const struct asgi_websocket *websocket);
/* protocol may be NULL; headers is from asgi_fields_copy. As websocket_accept. */
enum http_step asgi_websocket_open(struct asgi_request *request, const char *protocol, PyObject *headers,
				   struct err *err);
/* Sends a close, once, and wakes who waits. */
enum http_step asgi_websocket_close(struct asgi_request *request, unsigned code, const char *reason, size_t size);
/* Something was written: what had to wait for the end of a message goes out. */
void asgi_websocket_written(struct asgi_request *request);
/* A frame of our own was written, with that result: what the client has not taken will be flushed when it can be. */
void asgi_websocket_note_write(struct asgi_request *request, enum http_step step);
/* The client takes more, or may. */
void asgi_websocket_flush(struct asgi_request *request);
/* The client's close is here: answers it and gives the tunnel back. */
void asgi_websocket_answer_close(struct asgi_request *request, const struct websocket_message *message);
/* What came is not to be borne: closes with its code and gives the tunnel back. */
void asgi_websocket_fail(struct asgi_request *request, const struct websocket_message *message);
/* No close came, none will. */
void asgi_websocket_lose(struct asgi_request *request);
void asgi_websocket_end_tunnel(struct asgi_request *request);
/* The application has ended, the tunnel has not. */
void asgi_websocket_end(struct asgi_request *request, bool has_raised);
/* The server stops. */
void asgi_websocket_stop(struct asgi_request *request);
/* The exchange is given back now: nothing watches it any more. */
void asgi_websocket_detach(struct asgi_websocket *websocket, struct http_exchange *exchange);

/* ---- asgi_websocket_input.c ---- */

/* For websocket_new; arg is the request. */
size_t asgi_websocket_read(void *arg, uint8_t *ret_data, size_t size);
/* Reads what is here, and from now on what comes, while there is room. */
must_check int asgi_websocket_start_input(struct asgi_request *request);
/* Room was made: reading goes on if it had stopped. */
void asgi_websocket_resume_input(struct asgi_request *request);
/* The pong that is owed, unless a message is on its way. */
void asgi_websocket_send_pong(struct asgi_request *request);
void asgi_websocket_unwatch(struct asgi_websocket *websocket, int fd);

/* ---- asgi_websocket_send.c ---- */

enum asgi_step asgi_websocket_receive(PyObject *request, PyObject **message, PyObject **ret);
enum asgi_step asgi_websocket_send(PyObject *request, PyObject **message, PyObject **ret);

#endif
