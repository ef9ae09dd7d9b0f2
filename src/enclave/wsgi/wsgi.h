/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WSGI (PEP 3333) over net/http_server.h, split by subject:
 *   wsgi.c           the protocol row, one request from call to close()
 *   wsgi_environ.c   the environ dictionary
 *   wsgi_names.c     the keys of its fields
 *   wsgi_input.c     wsgi.input: the body as a stream
 *   wsgi_file.c      wsgi.file_wrapper
 *   wsgi_response.c  start_response, write(), and how headers and pieces leave
 *
 * All functions here are called with the GIL held and give it up while they wait for the network. An exchange is valid
 * only while its handler runs: wsgi_input and the response are cut off from it (_detach) before the handler returns,
 * and then raise ValueError for an application that kept them. A short response parts from it (http_reply_part) when
 * its body is whole, and the application goes on without: with what follows the last piece, and close().
 */
#ifndef MSE_ENCLAVE_WSGI_H
#define MSE_ENCLAVE_WSGI_H

#include "enclave/python/python.h"

/* Environ: start makes the part that is equal in all requests; stop drops it. */
must_check int wsgi_environ_start(const struct python_site *site, struct err *err);
void wsgi_environ_stop(void);
/* New reference; NULL with an exception. */
PyObject *wsgi_environ_new(struct http_exchange *exchange, PyObject *input);

must_check int wsgi_names_start(struct err *err);
void wsgi_names_stop(void);
/* "HTTP_X_REAL_IP" for "X-Real-Ip". New reference; NULL with an exception. */
PyObject *wsgi_name_key(const char *name);

must_check int wsgi_input_start(struct err *err);
/* New reference; NULL with an exception. */
PyObject *wsgi_input_new(struct http_exchange *exchange);
/* true if reading has failed, and the exception that is set may well come from that. */
bool wsgi_input_explains(PyObject *input);
/* Ends its use of the exchange. The status that fits why reading the body failed; 0 if it did not. */
int wsgi_input_detach(PyObject *input);
/* The exchange has gone, and of its body nothing was left: for the application it goes on being at its end. */
void wsgi_input_part(PyObject *input);

/* A regular file behind what the application returned: size bytes from offset. fd is the caller's to close. */
struct wsgi_file {
	int fd;
	int64_t offset;
	int64_t size;
};

must_check int wsgi_file_start(struct err *err);
/* wsgi.file_wrapper; borrowed. */
PyObject *wsgi_file_type(void);
/* true if result is a wsgi.file_wrapper around such a file. */
bool wsgi_file_find(PyObject *result, struct wsgi_file *ret);

must_check int wsgi_response_start(struct err *err);
/* New reference; NULL with an exception. The object itself is start_response. input: borrowed, until _detach. */
PyObject *wsgi_response_new(struct http_exchange *exchange, PyObject *input);
void wsgi_response_detach(PyObject *response);

/* How a response ends. */
enum wsgi_result {
	WSGI_DONE,   /* everything is out */
	WSGI_GONE,   /* the client went away: nothing to report */
	WSGI_RAISED, /* an exception is set */
};

/* Sends what the application returned. Does not close it. */
enum wsgi_result wsgi_response_send(PyObject *response, PyObject *result);
/* true if the exchange is gone, and the handler is to return HTTP_PARTED. */
bool wsgi_response_is_parted(PyObject *response);
/* As python_report_request, for one that has parted. */
void wsgi_response_report(PyObject *response);
/* true once status and headers went out. */
bool wsgi_response_is_sent(PyObject *response);
/* true if write() found the client gone. */
bool wsgi_response_is_gone(PyObject *response);

#endif
