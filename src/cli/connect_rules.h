/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which requests `mse connect` takes (attested-channel.md section 8), and how heads are written anew for the other
 * side. Pure.
 *
 * A loopback port is open to every web page that the user's browser shows, and to names that an attacker's DNS turns
 * into 127.0.0.1: so the Host must be exactly ours (else 421), and a browser must say that the request comes from our
 * own pages or from the address bar (else 403); pages of the app's domain itself count only where we are their proxy.
 * No page can make a browser send CONNECT or a whole URL as the target unless its user has set us as the proxy: these
 * name the app's domain instead of ours.
 */
#ifndef MSE_CLI_CONNECT_RULES_H
#define MSE_CLI_CONNECT_RULES_H

#include "base/buf.h"
#include "format/uri.h"
#include "net/http1_head.h"

#define CONNECT_NAMES_MAX 4
#define CONNECT_NAME_SIZE (URI_HOST_MAX + 16) /* "HOST:PORT" */

/* Whom we serve, and under which names. */
struct connect_site {
	struct hostport app;                              /* DOMAIN:PORT of the app */
	char names[CONNECT_NAMES_MAX][CONNECT_NAME_SIZE]; /* exact Hosts, lower case: "127.0.0.1:8080" */
	size_t name_count;                                /* 0: a unix socket, which no page reaches: any Host */
};

#define CONNECT_UPGRADE_SIZE 64 /* a longer name is not passed on */

enum connect_form {
	CONNECT_FORM_ORIGIN,   /* GET /path: we are the server */
	CONNECT_FORM_ABSOLUTE, /* GET http://DOMAIN/path: we are the proxy */
	CONNECT_FORM_TUNNEL,   /* CONNECT DOMAIN:PORT */
};

struct connect_request {
	enum connect_form form;
	const char *target; /* as sent to the app; within the head. NULL for a tunnel */
	bool is_upgrade;    /* asks for another protocol (WebSocket), and for one only: */
	char upgrade[CONNECT_UPGRADE_SIZE];
	bool is_head;        /* HEAD: no body comes back */
	bool is_repeatable;  /* safe to send again (RFC 9110 9.2.2), no body */
	bool has_answer_1_0; /* HTTP/1.0 */
	bool keep_alive;
};

struct connect_refusal {
	int status; /* HTTP */
	const char *name, *why;
};

/* Whether an answer 101 is to the protocol that was asked for. */
bool connect_upgrade_fits(const struct connect_request *request, const struct http1_head *answer);

/* 0: taken. -1: *ret_refusal says why not; constant texts. */
must_check int connect_request_judge(const struct connect_site *site, const struct http1_head *head,
				     struct connect_request *ret, struct connect_refusal *ret_refusal);

/* The head as the app gets it: its own Host, nothing that is between client and us only, own origin mapped. */
must_check int connect_request_format(const struct connect_site *site, const struct http1_head *head,
				      const struct connect_request *request, struct buf *ret, struct err *err);

/* The app's answer as the client gets it: no Alt-Svc, redirects to the app's own origin stay with us. */
must_check int connect_response_format(const struct connect_site *site, const struct http1_head *head,
				       const struct connect_request *request, struct buf *ret, struct err *err);

#endif
