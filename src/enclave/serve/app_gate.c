/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/serve/app_gate.h"

void app_gate_init(struct app_gate *gate, unsigned limit, unsigned queue_max, void (*resume)(void *item, void *tag))
{
	(void)pthread_mutex_init(&gate->lock, NULL);
	gate->limit = limit;
	gate->queue_max = queue_max < APP_GATE_QUEUE_MAX ? queue_max : APP_GATE_QUEUE_MAX;
	gate->running = 0;
	gate->is_closed = false;
	gate->head = 0;
	gate->count = 0;
	gate->resume = resume;
}

void app_gate_done(struct app_gate *gate)
{
	(void)pthread_mutex_destroy(&gate->lock);
}

enum app_gate_result app_gate_enter(struct app_gate *gate, void *item, void *tag)
{
	enum app_gate_result result = APP_GATE_FULL;

	(void)pthread_mutex_lock(&gate->lock);
	if (!gate->is_closed && gate->running < gate->limit) {
		gate->running++;
		result = APP_GATE_RUN;
	} else if (!gate->is_closed && gate->count < gate->queue_max) {
		gate->queue[(gate->head + gate->count) % APP_GATE_QUEUE_MAX] = (struct app_gate_waiting){item, tag};
		gate->count++;
		result = APP_GATE_WAIT;
	}
	(void)pthread_mutex_unlock(&gate->lock);
	return result;
}

/* Takes the one that waited longest; false if nobody waits. Under lock. */
static bool take_first(struct app_gate *gate, struct app_gate_waiting *ret)
{
	if (gate->count == 0)
		return false;
	*ret = gate->queue[gate->head];
	gate->head = (gate->head + 1) % APP_GATE_QUEUE_MAX;
	gate->count--;
	return true;
}

void app_gate_leave(struct app_gate *gate)
{
	struct app_gate_waiting next;
	bool is_found;

	(void)pthread_mutex_lock(&gate->lock);
	is_found = take_first(gate, &next);
	/* The place passes on; running does not change. */
	if (!is_found)
		gate->running--;
	(void)pthread_mutex_unlock(&gate->lock);
	if (is_found)
		gate->resume(next.item, next.tag);
}

unsigned app_gate_running(struct app_gate *gate)
{
	unsigned running;

	(void)pthread_mutex_lock(&gate->lock);
	running = gate->running;
	(void)pthread_mutex_unlock(&gate->lock);
	return running;
}

void app_gate_close(struct app_gate *gate, void (*refuse)(void *item, void *tag))
{
	struct app_gate_waiting next;
	bool is_found;

	do {
		(void)pthread_mutex_lock(&gate->lock);
		gate->is_closed = true;
		is_found = take_first(gate, &next);
		(void)pthread_mutex_unlock(&gate->lock);
		if (is_found)
			refuse(next.item, next.tag);
	} while (is_found);
}
