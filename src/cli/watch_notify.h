/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling others of an alarm or a recovery: a program of the user's (no shell; what a host said reaches it only by its
 * environment and standard input) and a webhook. One struct serves one host, and so one thread.
 */
#ifndef MSE_CLI_WATCH_NOTIFY_H
#define MSE_CLI_WATCH_NOTIFY_H

#include <sys/types.h>

#include "cli/watch_state.h"
#include "net/curl_client.h"

#define WATCH_PROGRAM_MS 60000 /* a program that takes longer is ended */
#define WATCH_WEBHOOK_MS 10000

struct watch_notify {
	const char *program; /* NULL: none */
	const char *webhook; /* NULL: none */
	bool (*keep_going)(void *arg);
	void *arg;
	struct curl_client *client;
	char *pending; /* what the webhook did not take: tried again at the next call */
};

void watch_notify_done(struct watch_notify *notify);

/* Environment of the program: MSE_WATCH_HOST, _EVENT, _VERDICT, _ERROR, _MESSAGE, _TIME. */
struct watch_message {
	const char *host;
	enum watch_event event;
	const struct watch_look *look;
	const char *json; /* one line; standard input and body */
};

/* Starts the program, if there is one; *ret_pid is 0 without one. */
must_check int watch_notify_program(const struct watch_notify *notify, const struct watch_message *message,
				    pid_t *ret_pid, struct err *err);
/* Waits for its end, or ends it. ERR_TIMEOUT, ERR_IO: it failed. */
must_check int watch_notify_wait(const struct watch_notify *notify, pid_t pid, struct err *err);

/* json: a new event, which takes the place of one that is pending; NULL: only what is pending. */
must_check int watch_notify_webhook(struct watch_notify *notify, const char *json, struct err *err);

#endif
