/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/channel.h"

#include <string.h>

#include "base/clock.h"
#include "cli/interrupt.h"
#include "crypto/random.h"
#include "format/attest_message.h"
#include "format/pem.h"
#include "format/uri.h"
#include "net/dial.h"

#define EXPORTER_LABEL "EXPERIMENTAL-mse-attest-1"
#define ANSWER_TIMEOUT_MS 10000 /* F2 */
#define TLS_1_3 0x0304
#define BUSY_TRIES 5
#define BUSY_PAUSE_MS 300
#define HTTP_BUSY 503
#define HTTP_TOO_MANY 429

struct channel {
	struct http_client *http;
	struct buf certificate; /* DER, of the answer */
	struct buf leaf;        /* DER, of the handshake */
};

/* What the verifier's own side of the exchange holds. */
struct exchange {
	uint8_t nonce[ATTEST_NONCE_SIZE];
	uint8_t exporter[TLS_EXPORTER_SIZE];
	uint8_t tls_key[TLS_KEY_HASH_SIZE];
	int64_t sent_ns; /* clock_boot_ns: the answer ages while the machine sleeps (F3) */
	struct http_response response;
};

void channel_close(struct channel *channel)
{
	if (!channel)
		return;
	http_client_free(channel->http);
	buf_done(&channel->certificate);
	buf_done(&channel->leaf);
	free(channel);
}

/* F1 */
static int connect_tls(const struct channel_expect *expect, struct channel *channel, struct exchange *exchange,
		       struct err *err)
{
	const struct tls_client_options options = {
	    .host = expect->host, .port = expect->port, .sni = expect->sni, .verify = TLS_VERIFY_NONE};
	scoped(tls_client_closep) struct tls_client *tls = NULL;
	const uint8_t *leaf;
	size_t leaf_size;

	if (tls_client_open(&options, &tls, err) < 0)
		return err->code == ERR_UNSUPPORTED ? err_prefix(err, "tls-version") : -1;
	if (tls_client_version(tls) != TLS_1_3)
		return err_set(err, ERR_UNTRUSTED, "tls-version: the connection is not TLS 1.3");
	if (tls_client_is_resumed(tls))
		return err_set(err, ERR_UNTRUSTED, "tls-resumed: the connection was resumed");
	random_bytes(exchange->nonce, sizeof(exchange->nonce));
	if (tls_client_exporter(tls, EXPORTER_LABEL, exchange->nonce, sizeof(exchange->nonce), exchange->exporter,
				err) < 0)
		return err_prefix(err, "exporter-unavailable");
	tls_client_spki_sha256(tls, exchange->tls_key);
	leaf = tls_client_leaf(tls, &leaf_size);
	if (buf_add(&channel->leaf, leaf, leaf_size, err) < 0)
		return -1;
	return http_client_new(TAKE_PTR(tls), expect->sni ? expect->sni : expect->host, &channel->http, err);
}

/* Whoever answers otherwise is no enclave of ours: a plain TLS server, mostly. */
static int say_http(const struct channel_expect *expect, int status, struct err *err)
{
	const char *name = expect->sni ? expect->sni : expect->host;

	if (status == HTTP_BUSY || status == HTTP_TOO_MANY)
		return err_set(err, ERR_UNAVAILABLE, "attest-busy: '%s' answers with HTTP status %d", name, status);
	return err_set(err, ERR_UNTRUSTED,
		       "attest-http: '%s' answers the attestation request with HTTP status %d: this is no enclave of "
		       "MSE",
		       name, status);
}

/* F2 */
static int ask(const struct channel_expect *expect, struct channel *channel, struct exchange *exchange, struct err *err)
{
	struct attest_request message;
	scoped(buf_done) struct buf body = BUF_INIT(ATTEST_REQUEST_SIZE_MAX);
	const struct http_header header = {"Content-Type", "application/json"};
	struct http_request request = {.method = "POST",
				       .target = ATTEST_PATH,
				       .headers = &header,
				       .header_count = 1,
				       .timeout_ms = ANSWER_TIMEOUT_MS,
				       .body_max = ATTEST_ANSWER_SIZE_MAX};

	memcpy(message.nonce, exchange->nonce, sizeof(message.nonce));
	if (attest_request_format(&message, &body, err) < 0)
		return -1;
	request.body = body.data;
	request.body_size = body.size;
	exchange->sent_ns = clock_boot_ns();
	if (http_client_request(channel->http, &request, &exchange->response, err) < 0) {
		if (err->code == ERR_TIMEOUT)
			return err_prefix(err, "attest-timeout");
		return err->code == ERR_CANCELLED ? -1 : err_prefix(err, "attest-http");
	}
	if (exchange->response.status != 200)
		return say_http(expect, exchange->response.status, err);
	if (exchange->response.body.size == 0)
		return err_set(err, ERR_UNTRUSTED, "attest-malformed: the answer is empty");
	return 0;
}

static struct attest_policy base_policy(const struct channel_expect *expect)
{
	struct attest_policy policy = expect->policy ? *expect->policy : (struct attest_policy){0};

	if (expect->simulation_root_count) {
		policy.simulation_roots = expect->simulation_roots;
		policy.simulation_root_count = expect->simulation_root_count;
	}
	return policy;
}

/* *ret_again: refused for old collateral of the cache; the service is asked then. */
static int judge_once(const struct channel_expect *expect, const struct exchange *exchange,
		      struct attest_verdict **ret_verdict, bool *ret_again, struct err *err)
{
	const struct buf *body = &exchange->response.body;
	scoped(collateral_loan_freep) struct collateral_loan *loan = NULL;
	struct attest_measurement measurement = {.size = 32};
	struct attest_policy policy = base_policy(expect);
	struct attest_fresh fresh = {.answer = {body->data, body->size},
				     .nonce = exchange->nonce,
				     .exporter = exchange->exporter,
				     .tls_key = exchange->tls_key,
				     .role = expect->role,
				     .instance = expect->instance,
				     .owner_key = expect->owner_key,
				     .tickets_from = expect->tickets_from,
				     .deployed_seen = expect->deployed_seen,
				     .identity = expect->identity};
	const char *why = NULL;

	if (expect->fingerprint) {
		memcpy(measurement.data, expect->fingerprint, measurement.size);
		policy.measurements = &measurement;
		policy.measurement_count = 1;
	}
	if (collateral_source_get(expect->collateral, expect->roots, &policy, body->data, body->size, &loan, err) < 0)
		return -1;
	fresh.elapsed_ms = (uint64_t)((clock_boot_ns() - exchange->sent_ns) / NS_PER_MS);
	if (attest_verify_fresh(&fresh, collateral_loan_prepared(loan), expect->roots, clock_now_seconds(), &policy,
				ret_verdict, &why) < 0)
		return err_set(err, ERR_INTERNAL, "the evidence cannot be judged: %s", why);
	*ret_again = collateral_loan_again(loan, *ret_verdict);
	return 0;
}

/* What was refused for old collateral of the cache is judged once more with what its service has now. */
static int judge_answer(const struct channel_expect *expect, const struct exchange *exchange,
			struct attest_verdict **ret_verdict, struct err *err)
{
	struct attest_verdict *old;
	bool again;
	int status;

	if (judge_once(expect, exchange, ret_verdict, &again, err) < 0)
		return -1;
	if (!again)
		return 0;
	old = TAKE_PTR(*ret_verdict);
	status = judge_once(expect, exchange, ret_verdict, &again, err);
	attest_verdict_free(old);
	return status;
}

/*
 * What answered gave no evidence. Its certificate tells what it is: without a quote a plain TLS server, with one it
 * is judged as an RA-TLS certificate, so that a copied quote is called that. 0 if nothing is wrong with it: no verdict
 * then, since RA-TLS alone accepts nothing.
 */
static int judge_leaf(const struct channel_expect *expect, const struct channel *channel,
		      const struct exchange *exchange, struct attest_verdict **ret_verdict, struct err *err)
{
	scoped(collateral_loan_freep) struct collateral_loan *loan = NULL;
	const struct attest_bytes leaf = {channel->leaf.data, channel->leaf.size};
	const struct attest_policy policy = base_policy(expect);
	const struct attest_ratls ratls = {
	    .certificate = leaf, .instance = expect->instance, .role = expect->role, .tls_key = exchange->tls_key};
	const char *why = NULL;
	struct attest_needs needs;

	if (attest_needs(&leaf, &needs, &why) < 0)
		return err_set(
		    err, ERR_UNTRUSTED,
		    "ratls-certificate: the certificate of '%s' has no quote in it: this is no enclave of MSE",
		    expect->sni ? expect->sni : expect->host);
	if (collateral_source_get(expect->collateral, expect->roots, &policy, leaf.data, leaf.size, &loan, err) < 0)
		return -1;
	if (attest_verify_ratls(&ratls, collateral_loan_prepared(loan), expect->roots, clock_now_seconds(), &policy,
				ret_verdict, &why) < 0)
		return err_set(err, ERR_INTERNAL, "the evidence cannot be judged: %s", why);
	if ((*ret_verdict)->accepted) {
		attest_verdict_free(*ret_verdict);
		*ret_verdict = NULL;
		return 0;
	}
	return err_set(err, ERR_UNTRUSTED, "%s: %s", (*ret_verdict)->error_text,
		       (*ret_verdict)->failed ? (*ret_verdict)->failed->text : "refused");
}

/* Before anything is judged: what is refused is worth keeping too. */
static int keep_record(const struct channel_expect *expect, const struct exchange *exchange, struct err *err)
{
	struct channel_record *record = expect->record;
	const int64_t elapsed_ns = clock_boot_ns() - exchange->sent_ns;

	if (!record)
		return 0;
	memcpy(record->nonce, exchange->nonce, sizeof(record->nonce));
	memcpy(record->exporter, exchange->exporter, sizeof(record->exporter));
	memcpy(record->tls_key, exchange->tls_key, sizeof(record->tls_key));
	record->elapsed_ms = (uint64_t)(elapsed_ns / NS_PER_MS);
	record->asked = (clock_now_ns() - elapsed_ns) / NS_PER_SECOND;
	buf_clear(&record->answer);
	return buf_add(&record->answer, exchange->response.body.data, exchange->response.body.size, err);
}

static bool is_evidence(const struct exchange *exchange)
{
	const struct buf *body = &exchange->response.body;
	const struct attest_bytes answer = {body->data, body->size};
	struct attest_needs needs;
	const char *why = NULL;

	return body->size && attest_needs(&answer, &needs, &why) == 0;
}

static int keep_certificate(struct channel *channel, const struct exchange *exchange, struct err *err)
{
	struct attest_answer answer = ATTEST_ANSWER_INIT;
	const struct buf *body = &exchange->response.body;

	if (attest_answer_parse(body->data, body->size, &answer, err) < 0)
		return -1;
	channel->certificate = answer.certificate;
	answer.certificate = BUF_INIT(0);
	attest_answer_done(&answer);
	return 0;
}

static int attest(const struct channel_expect *expect, struct channel *channel, struct exchange *exchange,
		  struct attest_verdict **ret_verdict, struct err *err)
{
	const struct attest_verdict *verdict;

	if (interrupt_check(err) < 0 || connect_tls(expect, channel, exchange, err) < 0 ||
	    ask(expect, channel, exchange, err) < 0 || keep_record(expect, exchange, err) < 0)
		return -1;
	if (!is_evidence(exchange) && judge_leaf(expect, channel, exchange, ret_verdict, err) < 0)
		return -1;
	/* Until the verdict nothing but the answer may come. */
	if (!http_client_is_open(channel->http))
		return err_set(err, ERR_UNTRUSTED, "attest-http: the server sends more than its answer, or has left");
	if (judge_answer(expect, exchange, ret_verdict, err) < 0)
		return -1;
	verdict = *ret_verdict;
	if (!verdict->accepted && !expect->no_verify)
		return err_set(err, ERR_UNTRUSTED, "%s: %s", verdict->error_text,
			       verdict->failed ? verdict->failed->text : "refused");
	return keep_certificate(channel, exchange, err);
}

static int open_once(const struct channel_expect *expect, struct channel **ret_channel,
		     struct attest_verdict **ret_verdict, struct err *err)
{
	scoped(channel_closep) struct channel *channel = calloc(1, sizeof(*channel));
	struct exchange exchange = {.response = HTTP_RESPONSE_INIT};
	int status;

	if (!channel)
		return err_no_memory(err);
	channel->certificate = BUF_INIT(ATTEST_CERTIFICATE_SIZE_MAX);
	channel->leaf = BUF_INIT(ATTEST_CERTIFICATE_SIZE_MAX);
	status = attest(expect, channel, &exchange, ret_verdict, err);
	http_response_done(&exchange.response);
	if (status == 0)
		*ret_channel = TAKE_PTR(channel);
	return status;
}

/* Only a busy quoting queue is asked again: on a new connection, by the same rules. */
static int open_patiently(const struct channel_expect *expect, struct channel **ret_channel,
			  struct attest_verdict **ret_verdict, struct err *err)
{
	for (int i = 0; i < BUSY_TRIES; i++) {
		struct err failed = ERR_INIT;

		if (open_once(expect, ret_channel, ret_verdict, &failed) == 0)
			return 0;
		*err = failed;
		if (strncmp(failed.text, "attest-busy", strlen("attest-busy")) != 0)
			return -1;
		if (interrupt_sleep_ms(BUSY_PAUSE_MS, err) < 0)
			return -1;
	}
	return -1;
}

int channel_open(const struct channel_expect *expect, struct channel **ret_channel, struct attest_verdict **ret_verdict,
		 struct err *err)
{
	const int before = dial_cancel_fd();
	int status;

	*ret_channel = NULL;
	*ret_verdict = NULL;
	if (before < 0)
		dial_set_cancel(interrupt_fd());
	status = open_patiently(expect, ret_channel, ret_verdict, err);
	dial_set_cancel(before);
	if (status < 0 && before < 0)
		interrupt_explain(err);
	return status;
}

int channel_request(struct channel *channel, const struct http_request *request, struct http_response *ret_response,
		    struct err *err)
{
	return http_client_request(channel->http, request, ret_response, err);
}

struct tls_client *channel_tls(struct channel *channel)
{
	return http_client_tls(channel->http);
}

int channel_certificate_pem(const struct channel *channel, struct buf *ret, struct err *err)
{
	return pem_format(PEM_CERTIFICATE, channel->certificate.data, channel->certificate.size, ret, err);
}

int channel_leaf_pem(const struct channel *channel, struct buf *ret, struct err *err)
{
	return pem_format(PEM_CERTIFICATE, channel->leaf.data, channel->leaf.size, ret, err);
}
