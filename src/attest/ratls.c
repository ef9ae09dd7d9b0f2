/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/ratls.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "attest/evidence.h"
#include "attest/fresh_binding.h"
#include "base/clock.h"
#include "crypto/hash.h"
#include "format/hex.h"

#define EXTENDED_SERVER_AUTH "1.3.6.1.5.5.7.3.1"
#define BOUND_SIZE SHA256_SIZE /* of REPORTDATA: what the key is bound by */
#define EXTRA_SIZE (ATTEST_REPORT_DATA_SIZE - BOUND_SIZE)

static const char *const KNOWN_CRITICAL[] = {X509_OID_BASIC_CONSTRAINTS, X509_OID_KEY_USAGE, X509_OID_SUBJECT_ALT_NAME,
					     X509_OID_EXTENDED_KEY_USAGE, NULL};

static int check_extended_usage(const struct x509_cert *cert, struct err *err)
{
	const struct x509_ext *extension = x509_find_extension(cert, X509_OID_EXTENDED_KEY_USAGE);
	struct der value, list, oid;

	if (!extension)
		return 0;
	value = extension->value;
	if (der_take(&value, DER_SEQUENCE, "extKeyUsage", &list, err) < 0 || der_end(&value, "extKeyUsage", err) < 0)
		return -1;
	while (list.size > 0) {
		if (der_take(&list, DER_OID, "extKeyUsage", &oid, err) < 0)
			return -1;
		if (der_oid_is(oid, EXTENDED_SERVER_AUTH))
			return 0;
	}
	return err_set(err, ERR_INVALID, "extKeyUsage is not for TLS servers");
}

/* V1 and V2, but for what the parser has already refused. CA:TRUE is taken: the original's certificates have it. */
static int check_certificate(struct ratls_subject *subject, bool strict, struct err *err)
{
	const struct x509_cert *cert = subject->cert;

	if (x509_check_critical(cert, KNOWN_CRITICAL, err) < 0)
		return -1;
	if (!der_equal(cert->issuer, cert->subject))
		return err_set(err, ERR_INVALID, "issuer and subject differ");
	if (cert->has_key_usage && !(cert->key_usage & X509_BIT_DIGITAL_SIGNATURE))
		return err_set(err, ERR_INVALID, "keyUsage lacks digitalSignature");
	if (check_extended_usage(cert, err) < 0 || ratls_subject_find(subject, err) < 0)
		return -1;
	if (strict && subject->form->binding != RATLS_POINT)
		return err_set(err, ERR_INVALID, "evidence of form '%s' cannot hold our identity", subject->form->name);
	if (subject->form->binding == RATLS_POINT && cert->key_kind != X509_KEY_P256)
		return err_set(err, ERR_INVALID, "evidence of form '%s' binds keys on P-256 only", subject->form->name);
	if ((strict ? x509_verify(cert, cert, err) : x509_verify_self(cert, err)) < 0)
		return err_prefix(err, "self-signature");
	return 0;
}

/* Check "certificate". False if there is no evidence to judge. */
static bool judge_certificate(struct judge *judge, struct attest_bytes bytes, bool strict,
			      struct ratls_subject *subject)
{
	struct attest_verdict *verdict = judge->verdict;
	struct err err = ERR_INIT;

	if (ratls_subject_read(bytes, strict, subject, &err) < 0)
		return judge_fail_err(judge, "certificate", ATTEST_ERROR_RATLS_CERTIFICATE, &err);
	sha256(subject->cert->spki.data, subject->cert->spki.size, verdict->certificate_key);
	verdict->has_certificate_key = true;
	if (check_certificate(subject, strict, &err) < 0)
		(void)judge_fail_err(judge, "certificate", ATTEST_ERROR_RATLS_CERTIFICATE, &err);
	else
		judge_pass(judge, "certificate", "strict form, signed by its own key, evidence of form '%s'",
			   subject->form->name);
	if (subject->form)
		verdict->certificate_form = subject->form->name;
	return subject->value.data != NULL;
}

/*
 * The certificate's own dates; too early and too late have the one name that the document gives them. The enclave wrote
 * them by its host's clock: beside a fresh quote, which proves its age, they neither help nor harm.
 */
static void judge_dates(struct judge *judge, const struct x509_cert *cert)
{
	char from[CLOCK_TEXT_SIZE];
	char until[CLOCK_TEXT_SIZE];

	clock_format_utc(cert->not_before, from);
	clock_format_utc(cert->not_after, until);
	judge->verdict->certificate_not_after = cert->not_after;
	if (judge->is_beside_fresh) {
		(void)judge_skip(judge, "certificate-dates", "%s to %s by the enclave's clock; the fresh quote decides",
				 from, until);
		return;
	}
	judge_expiry(judge, "certificate", cert->not_before, cert->not_after);
	if (judge->time < cert->not_before || judge->time > cert->not_after)
		(void)judge_fail(judge, "certificate-dates", ATTEST_ERROR_RATLS_CERTIFICATE,
				 "the certificate is valid from %s to %s only", from, until);
	else
		judge_pass(judge, "certificate-dates", "the certificate is valid from %s to %s", from, until);
}

static void hash_point(const struct x509_cert *cert, uint8_t ret[static SHA256_SIZE])
{
	uint8_t point[65] = {0x04};

	memcpy(point + 1, cert->point, sizeof(cert->point));
	sha256(point, sizeof(point), ret);
}

/* V4: REPORTDATA is the identity: the key's hash, then a key for sealed boxes. */
static void judge_identity(struct judge *judge, const struct x509_cert *cert)
{
	uint8_t hash[SHA256_SIZE];

	hash_point(cert, hash);
	if (fresh_is_reserved(judge->facts->report_data)) {
		(void)judge_fail(judge, "binding", ATTEST_ERROR_BINDING,
				 "REPORTDATA is of another kind of evidence (\"mse-...\")");
		return;
	}
	evidence_judge_binding(judge, hash, BOUND_SIZE);
	memcpy(judge->verdict->identity, judge->facts->report_data, sizeof(judge->verdict->identity));
	judge->verdict->has_identity = true;
}

/* V6. */
static void judge_tls_key(struct judge *judge, const uint8_t *tls_key)
{
	char seen[HEX_TEXT_SIZE(SHA256_SIZE)];

	if (!tls_key) {
		(void)judge_skip(judge, "tls-key", "no TLS connection was given: nothing says who holds this key now");
		return;
	}
	hex_encode(tls_key, SHA256_SIZE, seen);
	if (memcmp(judge->verdict->certificate_key, tls_key, SHA256_SIZE) != 0)
		(void)judge_fail(judge, "tls-key", ATTEST_ERROR_TLS_KEY,
				 "the handshake showed key %s, not the certificate's", seen);
	else
		judge_pass(judge, "tls-key", "the handshake showed the certificate's key %s", seen);
}

/*
 * Outside mode self an application shows another key than the certificate's. Only a fresh quote says whose that is: its
 * REPORTDATA holds the key. Without one, a key that was given and is not the certificate's is refused in every mode.
 */
static void judge_our_tls_key(struct judge *judge, const struct ratls_question *question,
			      const struct instance *instance)
{
	if (judge->is_beside_fresh && question->role == ATTEST_ROLE_APPLICATION && instance &&
	    instance->tls != INSTANCE_TLS_SELF)
		(void)judge_skip(judge, "tls-key", "TLS mode is '%s': the fresh quote binds the handshake's key",
				 instance_tls_text(instance->tls));
	else
		judge_tls_key(judge, question->tls_key);
}

void ratls_judge(struct judge *judge, const struct ratls_question *question)
{
	scoped(ratls_subject_done) struct ratls_subject subject = {0};
	struct instance instance;
	bool has_instance;

	if (!judge_certificate(judge, question->certificate, true, &subject))
		return;
	judge_dates(judge, subject.cert);
	if (ratls_subject_judge(judge, &subject))
		judge_identity(judge, subject.cert);
	has_instance = ratls_judge_instance(judge, subject.cert, question->instance, &instance);
	judge_our_tls_key(judge, question, has_instance ? &instance : NULL);
}

/* ---------------------------------------------------------------------------------------------- of any maker */

/* How long ago the certificate says it was made: no proof, but all that there is without a nonce. */
static void judge_age(struct judge *judge, const struct x509_cert *cert, int64_t age_max_s)
{
	char made[CLOCK_TEXT_SIZE];

	clock_format_utc(cert->not_before, made);
	(void)snprintf(judge->verdict->warning, sizeof(judge->verdict->warning),
		       "no nonce was asked for: this was true when the certificate was made, %s by its maker's clock",
		       made);
	if (age_max_s == 0) {
		(void)judge_skip(judge, "age", "made %s by its maker's clock; the caller bounds it not", made);
		return;
	}
	judge_expiry(judge, "certificate-age", cert->not_before, cert->not_before + age_max_s);
	if (judge->time > cert->not_before + age_max_s)
		(void)judge_fail(judge, "age", ATTEST_ERROR_STALE, "made %s, more than %" PRId64 " seconds ago", made,
				 age_max_s);
	else
		judge_pass(judge, "age", "made %s, at most %" PRId64 " seconds ago", made, age_max_s);
}

/* The claims of interoperable RA-TLS name the key. */
static void judge_claims(struct judge *judge, const struct ratls_subject *subject)
{
	const struct tagged_evidence *tagged = &subject->tagged;

	if (subject->form->binding != RATLS_CLAIMS)
		(void)judge_skip(judge, "claims", "evidence of form '%s' has none", subject->form->name);
	else if (tagged->hash_algorithm != TAGGED_EVIDENCE_HASH_SHA256 || tagged->key_hash_size != SHA256_SIZE)
		(void)judge_fail(judge, "claims", ATTEST_ERROR_BINDING, "pubkey-hash is not of SHA-256");
	else if (memcmp(tagged->key_hash, judge->verdict->certificate_key, SHA256_SIZE) != 0)
		(void)judge_fail(judge, "claims", ATTEST_ERROR_BINDING, "pubkey-hash is of another key");
	else
		judge_pass(judge, "claims", "pubkey-hash is of the certificate's key");
}

static void hash_bound(const struct ratls_subject *subject, uint8_t ret[static SHA256_SIZE])
{
	switch (subject->form->binding) {
	case RATLS_POINT:
		hash_point(subject->cert, ret);
		return;
	case RATLS_SPKI:
		sha256(subject->cert->spki.data, subject->cert->spki.size, ret);
		return;
	case RATLS_CLAIMS:
		sha256(subject->tagged.claims, subject->tagged.claims_size, ret);
		return;
	case RATLS_NONE:
		break;
	}
	memset(ret, 0, SHA256_SIZE);
}

/* All 64 bytes, but for a second half that the caller takes as it comes. */
static void judge_any_binding(struct judge *judge, const struct ratls_subject *subject,
			      const struct attest_certificate *question)
{
	uint8_t expected[ATTEST_REPORT_DATA_SIZE] = {0};

	hash_bound(subject, expected);
	if (question->extra.data)
		memcpy(expected + BOUND_SIZE, question->extra.data, EXTRA_SIZE);
	evidence_judge_binding(judge, expected,
			       question->any_extra && subject->form->binding != RATLS_CLAIMS ? BOUND_SIZE
											     : sizeof(expected));
}

/* A certificate of ours tells its own second half: a key for sealed boxes. */
static bool is_ours(const struct ratls_subject *subject)
{
	return subject->form->binding == RATLS_POINT && x509_find_extension(subject->cert, RATLS_INSTANCE_OID);
}

void ratls_judge_any(struct judge *judge, const struct attest_certificate *question)
{
	scoped(ratls_subject_done) struct ratls_subject subject = {0};
	struct instance instance;

	if (!judge_certificate(judge, question->certificate, false, &subject))
		return;
	judge_dates(judge, subject.cert);
	judge_age(judge, subject.cert, question->age_max_s);
	if (ratls_subject_judge(judge, &subject)) {
		judge_claims(judge, &subject);
		if (is_ours(&subject) && !question->extra.data)
			judge_identity(judge, subject.cert);
		else
			judge_any_binding(judge, &subject, question);
	}
	if (is_ours(&subject))
		(void)ratls_judge_instance(judge, subject.cert, NULL, &instance);
	judge_tls_key(judge, question->tls_key);
}
