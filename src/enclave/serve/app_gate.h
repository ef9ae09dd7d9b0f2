/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets at most MSE_THREADS requests into the application at a time. Others wait in order without a thread, so that slow
 * requests keep nobody from a handshake, an attestation or a probe: for those the server has threads of its own.
 * Thread-safe.
 */
#ifndef MSE_ENCLAVE_APP_GATE_H
#define MSE_ENCLAVE_APP_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define APP_GATE_QUEUE_MAX 8192

enum app_gate_result {
	APP_GATE_RUN,  /* in: app_gate_leave afterwards */
	APP_GATE_WAIT, /* resume(item) is called once, then the item is in; or refuse(item) at the end */
	APP_GATE_FULL, /* the queue is full, or closed */
};

struct app_gate_waiting {
	void *item;
	void *tag;
};

struct app_gate {
	pthread_mutex_t lock; /* guards all below */
	unsigned limit;
	unsigned running;
	bool is_closed;
	size_t head; /* the queue is a ring */
	size_t count;
	unsigned queue_max; /* of those that wait, at most APP_GATE_QUEUE_MAX */
	struct app_gate_waiting queue[APP_GATE_QUEUE_MAX];
	void (*resume)(void *item, void *tag); /* called without the lock */
};

void app_gate_init(struct app_gate *gate, unsigned limit, unsigned queue_max, void (*resume)(void *item, void *tag));
void app_gate_done(struct app_gate *gate);

/* item and tag are handed to resume, if it has to wait. */
enum app_gate_result app_gate_enter(struct app_gate *gate, void *item, void *tag);

/* One that was in is out: the next one is resumed in its place. */
void app_gate_leave(struct app_gate *gate);

/* How many are in. */
unsigned app_gate_running(struct app_gate *gate);

/* Nobody is let in any more; refuse is called for each that waits. */
void app_gate_close(struct app_gate *gate, void (*refuse)(void *item, void *tag));

#endif
