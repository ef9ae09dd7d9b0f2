/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An enclave of the test CA as a client of the attested channel sees it: RA-TLS certificate, instance document, fresh
 * answer. Include after unit.h.
 */
#ifndef MSE_TEST_TEST_CHANNEL_H
#define MSE_TEST_TEST_CHANNEL_H

#include "attest/fresh_binding.h"
#include "format/attest_message.h"
#include "format/instance.h"
#include "format/ticket.h"
#include "test_judge.h"

struct test_channel {
	/* The certificate's side; test_channel_init sets all of it right. */
	struct test_evidence certificate_evidence;
	struct instance instance;
	const char *instance_text; /* in place of the formatted document; NULL: format it */
	struct test_cert cert;
	const char *sans[3];  /* ended by NULL; empty: none */
	const char *san_else; /* one more name, of another kind than a domain's; NULL: none */
	const char *quote_oid;
	bool quote_critical, no_instance, instance_critical;
	/* The fresh side. */
	struct test_evidence fresh_evidence; /* its REPORTDATA is computed unless keep_report_data */
	bool keep_report_data;
	struct fresh_claim claim; /* what the enclave puts in; identity, instance, ticket_hash, tls_key are computed */
	bool keep_claim;
	uint8_t declared_role;
	enum message_tee declared_tee;
	size_t batch; /* leaves in the tree; ours is the last */
	bool with_ticket;
	struct ticket ticket; /* fields are filled in by test_channel_ticket */
	uint8_t owner_seed[32];
	/* What came out. */
	struct buf cert_der;
	struct buf instance_document;
	struct attest_answer answer;
	struct buf body;
	/* How to ask. */
	struct attest_instance_expected expected;
	struct attest_ratls ratls;
	struct attest_fresh fresh;
	uint8_t nonce[32], exporter[32], tls_key[32], owner_key[32];
	struct attest_policy policy;
	int64_t time;
};

void test_channel_init(struct test_channel *channel);
/* Certificate, its quote, the document; then the fresh quote and the answer. */
void test_channel_build(struct test_channel *channel);
/* Formats channel->answer anew into the body, after a test changed it. */
void test_channel_format(struct test_channel *channel);
void test_channel_done(struct test_channel *channel);

struct attest_verdict *test_channel_ratls(struct test_channel *channel);
struct attest_verdict *test_channel_fresh(struct test_channel *channel);
void test_expect_ratls(struct test_channel *channel, const char *error);
void test_expect_fresh(struct test_channel *channel, const char *error);

#endif
