/* SPDX-License-Identifier: Apache-2.0 */
/* What may pass a port of `mse connect` that takes bytes of any protocol. Pure. docs/connect.md, Raw TCP. */
#ifndef MSE_CLI_CONNECT_RAW_H
#define MSE_CLI_CONNECT_RAW_H

#include "cli/connect_rules.h"

/* What clients of a raw port speak, as their user has named it (--speaks). */
enum connect_speech {
	CONNECT_SPEAKS_UNNAMED, /* nothing that a browser could have been made to send */
	CONNECT_SPEAKS_HTTP,    /* requests whose Host is ours and that no page has made */
	CONNECT_SPEAKS_TLS,
	CONNECT_SPEAKS_TEXT, /* lines that begin with a word (SMTP, Redis), but no HTTP */
	CONNECT_SPEAKS_ANY,
	CONNECT_SPEECH_COUNT,
};
must_check int connect_speech_parse(const char *text, enum connect_speech *ret, struct err *err);

/*
 * First bytes on a port of the loopback that passes raw TCP. A page can make a browser send three things there: HTTP,
 * which begins with a method (any token, however long) and a blank; TLS, which begins with a record of its handshake;
 * and STUN (WebRTC), which has a magic cookie behind type and length. None passes unless it was named, STUN with ANY
 * only. A unix socket (site without names) takes everything.
 *
 * MORE: cannot be told yet. HTTP: of CONNECT_SPEAKS_HTTP only; connect_raw_judge decides once the head is whole.
 * REFUSE: *ret_refusal says why.
 */
#define CONNECT_SNIFF_MAX 8192 /* of a method; of the first line of a text */
enum connect_sniff { CONNECT_SNIFF_MORE, CONNECT_SNIFF_HTTP, CONNECT_SNIFF_PASS, CONNECT_SNIFF_REFUSE };
enum connect_sniff connect_sniff(const struct connect_site *site, enum connect_speech speech, const uint8_t *data,
				 size_t size, struct connect_refusal *ret_refusal);
/* As connect_request_judge, and nothing that a browser sends at all. */
must_check int connect_raw_judge(const struct connect_site *site, const struct http1_head *head,
				 struct connect_refusal *ret_refusal);

#endif
