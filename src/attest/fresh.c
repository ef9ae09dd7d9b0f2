/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/fresh.h"

#include <stdio.h>
#include <string.h>

#include "attest/evidence.h"
#include "attest/fresh_binding.h"
#include "attest/ratls.h"
#include "attest/ticket_verify.h"
#include "crypto/hash.h"
#include "format/attest_message.h"
#include "format/hex.h"

#define DEPLOYED_MAX INT64_C(253402300799) /* the end of the year 9999, the last that texts have */

static bool judge_answer(struct judge *judge, struct attest_bytes body, struct attest_answer *ret)
{
	struct err err = ERR_INIT;

	if (attest_answer_parse(body.data, body.size, ret, &err) < 0)
		return judge_fail_err(
		    judge, "answer",
		    err.code == ERR_UNSUPPORTED ? ATTEST_ERROR_ATTEST_VERSION : ATTEST_ERROR_ATTEST_MALFORMED, &err);
	judge_pass(judge, "answer", "version 1, role %u, TEE '%s'", ret->role, message_tee_text(ret->tee));
	return true;
}

/* F3. */
static void judge_age(struct judge *judge, uint64_t elapsed_ms)
{
	if (elapsed_ms > FRESH_AGE_MAX_MS)
		(void)judge_fail(judge, "age", ATTEST_ERROR_STALE, "the nonce left %llu ms ago, at most %d",
				 (unsigned long long)elapsed_ms, FRESH_AGE_MAX_MS);
	else
		judge_pass(judge, "age", "the nonce left %llu ms ago, at most %d", (unsigned long long)elapsed_ms,
			   FRESH_AGE_MAX_MS);
}

/* F4: the certificate, its quote judged but for the TCB status, which is only reported. */
static void judge_certificate(struct judge *judge, const struct attest_fresh *fresh, const struct attest_answer *answer)
{
	struct judge inner = *judge;
	const struct ratls_question question = {
	    .certificate = {answer->certificate.data, answer->certificate.size},
	    .instance = fresh->instance,
	    .role = fresh->role,
	    .tls_key = fresh->tls_key,
	};

	inner.prefix = "certificate.";
	inner.facts = &judge->verdict->certificate_facts;
	inner.is_beside_fresh = true;
	ratls_judge(&inner, &question);
	judge->no_memory = inner.no_memory;
	judge->limit = inner.limit;
}

/* F5. */
static void judge_role(struct judge *judge, uint8_t declared, uint8_t wanted)
{
	judge->verdict->role = declared;
	if (declared != wanted)
		(void)judge_fail(judge, "role", ATTEST_ERROR_ROLE, "the enclave says role %u, expected %u", declared,
				 wanted);
	else
		judge_pass(judge, "role", "the enclave says role %u, as expected", wanted);
}

/* F6. */
static void judge_proof(struct judge *judge, const struct attest_answer *answer)
{
	if (answer->depth > FRESH_DEPTH_MAX || answer->path_count != answer->depth ||
	    answer->index >= (1u << answer->depth))
		(void)judge_fail(judge, "proof", ATTEST_ERROR_PROOF,
				 "depth %u, index %u, path of %zu: not a place in a tree of depth at most %d",
				 answer->depth, answer->index, answer->path_count, FRESH_DEPTH_MAX);
	else
		judge_pass(judge, "proof", "leaf %u of a tree of depth %u", answer->index, answer->depth);
}

/*
 * A masked CHIP_ID, which a VLEK allows, names no machine: it counts as changed (attested-channel.md section 9). One
 * that is shown under a VLEK is compared as the report's signer wrote it, in both reports alike: it says that they are
 * of one machine only as far as that signer is believed. A policy's list of machines does not take it.
 */
static void judge_same_machine(struct judge *judge, const struct attest_facts *old, const struct attest_facts *now)
{
	const bool is_known = old->machine.size > 0 && now->machine.size > 0;

	if (!is_known && now->tee == ATTEST_TEE_SEV_SNP)
		(void)judge_fail(judge, "same-machine", ATTEST_ERROR_MACHINE_CHANGED,
				 "CHIP_ID is masked in a report: nothing says that both are of one machine");
	else if (!is_known)
		(void)judge_skip(judge, "same-machine", "needs the machine's certificate for both quotes");
	else if (memcmp(old->machine.data, now->machine.data, sizeof(now->machine.data)) != 0)
		(void)judge_fail(judge, "same-machine", ATTEST_ERROR_MACHINE_CHANGED,
				 "the fresh quote is of another machine than the certificate's");
	else
		judge_pass(judge, "same-machine", "the fresh quote is of the certificate's machine");
}

/* F7, the part that ties both quotes together. */
static void judge_same_enclave(struct judge *judge)
{
	const struct attest_facts *old = &judge->verdict->certificate_facts;
	const struct attest_facts *now = judge->facts;

	if (!old->parsed || !now->parsed) {
		(void)judge_skip(judge, "same-measurement", "needs both quotes");
		(void)judge_skip(judge, "same-machine", "needs both quotes");
		return;
	}
	/* Shorter ones end in zeros. */
	if (old->tee != now->tee ||
	    memcmp(old->measurement.data, now->measurement.data, sizeof(now->measurement.data)) != 0)
		(void)judge_fail(judge, "same-measurement", ATTEST_ERROR_MEASUREMENT,
				 "the fresh quote has another measurement than the certificate's");
	else
		judge_pass(judge, "same-measurement", "the fresh quote has the measurement of the certificate's");
	judge_same_machine(judge, old, now);
}

static void hash_ticket(struct judge *judge, const struct attest_answer *answer)
{
	judge->verdict->has_ticket = answer->ticket.size > 0;
	if (judge->verdict->has_ticket)
		sha256(answer->ticket.data, answer->ticket.size, judge->verdict->ticket_hash);
}

/* F8: the leaf is computed from the verifier's own values and F4's; nothing of it is taken from the answer. */
static void judge_binding(struct judge *judge, const struct attest_fresh *fresh, const struct attest_answer *answer)
{
	const struct attest_verdict *verdict = judge->verdict;
	const struct fresh_proof proof = {answer->depth, answer->index, answer->path, answer->path_count};
	struct fresh_claim claim = {.role = fresh->role};

	if (!judge->facts->parsed || !verdict->has_identity || !verdict->has_instance) {
		(void)judge_skip(judge, "binding", "needs the fresh quote and the certificate's identity and instance");
		return;
	}
	memcpy(claim.nonce, fresh->nonce, sizeof(claim.nonce));
	memcpy(claim.exporter, fresh->exporter, sizeof(claim.exporter));
	memcpy(claim.tls_key, fresh->tls_key, sizeof(claim.tls_key));
	memcpy(claim.identity, verdict->identity, sizeof(claim.identity));
	memcpy(claim.instance, verdict->instance_hash, sizeof(claim.instance));
	memcpy(claim.ticket_hash, verdict->ticket_hash, sizeof(claim.ticket_hash));
	switch (fresh_proof_verify(&claim, &proof, judge->facts->report_data)) {
	case FRESH_OK:
		judge_pass(judge, "binding",
			   "REPORTDATA holds this nonce, connection, role, identity, instance and ticket");
		return;
	case FRESH_PROOF:
		(void)judge_skip(judge, "binding", "needs a proof of a right shape");
		return;
	case FRESH_TAG:
		(void)judge_fail(judge, "binding", ATTEST_ERROR_FRESH_TAG, "REPORTDATA is not that of fresh evidence");
		return;
	case FRESH_BINDING:
		(void)judge_fail(judge, "binding", ATTEST_ERROR_FRESH_BINDING,
				 "REPORTDATA is of another nonce, connection, role, identity, instance or ticket");
		return;
	}
}

static void judge_ticket_result(struct judge *judge, enum ticket_result result)
{
	switch (result) {
	case TICKET_OK:
		judge_pass(judge, "ticket", "the owner signed identity, instance and fingerprint of this enclave");
		return;
	case TICKET_MISSING:
		(void)judge_fail(judge, "ticket", ATTEST_ERROR_TICKET_MISSING, "no ticket of the owner");
		return;
	case TICKET_SIGNATURE:
		(void)judge_fail(judge, "ticket", ATTEST_ERROR_TICKET_SIGNATURE, "not signed by the owner's key");
		return;
	case TICKET_BINDING:
		(void)judge_fail(judge, "ticket", ATTEST_ERROR_TICKET_BINDING,
				 "the ticket is for another identity, instance or fingerprint");
		return;
	case TICKET_OLDER:
		(void)judge_fail(judge, "ticket", ATTEST_ERROR_TICKET_OLDER,
				 "the ticket is of an older deployment than expected");
		return;
	}
}

/* F9, the ticket. */
static void judge_ticket(struct judge *judge, const struct attest_fresh *fresh, const struct attest_answer *answer)
{
	struct attest_verdict *verdict = judge->verdict;
	const int64_t deployed_min =
	    fresh->tickets_from > fresh->deployed_seen ? fresh->tickets_from : fresh->deployed_seen;
	struct ticket ticket = {0};
	struct ticket_expected expected = {
	    .owner_key = fresh->owner_key,
	    .identity = verdict->identity,
	    .instance = verdict->instance_hash,
	    .fingerprint = verdict->certificate_facts.measurement.data,
	    .fingerprint_size = verdict->certificate_facts.measurement.size,
	    .deployed_min = deployed_min > 0 ? (uint64_t)deployed_min : 0,
	};

	enum ticket_result result;

	if (fresh->role != ATTEST_ROLE_APPLICATION) {
		(void)judge_skip(judge, "ticket", "an enclave that waits for its keys has none");
		return;
	}
	if (!fresh->owner_key) {
		(void)judge_skip(judge, "ticket", "no owner key was given: the instance is as its host told it");
		return;
	}
	if (!verdict->has_identity || !verdict->has_instance) {
		(void)judge_skip(judge, "ticket", "needs the certificate's identity and instance");
		return;
	}
	result = ticket_verify(answer->ticket.data, answer->ticket.size, &expected, &ticket);
	judge_ticket_result(judge, result);
	/* Nobody vouches for what another ticket says. */
	if (result == TICKET_OK || result == TICKET_OLDER)
		verdict->deployed = ticket.deployed <= DEPLOYED_MAX ? (int64_t)ticket.deployed : DEPLOYED_MAX;
}

/* F9, the identity that this client saw before. */
static void judge_recorded_identity(struct judge *judge, const uint8_t *recorded)
{
	if (!recorded)
		(void)judge_skip(judge, "recorded-identity", "none was recorded");
	else if (!judge->verdict->has_identity)
		(void)judge_skip(judge, "recorded-identity", "needs the certificate's identity");
	else if (memcmp(recorded, judge->verdict->identity, sizeof(judge->verdict->identity)) != 0)
		(void)judge_fail(judge, "recorded-identity", ATTEST_ERROR_IDENTITY_CHANGED,
				 "the enclave has another identity than the recorded one");
	else
		judge_pass(judge, "recorded-identity", "the enclave has the recorded identity");
}

/* A key made before a microcode fix was applied stays as it was. */
static void warn_of_older_tcb(struct attest_verdict *verdict)
{
	const struct attest_facts *old = &verdict->certificate_facts;
	const struct attest_facts *now = &verdict->facts;
	bool older = old->intel.pcesvn < now->intel.pcesvn;

	if (!old->tcb_known || !now->tcb_known)
		return;
	for (size_t i = 0; i < sizeof(now->intel.tcb_components); i++)
		older = older || old->intel.tcb_components[i] < now->intel.tcb_components[i];
	if (older || old->tcb_status > now->tcb_status)
		(void)snprintf(verdict->warning, sizeof(verdict->warning),
			       "the certificate's key was made under an older TCB (%s) than the machine has now (%s): "
			       "deploy anew to get a new key",
			       attest_tcb_status_text(old->tcb_status), attest_tcb_status_text(now->tcb_status));
}

/* The answer names the TEE that its evidence is of; the simulation is SGX under a simulated root. */
static void judge_tee(struct judge *judge, enum message_tee declared)
{
	static const enum attest_tee TEES[] = {[MESSAGE_TEE_SGX] = ATTEST_TEE_SGX,
					       [MESSAGE_TEE_TDX] = ATTEST_TEE_TDX,
					       [MESSAGE_TEE_SNP] = ATTEST_TEE_SEV_SNP,
					       [MESSAGE_TEE_SIM] = ATTEST_TEE_SGX};
	const bool simulated = judge->verdict->simulated;

	if (judge->facts->tee != TEES[declared] || simulated != (declared == MESSAGE_TEE_SIM))
		(void)judge_fail(judge, "tee", ATTEST_ERROR_ATTEST_MALFORMED,
				 "the answer says '%s', its evidence is of '%s'%s", message_tee_text(declared),
				 attest_tee_text(judge->facts->tee), simulated ? ", simulated" : "");
	else
		judge_pass(judge, "tee", "the evidence is of '%s', as the answer says", message_tee_text(declared));
}

/* F7: what is declared a report of SEV-SNP is read as one, anything else as a quote. */
static void judge_evidence(struct judge *judge, const struct attest_answer *answer)
{
	const struct attest_bytes bytes = {answer->quote.data, answer->quote.size};
	struct attest_evidence evidence = {0};

	if (answer->tee == MESSAGE_TEE_SNP)
		evidence.report = bytes;
	else
		evidence.quote = bytes;
	if (evidence_judge(judge, &evidence))
		judge_tee(judge, answer->tee);
	else
		(void)judge_skip(judge, "tee", "needs evidence that can be read");
}

void fresh_judge(struct judge *judge, const struct attest_fresh *fresh)
{
	scoped(attest_answer_done) struct attest_answer answer = ATTEST_ANSWER_INIT;
	const char *const prefix = judge->prefix;

	if (!judge_answer(judge, fresh->answer, &answer))
		return;
	judge_age(judge, fresh->elapsed_ms);
	judge_certificate(judge, fresh, &answer);
	judge_role(judge, answer.role, fresh->role);
	judge_proof(judge, &answer);
	judge->prefix = "fresh.";
	judge_evidence(judge, &answer);
	judge_same_enclave(judge);
	hash_ticket(judge, &answer);
	judge_binding(judge, fresh, &answer);
	judge->prefix = prefix;
	judge_ticket(judge, fresh, &answer);
	judge_recorded_identity(judge, fresh->identity);
	warn_of_older_tcb(judge->verdict);
}
