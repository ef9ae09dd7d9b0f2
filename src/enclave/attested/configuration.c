/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration server (E3): any GET is told that the enclave waits; POST / carries the owner's keys and secrets.
 * Whatever is wrong with it: 401, nothing kept, still waiting. The reason goes to the operator's log only. Where no
 * owner is named and too many bodies are being read: 503.
 */
#include <string.h>

#include "base/clock.h"
#include "base/number.h"
#include "enclave/attested/enclave.h"
#include "enclave/process/operator_log.h"

#define WAITING_TEXT "Waiting for code secret key and/or ssl private key...\n"
#define FIRST_READ_SIZE (64u << 10) /* of a body whose size is not known */
/*
 * Where the release names no owner, anybody's body is read. One that is not here yet may hold a thread for long: so
 * many may, for so long, and the other threads stay free for handshakes, attestation and short bodies.
 */
#define SLOW_BODIES_MAX 2

/* Makes room for a body: known size at once, else doubling; the old copy is wiped by secret_done. */
static int grow(struct secret *body, size_t used, struct err *err)
{
	scoped(secret_done) struct secret larger = SECRET_INIT;
	struct secret old = *body;

	if (secret_new(&larger, size_min(2 * body->size, PROVISION_BODY_MAX + 1), err) < 0)
		return -1;
	memcpy(larger.data, body->data, used);
	*body = larger;
	larger = old;
	return 0;
}

/* Reads the body straight into secret memory. limit_ms: that it may take to come; 0: as long as the engine allows. */
static int read_body(struct http_exchange *exchange, unsigned limit_ms, struct secret *ret, size_t *ret_size,
		     struct err *err)
{
	const int64_t declared = http_body_size(exchange);
	const int64_t until_ns = clock_monotonic_ns() + limit_ms * NS_PER_MS;
	scoped(secret_done) struct secret body = SECRET_INIT;
	size_t used = 0;
	size_t got;

	if (declared > (int64_t)PROVISION_BODY_MAX)
		return err_set(err, ERR_LIMIT, "the request has more than %u bytes", PROVISION_BODY_MAX);
	http_set_body_max(exchange, PROVISION_BODY_MAX);
	if (secret_new(&body, declared < 0 ? FIRST_READ_SIZE : (size_t)declared + 1, err) < 0)
		return -1;
	for (;;) {
		if (used == body.size && grow(&body, used, err) < 0)
			return -1;
		if (http_read_body(exchange, body.data + used, body.size - used, &got, err) < 0)
			return -1;
		if (got == 0)
			break;
		used += got;
		if (limit_ms != 0 && clock_monotonic_ns() > until_ns)
			return err_set(err, ERR_TIMEOUT, "the request took more than %u ms to come", limit_ms);
	}
	*ret = body;
	body = SECRET_INIT;
	*ret_size = used;
	return 0;
}

static int provision(struct http_exchange *exchange, struct enclave *enclave, bool is_slow, struct err *err)
{
	scoped(secret_done) struct secret body = SECRET_INIT;
	struct provision_request request = {.ticket = http_header(exchange, PROVISION_TICKET_HEADER)};

	if (!http_is_tls(exchange))
		return err_set(err, ERR_DENIED, "it came without TLS: whatever secrets it held are known to the host");
	/* A stranger's 16 MiB are not even read. */
	if (enclave_provision_begin(enclave, request.ticket, err) < 0)
		return -1;
	if (read_body(exchange, is_slow ? enclave->slow_body_ms : 0, &body, &request.body_size, err) < 0)
		return -1;
	request.body = body.data;
	return enclave_provision(enclave, &request, err);
}

static void answer_post(struct http_exchange *exchange, struct enclave *enclave, bool is_slow)
{
	struct err err = ERR_INIT;

	if (provision(exchange, enclave, is_slow, &err) < 0) {
		operator_log("provisioning refused: %s", err.text);
		enclave_reply(exchange, 401, NULL, "");
		return;
	}
	operator_log("provisioned");
	enclave_reply(exchange, 200, NULL, "");
	enclave->on_accepted(enclave->on_accepted_arg);
}

static void serve_post(struct http_exchange *exchange, struct enclave *enclave)
{
	/* An owner who is named has to show his ticket before his body is read: that may take its time. */
	const bool is_slow = !enclave->settings.has_owner_key && !http_is_body_here(exchange);

	if (is_slow && atomic_fetch_add(&enclave->slow_bodies, 1) >= SLOW_BODIES_MAX) {
		operator_log("provisioning refused: %d other requests are being read", SLOW_BODIES_MAX);
		enclave_reply(exchange, 503, NULL, "");
	} else {
		answer_post(exchange, enclave, is_slow);
	}
	if (is_slow)
		(void)atomic_fetch_sub(&enclave->slow_bodies, 1);
}

static void tell_state(struct http_exchange *exchange, struct enclave *enclave)
{
	if (life_state(&enclave->life) == LIFE_ENDED)
		enclave_reply(exchange, 503, "Stopping", "the time for the owner is over\n");
	else
		enclave_reply(exchange, 200, "Waiting", WAITING_TEXT);
}

enum http_result configuration_serve(struct http_exchange *exchange, struct enclave *enclave)
{
	const char *method = http_method(exchange);
	const struct http_header allow = {"Allow", "GET, HEAD, POST"};
	struct err err = ERR_INIT;

	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		tell_state(exchange, enclave);
	else if (strcmp(method, "POST") != 0)
		IGNORE_RESULT(http_reply(exchange, 405, &allow, 1, "", 0, &err));
	else if (strcmp(http_path(exchange), "/") != 0)
		enclave_reply(exchange, 404, NULL, "not found\n");
	else
		serve_post(exchange, enclave);
	return HTTP_HANDLED;
}
