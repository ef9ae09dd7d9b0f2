/* SPDX-License-Identifier: Apache-2.0 */
/* What a server makes of its options: defaults for what is zero, and the most there may be. Before its threads begin.
 */
#ifndef MSE_NET_HTTP_OPTIONS_H
#define MSE_NET_HTTP_OPTIONS_H

#include "net/http_priv.h"

/* Listeners are not looked at. */
void http_options_take(struct http_server *server, const struct http_server_options *options);

#endif
