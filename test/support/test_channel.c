/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "test_channel.h"

#include <stdio.h>
#include <string.h>

#include "attest/ratls.h"
#include "attest/ticket_verify.h"
#include "crypto/ed25519.h"
#include "crypto/hash.h"
#include "der_write.h"

#define DER_MAX (64u << 10)
#define DOMAIN "0123456789abcdef.mse.localhost"

static void init_instance(struct instance *instance)
{
	*instance = (struct instance){.tls = INSTANCE_TLS_SELF};
	(void)snprintf(instance->domain, sizeof(instance->domain), DOMAIN);
	(void)snprintf(instance->config_domain, sizeof(instance->config_domain), DOMAIN);
	(void)snprintf(instance->subject, sizeof(instance->subject), "CN=" DOMAIN);
	(void)snprintf(instance->expires, sizeof(instance->expires), "2025-06-16T00:00:00Z");
	(void)snprintf(instance->uuid, sizeof(instance->uuid), "6d6e4d2a-6f0d-4a43-9bb9-2c6f4a7f0d11");
}

void test_channel_init(struct test_channel *channel)
{
	*channel = (struct test_channel){.quote_oid = RATLS_QUOTE_OID,
					 .sans = {DOMAIN},
					 .declared_role = ATTEST_ROLE_APPLICATION,
					 .declared_tee = MESSAGE_TEE_SGX,
					 .batch = 1,
					 .with_ticket = true,
					 .answer = ATTEST_ANSWER_INIT,
					 .body = BUF_INIT(ATTEST_ANSWER_SIZE_MAX),
					 .instance_document = BUF_INIT(INSTANCE_SIZE_MAX + 64),
					 .time = TEST_TIME};

	test_evidence_init(&channel->certificate_evidence);
	test_evidence_init(&channel->fresh_evidence);
	init_instance(&channel->instance);
	channel->cert = (struct test_cert){.name = DOMAIN,
					   .issuer_name = DOMAIN,
					   .serial = 7,
					   .not_before = TEST_TIME - TEST_DAY,
					   .not_after = TEST_TIME + TEST_DAY,
					   .path_length = -1,
					   .key_usage = 0x80,
					   .key = TEST_KEY_RATLS,
					   .issuer_key = TEST_KEY_RATLS};
	for (uint8_t i = 0; i < 32; i++) {
		channel->nonce[i] = i;
		channel->exporter[i] = (uint8_t)(0x20 + i);
	}
	channel->claim.role = ATTEST_ROLE_APPLICATION;
	memset(channel->owner_seed, 0x0e, sizeof(channel->owner_seed));
	ed25519_from_seed(channel->owner_seed, channel->owner_key);
	channel->ticket.deployed = TEST_TIME - 100;
	channel->expected = (struct attest_instance_expected){.domain = DOMAIN, .tls = "self"};
}

static void add_sans(struct test_channel *channel)
{
	struct buf value = BUF_INIT(DER_MAX);

	for (size_t i = 0; channel->sans[i]; i++)
		der_put(&value, 0x82, channel->sans[i], strlen(channel->sans[i]));
	if (channel->san_else)
		der_put(&value, 0x86, channel->san_else, strlen(channel->san_else));
	der_wrap(&value, 0, 0x30);
	test_cert_add_extension(&channel->cert, "2.5.29.17", false, value.data, value.size);
	buf_done(&value);
}

static uint8_t *report_data_of(struct test_evidence *evidence)
{
	return test_evidence_body(evidence) + (test_evidence_is_tdx(evidence) ? 520 : 320);
}

/* The key's own hash, then an X25519 key. */
static void bind_certificate(struct test_channel *channel)
{
	uint8_t point[65];
	uint8_t *report_data = report_data_of(&channel->certificate_evidence);

	if (channel->keep_report_data)
		return;
	p256_point(test_key(channel->cert.key), point);
	sha256(point, sizeof(point), report_data);
	memset(report_data + 32, 0x99, 32);
}

static void build_certificate(struct test_channel *channel)
{
	struct err err = ERR_INIT;
	const struct buf *quote = &channel->certificate_evidence.quote;

	bind_certificate(channel);
	test_evidence_build(&channel->certificate_evidence);
	if (channel->sans[0])
		add_sans(channel);
	test_cert_add_extension(&channel->cert, channel->quote_oid, channel->quote_critical, quote->data, quote->size);
	if (channel->instance_text)
		test_must(buf_add_text(&channel->instance_document, channel->instance_text, &err), &err);
	else
		test_must(instance_format(&channel->instance, &channel->instance_document, &err), &err);
	if (!channel->no_instance)
		test_cert_add_extension(&channel->cert, RATLS_INSTANCE_OID, channel->instance_critical,
					channel->instance_document.data, channel->instance_document.size);
	test_cert_make(&channel->cert, &channel->cert_der);
	test_must(p256_spki_sha256(test_key(channel->cert.key), channel->tls_key, &err), &err);
}

static void build_ticket(struct test_channel *channel)
{
	uint8_t bytes[TICKET_SIZE_MAX];
	struct ticket *ticket = &channel->ticket;
	struct test_evidence *evidence = &channel->certificate_evidence;
	struct err err = ERR_INIT;

	if (!channel->with_ticket)
		return;
	if (ticket->fingerprint_size == 0) {
		ticket->fingerprint_size = test_evidence_is_tdx(evidence) ? 48 : 32;
		memcpy(ticket->fingerprint, test_evidence_body(evidence) + (test_evidence_is_tdx(evidence) ? 136 : 64),
		       ticket->fingerprint_size);
		memcpy(ticket->identity, report_data_of(evidence), 64);
		sha256(channel->instance_document.data, channel->instance_document.size, ticket->instance);
	}
	ticket_sign(ticket, channel->owner_seed);
	test_must(buf_add(&channel->answer.ticket, bytes, ticket_format(ticket, bytes), &err), &err);
}

static void build_claim(struct test_channel *channel)
{
	struct fresh_claim *claim = &channel->claim;

	if (channel->keep_claim)
		return;
	memcpy(claim->nonce, channel->nonce, 32);
	memcpy(claim->exporter, channel->exporter, 32);
	memcpy(claim->tls_key, channel->tls_key, 32);
	memcpy(claim->identity, report_data_of(&channel->certificate_evidence), 64);
	sha256(channel->instance_document.data, channel->instance_document.size, claim->instance);
	if (channel->answer.ticket.size)
		sha256(channel->answer.ticket.data, channel->answer.ticket.size, claim->ticket_hash);
}

static void build_answer(struct test_channel *channel)
{
	struct attest_answer *answer = &channel->answer;
	uint8_t(*leaves)[32] = calloc(channel->batch, 32);
	struct fresh_tree *tree = NULL;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < channel->batch; i++)
		memset(leaves[i], (int)i, 32);
	fresh_leaf(&channel->claim, leaves[channel->batch - 1]);
	test_must(fresh_tree_new((const uint8_t(*)[32])leaves, channel->batch, &tree, &err), &err);
	free(leaves);
	fresh_tree_report_data(tree, report_data_of(&channel->fresh_evidence));
	test_evidence_build(&channel->fresh_evidence);
	answer->role = channel->declared_role;
	answer->tee = channel->declared_tee;
	answer->depth = fresh_tree_depth(tree);
	answer->index = (uint32_t)(channel->batch - 1);
	answer->path_count = answer->depth;
	fresh_tree_path(tree, channel->batch - 1, answer->path);
	fresh_tree_free(tree);
	test_must(buf_add(&answer->quote, channel->fresh_evidence.quote.data, channel->fresh_evidence.quote.size, &err),
		  &err);
	test_must(buf_add(&answer->certificate, channel->cert_der.data, channel->cert_der.size, &err), &err);
	test_channel_format(channel);
}

void test_channel_format(struct test_channel *channel)
{
	struct err err = ERR_INIT;

	buf_clear(&channel->body);
	test_must(attest_answer_format(&channel->answer, &channel->body, &err), &err);
}

void test_channel_build(struct test_channel *channel)
{
	build_certificate(channel);
	build_ticket(channel);
	build_claim(channel);
	build_answer(channel);
	channel->ratls = (struct attest_ratls){.certificate = {channel->cert_der.data, channel->cert_der.size},
					       .instance = &channel->expected,
					       .role = ATTEST_ROLE_APPLICATION,
					       .tls_key = channel->tls_key};
	channel->fresh = (struct attest_fresh){.nonce = channel->nonce,
					       .exporter = channel->exporter,
					       .tls_key = channel->tls_key,
					       .role = ATTEST_ROLE_APPLICATION,
					       .elapsed_ms = 100,
					       .instance = &channel->expected,
					       .owner_key = channel->owner_key};
}

void test_channel_done(struct test_channel *channel)
{
	test_evidence_done(&channel->certificate_evidence);
	test_evidence_done(&channel->fresh_evidence);
	test_cert_done(&channel->cert);
	buf_done(&channel->cert_der);
	buf_done(&channel->instance_document);
	attest_answer_done(&channel->answer);
	buf_done(&channel->body);
}

static struct attest_verdict *ask(struct test_channel *channel, bool fresh)
{
	const struct test_evidence *e = &channel->certificate_evidence;
	const struct attest_bytes root = {e->root_der.data, e->root_der.size};
	const struct attest_roots roots = {.hardware = &root, .hardware_count = 1};
	struct attest_collateral *collateral = NULL;
	struct attest_verdict *verdict = NULL;
	struct test_question question;
	const char *why = "";
	int result = -1;

	test_question_init(&question, e);
	channel->fresh.answer = (struct attest_bytes){channel->body.data, channel->body.size};
	if (attest_collateral_new(&question.collateral, &collateral, &why) == 0 && fresh)
		result = attest_verify_fresh(&channel->fresh, collateral, &roots, channel->time, &channel->policy,
					     &verdict, &why);
	else if (collateral)
		result = attest_verify_ratls(&channel->ratls, collateral, &roots, channel->time, &channel->policy,
					     &verdict, &why);
	attest_collateral_free(collateral);
	if (result < 0)
		fail_msg("no verdict: %s", why);
	return verdict;
}

struct attest_verdict *test_channel_ratls(struct test_channel *channel)
{
	return ask(channel, false);
}

struct attest_verdict *test_channel_fresh(struct test_channel *channel)
{
	return ask(channel, true);
}

void test_expect_ratls(struct test_channel *channel, const char *error)
{
	test_expect_verdict(test_channel_ratls(channel), error);
}

void test_expect_fresh(struct test_channel *channel, const char *error)
{
	test_expect_verdict(test_channel_fresh(channel), error);
}
