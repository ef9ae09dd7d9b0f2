/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fresh attestation, the server's side for one connection (attested-channel.md section 4):
 * READY ─ POST ─▶ QUEUED ─ answer ─▶ READY. A second POST while QUEUED, or more than CONNECTION_RATE_MAX in a minute:
 * 429.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "enclave/attested/connection.h"
#include "enclave/attested/enclave.h"
#include "enclave/process/operator_log.h"
#include "format/attest_message.h"

/* A leaf that waits, with what its answer will hold. */
struct waiting {
	struct http_exchange *exchange;
	struct enclave *enclave;
	struct connection *connection;
	struct life_role role;
};

static void complete(struct http_exchange *exchange, int status, const char *type, const void *body, size_t size)
{
	const struct http_header headers[] = {
	    {"Content-Type", type},
	    {"Cache-Control", "no-store"},
	    {"Retry-After", "1"},
	};
	const size_t count = COUNT_OF(headers) - (status == 503 ? 0 : 1);

	http_complete(exchange, status, headers, count, body, size);
}

static int format_answer(const struct waiting *waiting, const struct quoter_proof *proof, struct buf *ret,
			 struct err *err)
{
	const struct identity *identity = &waiting->enclave->identity;
	scoped(attest_answer_done) struct attest_answer answer = ATTEST_ANSWER_INIT;

	answer.role = waiting->role.role;
	answer.tee = waiting->enclave->settings.tee == TEE_KIND_SIM ? MESSAGE_TEE_SIM : MESSAGE_TEE_SGX;
	answer.depth = proof->depth;
	answer.index = proof->index;
	answer.path_count = proof->depth;
	memcpy(answer.path, proof->path, proof->depth * sizeof(answer.path[0]));
	if (buf_add(&answer.quote, proof->quote->data, proof->quote->size, err) < 0 ||
	    buf_add(&answer.certificate, identity->certificate.data, identity->certificate.size, err) < 0 ||
	    buf_add(&answer.ticket, waiting->role.ticket, waiting->role.ticket_size, err) < 0)
		return -1;
	return attest_answer_format(&answer, ret, err);
}

/* On the quoting thread. */
static void answer_waiting(void *arg, const struct quoter_proof *proof)
{
	struct waiting *waiting = arg;
	scoped(buf_done) struct buf body = BUF_INIT(ATTEST_ANSWER_SIZE_MAX);
	struct err err = ERR_INIT;

	/* Before the answer leaves: the next request may come at once. */
	atomic_store(&waiting->connection->is_queued, false);
	connection_unref(waiting->connection);
	if (!proof->quote) {
		complete(waiting->exchange, 503, "text/plain", "no quote\n", strlen("no quote\n"));
	} else if (format_answer(waiting, proof, &body, &err) < 0) {
		operator_log("an attestation answer cannot be made: %s", err.text);
		complete(waiting->exchange, 503, "text/plain", "", 0);
	} else {
		complete(waiting->exchange, 200, "application/json", body.data, body.size);
	}
	free(waiting);
}

static int read_nonce(struct http_exchange *exchange, struct attest_request *ret, struct err *err)
{
	scoped(buf_done) struct buf body = BUF_INIT(ATTEST_REQUEST_SIZE_MAX);

	if (http_read_body_all(exchange, &body, err) < 0)
		return -1;
	return attest_request_parse(body.data, body.size, ret, err);
}

/* role, instance, ticket are read under one lock; everything else of the leaf is this connection's own. */
static int make_leaf(struct http_exchange *exchange, struct enclave *enclave, const struct attest_request *request,
		     struct life_role *ret_role, uint8_t ret_leaf[static FRESH_HASH_SIZE], struct err *err)
{
	struct fresh_claim claim = {0};

	if (http_tls_exporter(exchange, FRESH_EXPORTER_LABEL, request->nonce, sizeof(request->nonce), claim.exporter,
			      err) < 0)
		return -1;
	http_tls_key(exchange, claim.tls_key);
	life_role(&enclave->life, ret_role);
	claim.role = ret_role->role;
	memcpy(claim.nonce, request->nonce, sizeof(claim.nonce));
	memcpy(claim.identity, enclave->identity.report_data, sizeof(claim.identity));
	memcpy(claim.instance, enclave->input.hash, sizeof(claim.instance));
	if (ret_role->ticket_size > 0)
		sha256(ret_role->ticket, ret_role->ticket_size, claim.ticket_hash);
	fresh_leaf(&claim, ret_leaf);
	return 0;
}

static enum http_result refuse(struct http_exchange *exchange, int status, const char *text)
{
	enclave_reply(exchange, status, NULL, text);
	return HTTP_HANDLED;
}

static enum http_result queue_leaf(struct waiting *waiting, const uint8_t leaf[static FRESH_HASH_SIZE])
{
	struct http_exchange *exchange = waiting->exchange;
	struct connection *connection = waiting->connection;

	connection_ref(connection);
	if (quoter_submit(waiting->enclave->quoter, leaf, answer_waiting, waiting))
		return HTTP_DEFERRED;
	connection_unref(connection);
	free(waiting);
	return refuse(exchange, 503, "busy\n");
}

/* The connection is claimed: until its answer nobody else attests on it. */
static enum http_result attest(struct http_exchange *exchange, struct enclave *enclave, struct connection *connection)
{
	scoped(freep) struct waiting *waiting = calloc(1, sizeof(*waiting));
	struct attest_request request;
	uint8_t leaf[FRESH_HASH_SIZE];
	struct err err = ERR_INIT;

	if (!waiting)
		return refuse(exchange, 503, "busy\n");
	if (!connection_rate_take(connection, clock_monotonic_ns()))
		return refuse(exchange, 429, "too many requests\n");
	/* Of such a size the engine awaits it; any other would hold a thread for as long as the client likes. */
	if (http_body_size(exchange) < 0)
		return refuse(exchange, 411, "Content-Length is missing\n");
	if (http_header(exchange, "expect"))
		return refuse(exchange, 417, "nothing is told beforehand\n");
	if (read_nonce(exchange, &request, &err) < 0)
		return refuse(exchange, 400, "malformed request\n");
	if (make_leaf(exchange, enclave, &request, &waiting->role, leaf, &err) < 0) {
		/* exporter-unavailable: closed, never attested without. */
		http_abort(exchange);
		return HTTP_HANDLED;
	}
	waiting->exchange = exchange;
	waiting->enclave = enclave;
	waiting->connection = connection;
	return queue_leaf(TAKE_PTR(waiting), leaf);
}

enum http_result attestation_serve(struct http_exchange *exchange, struct enclave *enclave)
{
	struct connection *connection = connection_of(exchange);
	enum http_result result;

	if (!connection)
		return refuse(exchange, 503, "busy\n");
	/* Several streams of one connection may come here at once. */
	if (atomic_exchange(&connection->is_queued, true))
		return refuse(exchange, 429, "too many requests\n");
	result = attest(exchange, enclave, connection);
	/* What is deferred may be answered by now: its claim is the answer's to give back. */
	if (result == HTTP_HANDLED)
		atomic_store(&connection->is_queued, false);
	return result;
}
