/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and secrets go to the enclave: only over a connection that was attested (role 1), after the ticket for its
 * identity was written down. One identity per uuid, ever: when the answer is lost, the same identity is attested
 * again, no second ticket is signed.
 */
#include <string.h>

#include "attest/ticket_verify.h"
#include "base/clock.h"
#include "base/fs.h"
#include "cli/deploy.h"
#include "cli/interrupt.h"
#include "crypto/hash.h"
#include "format/base64.h"
#include "format/hex.h"

#define CONNECT_TRIES 100
#define CONNECT_PAUSE_MS 100
#define TICKET_TEXT_MAX 512
#define ANSWER_MAX (64u << 10)
#define PROVISION_TIMEOUT_MS 120000

static void expect_instance(const struct instance *instance, struct attest_instance_expected *ret)
{
	*ret = (struct attest_instance_expected){
	    .domain = instance->domain,
	    .tls = instance_tls_text(instance->tls),
	    .certificate = instance->certificate,
	    .config_domain = instance->config_domain,
	    .expires = instance->expires,
	    .log_key = instance->log_key,
	    .subject = instance->subject,
	    .uuid = instance->uuid,
	};
}

/* Between "initializing" and the proxy's knowing the name some moments may pass: nobody there is asked again. */
static int open_channel(struct deploy *deploy, struct channel_expect *expect, struct channel **ret_channel,
			struct attest_verdict **ret_verdict, struct err *err)
{
	for (int i = 0;; i++) {
		struct err failed = ERR_INIT;

		if (channel_open(expect, ret_channel, ret_verdict, &failed) == 0)
			return 0;
		attest_verdict_free(*ret_verdict);
		*ret_verdict = NULL;
		*err = failed;
		if (failed.code != ERR_UNAVAILABLE && failed.code != ERR_IO)
			return -1;
		if (i == CONNECT_TRIES || clock_monotonic_ns() > deploy->until_ns)
			return err_prefix(err, "'%s' cannot be reached", expect->sni);
		if (interrupt_sleep_ms(CONNECT_PAUSE_MS, err) < 0)
			return -1;
	}
}

/* Until it has taken over, the domain leads to the app that it replaces. */
static bool is_at_domain(const struct deploy *deploy, uint8_t role)
{
	return role == ATTEST_ROLE_APPLICATION && (!deploy->takes_over || deploy->has_taken_over);
}

static void fill_expect(struct deploy *deploy, uint8_t role, const struct attest_instance_expected *instance,
			struct channel_expect *ret)
{
	*ret = (struct channel_expect){
	    .host = deploy->instance.config_domain,
	    .port = deploy->port,
	    .sni = is_at_domain(deploy, role) ? deploy->instance.domain : deploy->instance.config_domain,
	    .role = role,
	    .instance = instance,
	    .fingerprint = deploy->fingerprint,
	    .simulation_roots = deploy->roots.roots,
	    .simulation_root_count = deploy->roots.count,
	    .collateral = deploy->collateral,
	    .no_verify = cmd_has(deploy->call, "no-verify"),
	};
}

static void show_verdict(struct deploy *deploy, const struct attest_verdict *verdict)
{
	if (verdict->simulated)
		out_warning(deploy->call->out, "SIMULATED: no hardware protects this");
	if (*verdict->warning)
		out_warning(deploy->call->out, "%s", verdict->warning);
	if (!verdict->accepted)
		out_warning(deploy->call->out, "not verified (--no-verify): %s", verdict->error_text);
}

static int sign_ticket(struct deploy *deploy, const struct attest_verdict *verdict, struct err *err)
{
	struct ticket ticket = {.fingerprint_size = DEPLOY_HASH_SIZE, .deployed = (uint64_t)deploy->began};

	if (!verdict->has_identity)
		return err_set(err, ERR_UNTRUSTED, "the enclave shows no identity: %s", verdict->error_text);
	memcpy(deploy->identity, verdict->identity, sizeof(deploy->identity));
	memcpy(ticket.identity, verdict->identity, sizeof(ticket.identity));
	memcpy(ticket.fingerprint, deploy->fingerprint, DEPLOY_HASH_SIZE);
	sha256(deploy->document.data, deploy->document.size, ticket.instance);
	ticket_sign(&ticket, deploy->owner_seed.data);
	deploy->ticket_size = ticket_format(&ticket, deploy->ticket);
	return 0;
}

/* PEM as a JSON string: only its line ends need escapes. */
static int add_tls_key(const struct secret *key, struct buf *ret, struct err *err)
{
	if (buf_add_text(ret, ",\"ssl_private_key\":\"", err) < 0)
		return -1;
	for (size_t i = 0; i < key->size; i++) {
		const uint8_t c = key->data[i];

		if (c == '\r')
			continue;
		if (c != '\n' && (c < ' ' || c > '~' || c == '"' || c == '\\'))
			return err_set(err, ERR_INVALID, "the private key is not PEM");
		if ((c == '\n' ? buf_add_text(ret, "\\n", err) : buf_add_byte(ret, c, err)) < 0)
			return -1;
	}
	return buf_add_byte(ret, '"', err);
}

/* E3's body. One allocation: growing would leave copies of the keys behind. */
static int make_body(const struct deploy *deploy, struct buf *ret, struct err *err)
{
	char key[HEX_TEXT_SIZE(DEPLOY_HASH_SIZE)];
	uint8_t *room;
	int status;

	if (buf_reserve(ret, ret->max, &room, err) < 0)
		return -1;
	hex_encode(deploy->package.code_key.data, deploy->package.code_key.size, key);
	status = buf_addf(ret, err, "{\"uuid\":\"%s\",\"code_secret_key\":\"%s\",\"app_secrets\":", deploy->uuid, key);
	secret_wipe(key, sizeof(key));
	if (status < 0 || (deploy->secrets.size ? buf_add(ret, deploy->secrets.data, deploy->secrets.size, err)
						: buf_add_text(ret, "null", err)) < 0)
		return -1;
	if (deploy->instance.tls == INSTANCE_TLS_OWNER && add_tls_key(&deploy->tls_key, ret, err) < 0)
		return -1;
	return buf_add_byte(ret, '}', err);
}

static int post(struct deploy *deploy, struct channel *channel, const struct buf *body, struct err *err)
{
	scoped(buf_done) struct buf ticket = BUF_INIT(TICKET_TEXT_MAX);
	struct http_response response = HTTP_RESPONSE_INIT;
	struct http_header headers[] = {{"Content-Type", "application/json"}, {"Mse-Ticket", NULL}};
	struct http_request request = {.method = "POST",
				       .target = "/",
				       .headers = headers,
				       .header_count = COUNT_OF(headers),
				       .body = body->data,
				       .body_size = body->size,
				       .timeout_ms = PROVISION_TIMEOUT_MS,
				       .body_max = ANSWER_MAX};
	int status;

	if (base64_encode(deploy->ticket, deploy->ticket_size, &ticket, err) < 0)
		return -1;
	headers[1].value = buf_text(&ticket);
	status = channel_request(channel, &request, &response, err);
	if (status == 0 && response.status != 200)
		status =
		    err_set(err, ERR_DENIED, "the enclave did not accept its keys (HTTP status %d)", response.status);
	http_response_done(&response);
	return status;
}

/* The answer got lost: if the same identity now shows our ticket, it had accepted. */
static int recover(struct deploy *deploy, const struct err *lost, struct err *err)
{
	if (lost->code == ERR_DENIED || lost->code == ERR_CANCELLED || deploy_attest_again(deploy, err) < 0) {
		*err = *lost;
		return -1;
	}
	return 0;
}

static int send_keys(struct deploy *deploy, struct channel *channel, struct err *err)
{
	struct buf body = BUF_INIT(deploy->secrets.size + 2 * deploy->tls_key.size + 1024);
	struct err lost = ERR_INIT;
	int status = make_body(deploy, &body, err);

	if (status == 0 && post(deploy, channel, &body, &lost) < 0)
		status = recover(deploy, &lost, err);
	if (body.data)
		secret_wipe(body.data, body.capacity);
	buf_done(&body);
	return status;
}

int deploy_provision(struct deploy *deploy, struct err *err)
{
	scoped(channel_closep) struct channel *channel = NULL;
	scoped(attest_verdict_freep) struct attest_verdict *verdict = NULL;
	struct attest_instance_expected instance;
	struct channel_expect expect;

	expect_instance(&deploy->instance, &instance);
	fill_expect(deploy, ATTEST_ROLE_CONFIGURATION, &instance, &expect);
	out_step(deploy->call->out, "Attesting the enclave");
	if (open_channel(deploy, &expect, &channel, &verdict, err) < 0)
		return -1;
	out_step_done(deploy->call->out);
	show_verdict(deploy, verdict);
	if (sign_ticket(deploy, verdict, err) < 0 || deploy_fill_context(deploy, err) < 0 ||
	    context_pending_save(&deploy->pending, &deploy->context, err) < 0)
		return -1;
	out_step(deploy->call->out, "Sending code key and secrets");
	if (send_keys(deploy, channel, err) < 0)
		return -1;
	out_step_done(deploy->call->out);
	return 0;
}

static int keep_evidence(struct deploy *deploy, const struct channel *channel, const struct attest_verdict *verdict,
			 struct err *err)
{
	scoped(buf_done) struct buf pem = BUF_INIT(ANSWER_MAX);
	scoped(freep) char *path = NULL;
	char machine[HEX_TEXT_SIZE(ATTEST_MACHINE_SIZE_MAX)];

	hex_encode(verdict->facts.machine.data, verdict->facts.machine.size, machine);
	free(deploy->context.machine_id);
	deploy->context.machine_id = strdup(machine);
	if (!deploy->context.machine_id)
		return err_no_memory(err);
	if (channel_certificate_pem(channel, &pem, err) < 0 ||
	    fs_join(deploy->workspace.path, "ratls.pem", &path, err) < 0)
		return -1;
	return fs_write_atomic(path, pem.data, pem.size, 0644, err);
}

int deploy_attest_again(struct deploy *deploy, struct err *err)
{
	scoped(channel_closep) struct channel *channel = NULL;
	scoped(attest_verdict_freep) struct attest_verdict *verdict = NULL;
	struct attest_instance_expected instance;
	struct channel_expect expect;

	expect_instance(&deploy->instance, &instance);
	fill_expect(deploy, ATTEST_ROLE_APPLICATION, &instance, &expect);
	expect.owner_key = deploy->owner_public;
	expect.identity = deploy->identity;
	expect.deployed_seen = deploy->began;
	if (open_channel(deploy, &expect, &channel, &verdict, err) < 0)
		return -1;
	return keep_evidence(deploy, channel, verdict, err);
}
