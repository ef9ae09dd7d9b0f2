/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/connect_flow.h"

#include <stdlib.h>
#include <string.h>

void flow_done(struct flow *flow)
{
	buf_done(&flow->head);
	free(flow->data);
	*flow = FLOW_INIT;
}

void flow_rest(struct flow *flow)
{
	if (flow->start < flow->end)
		return;
	free(flow->data);
	flow->data = NULL;
	flow->start = flow->ready = flow->end = 0;
}

static void move_to_front(struct flow *flow)
{
	if (flow->start == 0)
		return;
	memmove(flow->data, flow->data + flow->start, flow->end - flow->start);
	flow->ready -= flow->start;
	flow->end -= flow->start;
	flow->start = 0;
}

int flow_room(struct flow *flow, uint8_t **ret_room, size_t *ret_size, struct err *err)
{
	if (!flow->data) {
		flow->data = malloc(FLOW_SIZE);
		flow->start = flow->ready = flow->end = 0;
	}
	if (!flow->data)
		return err_no_memory(err);
	if (flow->start == flow->end || FLOW_SIZE - flow->end < FLOW_SIZE / 4)
		move_to_front(flow);
	*ret_size = FLOW_SIZE - flow->end;
	*ret_room = *ret_size > 0 ? flow->data + flow->end : NULL;
	return 0;
}

void flow_added(struct flow *flow, size_t size)
{
	flow->end += size;
}

uint8_t *flow_unjudged(const struct flow *flow, size_t *ret_size)
{
	*ret_size = flow->end - flow->ready;
	return flow->data ? flow->data + flow->ready : NULL;
}

void flow_pass(struct flow *flow, size_t size)
{
	flow->ready += size;
}

void flow_drop(struct flow *flow, size_t size)
{
	flow->ready += size;
	flow->start = flow->ready;
}

const uint8_t *flow_out(const struct flow *flow, size_t *ret_size)
{
	if (flow->head_at < flow->head.size) {
		*ret_size = flow->head.size - flow->head_at;
		return flow->head.data + flow->head_at;
	}
	*ret_size = flow->ready - flow->start;
	return *ret_size > 0 ? flow->data + flow->start : NULL;
}

void flow_sent(struct flow *flow, size_t size)
{
	if (flow->head_at < flow->head.size)
		flow->head_at += size;
	else
		flow->start += size;
}

bool flow_is_empty(const struct flow *flow)
{
	return flow->head_at == flow->head.size && flow->start == flow->ready;
}

bool flow_is_drained(const struct flow *flow)
{
	return flow_is_empty(flow) && flow->ready == flow->end;
}

void flow_rewind(struct flow *flow)
{
	flow->head_at = 0;
}

void flow_clear_out(struct flow *flow)
{
	buf_done(&flow->head);
	flow->head = BUF_INIT(FLOW_HEAD_MAX);
	flow->head_at = 0;
	flow->start = flow->ready;
}
