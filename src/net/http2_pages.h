/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for the frame that a session of HTTP/2 sends, outside of the heap: between two requests its pages go back to
 * the system, and its place stays. In the heap it would also part the holes that buffers of TLS leave, which come and
 * go. Any thread. Private to net/http2_*.c.
 */
#ifndef MSE_NET_HTTP2_PAGES_H
#define MSE_NET_HTTP2_PAGES_H

#include <stddef.h>

#define HTTP2_PAGES_SIZE (20u << 10) /* of one piece: a frame of 16 KiB and its head */

struct http2_slab;

/* Zeros. The slab is for the other two; NULL: there is no memory. */
void *http2_pages_take(struct http2_slab **ret_slab);
/* What was in it is gone. */
void http2_pages_rest(void *pages);
void http2_pages_give(struct http2_slab *slab, void *pages);

#endif
