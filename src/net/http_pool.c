/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_pool.h"

#include <sys/epoll.h>

#include "base/clock.h"
#include "net/http_watch.h"

#define DRIVE_MS 1 /* then the driver has its own things to do */

/* Work that waits for a thread goes before the wait, as an event of its own, but for each eighth time. */
static int wait_events(struct http_server *server, struct epoll_event *ret, int most, int timeout_ms)
{
	int count;

	if (!http_work_begin_wait(&server->work)) {
		if (http_work_is_events_turn(&server->work) && (count = epoll_wait(server->epoll_fd, ret, most, 0)) > 0)
			return count;
		*ret = (struct epoll_event){.data.u64 = HTTP_WORK_KEY};
		return 1;
	}
	count = epoll_wait(server->epoll_fd, ret, most, timeout_ms);
	http_work_end_wait(&server->work);
	return count;
}

/* One event a time: what else is ready is for the other threads while this one is in a handler. false at the end. */
static bool wait_event(struct http_server *server, struct epoll_event *ret)
{
	while (wait_events(server, ret, 1, -1) < 1) {
	}
	return ret->data.u64 != HTTP_STOP_KEY;
}

/* The leader's: several at once. Whoever leads next goes on with what is left of them. false: there is nothing. */
static bool find_events(struct http_server *server, int timeout_ms)
{
	struct http_batch *batch = &server->batch;

	if (batch->next < batch->count)
		return true;
	batch->next = 0;
	batch->count = wait_events(server, batch->events, HTTP_BATCH, timeout_ms);
	return batch->count > 0;
}

static struct epoll_event next_event(struct http_server *server)
{
	return server->batch.events[server->batch.next++];
}

static void run_work(struct http_server *server)
{
	const bool is_calls_turn = http_work_is_calls_turn(&server->work);
	struct http_exchange *exchange = is_calls_turn ? NULL : http_work_take(server);
	struct http_conn *conn = exchange ? NULL : http_watch_take_due(server);

	if (!exchange && !conn)
		exchange = http_work_take(server);
	http_work_pass_on(&server->work);
	if (conn)
		http_conn_run(conn);
	else if (exchange)
		http2_run(exchange);
}

static void handle(struct http_server *server, const struct epoll_event *event)
{
	struct http_conn *conn;

	if (event->data.u64 == HTTP_WORK_KEY) {
		http_work_heard(&server->work);
		run_work(server);
		return;
	}
	conn = http_watch_claim(server, event);
	if (conn)
		http_conn_run(conn);
}

/* To the driver, if there is one that keeps coming back. */
static bool pass_lead(struct http_server *server)
{
	if (!http_lead_pass(&server->lead))
		return false;
	server->ring(server->ring_arg);
	return true;
}

/* What is held by now is to be sent: nothing else is there to be done, or it would be late. */
static bool is_turn_over(const struct http_server *server)
{
	return server->batch.next >= server->batch.count || http_hold_is_late(server);
}

/* false if it does not lead any more. */
static bool lead_event(struct http_server *server, const struct epoll_event *event)
{
	const bool is_alone = server->batch.count == 1;
	const int64_t began_ns = http_lead_begin(&server->lead);

	if (began_ns != 0 && !is_alone)
		http_hold_begin(server, began_ns);
	handle(server, event);
	http_hold_end(server);
	return http_lead_end(&server->lead, began_ns);
}

void *http_pool_run_led(void *arg)
{
	struct http_server *server = arg;
	bool leads = false;

	for (;;) {
		struct epoll_event event;
		const bool is_new = !leads;

		if (is_new)
			http_lead_take(&server->lead);
		/* Of one that was deposed, too. */
		if (is_new || is_turn_over(server))
			http_hold_send(server);
		leads = true;
		if (!find_events(server, -1))
			continue;
		leads = !pass_lead(server);
		if (!leads)
			continue;
		event = next_event(server);
		if (event.data.u64 == HTTP_STOP_KEY)
			break;
		leads = lead_event(server, &event);
	}
	http_hold_send(server);
	http_lead_give(&server->lead);
	return NULL;
}

void *http_pool_run(void *arg)
{
	struct http_server *server = arg;
	struct epoll_event event;

	while (wait_event(server, &event))
		handle(server, &event);
	return NULL;
}

/* ---- the driver ---- */

/* All that is held, and nothing more is. */
static void send_held(struct http_server *server)
{
	http_hold_end(server);
	http_hold_send(server);
}

void http_server_set_driver(struct http_server *server, void (*ring)(void *arg), void *arg)
{
	/* Not while the lead may be passed. */
	http_lead_set_driver(&server->lead, false);
	send_held(server);
	if (!ring)
		return;
	server->ring = ring;
	server->ring_arg = arg;
	http_lead_set_driver(&server->lead, true);
}

/* Holding the lead. false: there is nothing for a driver. */
static bool find_events_now(struct http_server *server)
{
	return find_events(server, 0) && server->batch.events[server->batch.next].data.u64 != HTTP_STOP_KEY;
}

/* After HTTP_LEAD_MS in a handler the lead is another's. */
static enum http_drive be_deposed(struct http_server *server)
{
	IGNORE_RESULT(http_lead_hold(&server->lead));
	send_held(server);
	return HTTP_DRIVE_LOST;
}

/* Lets go of the lead while the driver does something else. */
static int64_t loosen(struct http_server *server)
{
	const int64_t began_ns = http_lead_loosen(&server->lead);

	http_hold_begin(server, began_ns);
	return began_ns;
}

enum http_drive http_server_drive(struct http_server *server)
{
	const int64_t until_ns = clock_monotonic_ns() + DRIVE_MS * NS_PER_MS;
	enum http_drive result = HTTP_DRIVE_NOTHING;
	struct http_lead *lead = &server->lead;
	int64_t began_ns = 0;

	if (!http_lead_hold(lead)) {
		send_held(server);
		return HTTP_DRIVE_LOST;
	}
	while (began_ns < until_ns && find_events_now(server)) {
		const struct epoll_event event = next_event(server);

		began_ns = loosen(server);
		handle(server, &event);
		if (!http_lead_end(lead, began_ns))
			return be_deposed(server);
		result = HTTP_DRIVE_SOME;
	}
	(void)loosen(server);
	http_hold_send(server);
	return result;
}

void http_server_rest(struct http_server *server)
{
	send_held(server);
	http_lead_give_driven(&server->lead);
}
