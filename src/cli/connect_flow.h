/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One direction of a relayed connection: a head that was written anew, then bytes passed on as they came. Bounded:
 * who fills it stops when there is no room. Holds no memory while it is empty and flow_rest was called.
 *
 *   head   what goes out first; kept until flow_clear_out, so that it can be sent again (flow_rewind)
 *   data   [start, ready) may go out, [ready, end) was read and is not judged yet
 */
#ifndef MSE_CLI_CONNECT_FLOW_H
#define MSE_CLI_CONNECT_FLOW_H

#include <stdbool.h>

#include "base/buf.h"
#include "net/http.h"

#define FLOW_SIZE (HTTP_HEADER_BYTES_MAX + (16u << 10)) /* more than the longest head */
#define FLOW_HEAD_MAX (4u * HTTP_HEADER_BYTES_MAX)

struct flow {
	struct buf head;
	size_t head_at; /* of head, gone out */
	uint8_t *data;
	size_t start, ready, end;
};

#define FLOW_INIT ((struct flow){.head = BUF_INIT(FLOW_HEAD_MAX)})
void flow_done(struct flow *flow);
void flow_rest(struct flow *flow); /* gives memory back if there is nothing in it */

/* Where to read into and how much; NULL with 0 when it is full. -1: out of memory. */
must_check int flow_room(struct flow *flow, uint8_t **ret_room, size_t *ret_size, struct err *err);
void flow_added(struct flow *flow, size_t size);

/* What was read and not judged. */
uint8_t *flow_unjudged(const struct flow *flow, size_t *ret_size);
void flow_pass(struct flow *flow, size_t size); /* the next size bytes of it may go out */
void flow_drop(struct flow *flow, size_t size); /* they are taken out; nothing may wait before them */

/* What goes out next; 0: nothing. */
const uint8_t *flow_out(const struct flow *flow, size_t *ret_size);
void flow_sent(struct flow *flow, size_t size);
bool flow_is_empty(const struct flow *flow);   /* nothing waits to go out */
bool flow_is_drained(const struct flow *flow); /* nor to be judged */

void flow_rewind(struct flow *flow);    /* the head goes out once more */
void flow_clear_out(struct flow *flow); /* drops the head and what waits to go out; what is not judged stays */

#endif
