/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/ratls.h"

#include <stdio.h>
#include <string.h>

#include "attest/evidence.h"
#include "attest/fresh_binding.h"
#include "attest/trust.h"
#include "base/clock.h"
#include "crypto/hash.h"
#include "format/hex.h"

#define EXTENDED_SERVER_AUTH "1.3.6.1.5.5.7.3.1"
#define IDENTITY_POINT_SIZE 32
#define SANS_MAX 2

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
		if (x509_oid_is(oid, EXTENDED_SERVER_AUTH))
			return 0;
	}
	return err_set(err, ERR_INVALID, "extKeyUsage is not for TLS servers");
}

int ratls_find_quote(const struct x509_cert *cert, struct attest_bytes *ret, struct err *err)
{
	const struct x509_ext *quote = x509_find_extension(cert, RATLS_QUOTE_OID);

	if (x509_find_extension(cert, RATLS_SNP_OID) || x509_find_extension(cert, RATLS_TDX_OID))
		return err_set(err, ERR_UNSUPPORTED, "the certificate carries evidence that is not SGX");
	if (!quote)
		return err_set(err, ERR_INVALID, "no quote extension %s", RATLS_QUOTE_OID);
	if (quote->critical)
		return err_set(err, ERR_INVALID, "the quote extension is critical");
	*ret = (struct attest_bytes){quote->value.data, quote->value.size};
	return 0;
}

/* V1 and V2, but for what x509_parse has already refused. CA:TRUE is taken: the original's certificates have it. */
static int check_certificate(const struct x509_cert *cert, struct attest_bytes *ret_quote, struct err *err)
{
	if (x509_check_critical(cert, KNOWN_CRITICAL, err) < 0)
		return -1;
	if (!der_equal(cert->issuer, cert->subject))
		return err_set(err, ERR_INVALID, "issuer and subject differ");
	if (cert->has_key_usage && !(cert->key_usage & X509_BIT_DIGITAL_SIGNATURE))
		return err_set(err, ERR_INVALID, "keyUsage lacks digitalSignature");
	if (check_extended_usage(cert, err) < 0 || ratls_find_quote(cert, ret_quote, err) < 0)
		return -1;
	if (x509_verify(cert, cert, err) < 0)
		return err_prefix(err, "self-signature");
	return 0;
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

/* V4. */
static void judge_identity(struct judge *judge, const struct x509_cert *cert)
{
	uint8_t point[65] = {0x04};
	uint8_t hash[SHA256_SIZE];

	memcpy(point + 1, cert->point, sizeof(cert->point));
	sha256(point, sizeof(point), hash);
	if (fresh_is_reserved(judge->facts->report_data)) {
		(void)judge_fail(judge, "binding", ATTEST_ERROR_BINDING,
				 "REPORTDATA is of another kind of evidence (\"mse-...\")");
		return;
	}
	evidence_judge_binding(judge, hash, IDENTITY_POINT_SIZE);
	memcpy(judge->verdict->identity, judge->facts->report_data, sizeof(judge->verdict->identity));
	judge->verdict->has_identity = true;
}

static void judge_field(struct judge *judge, const char *name, const char *seen, const char *wanted)
{
	char check[ATTEST_NAME_SIZE];

	(void)snprintf(check, sizeof(check), "instance.%s", name);
	if (!wanted)
		(void)judge_skip(judge, check, "is '%s', not compared", seen);
	else if (strcmp(seen, wanted) != 0)
		(void)judge_fail(judge, check, ATTEST_ERROR_INSTANCE_FIELD, "is '%s', expected '%s'", seen, wanted);
	else
		judge_pass(judge, check, "is '%s', as expected", seen);
}

static void judge_tls_mode(struct judge *judge, enum instance_tls tls, const char *wanted)
{
	if (wanted)
		judge_field(judge, "tls", instance_tls_text(tls), wanted);
	else if (tls == INSTANCE_TLS_OPERATOR)
		(void)judge_fail(judge, "instance.tls", ATTEST_ERROR_INSTANCE_FIELD,
				 "is 'operator': TLS ends in the operator's proxy, expected an end in the enclave");
	else
		judge_pass(judge, "instance.tls", "is '%s': TLS ends in the enclave", instance_tls_text(tls));
}

static void judge_expires(struct judge *judge, const char *expires, const char *wanted)
{
	int64_t until;
	struct err err = ERR_INIT;

	if (expires[0] && clock_parse_utc(expires, &until, &err) == 0) {
		judge_expiry(judge, "instance", INT64_MIN, until);
		if (judge->time > until) {
			(void)judge_fail(judge, "instance.expires", ATTEST_ERROR_INSTANCE_FIELD,
					 "the instance has expired: '%s'", expires);
			return;
		}
	}
	judge_field(judge, "expires", expires, wanted);
}

/* SAN is exactly domain and config_domain, one name if they are equal, in any order. */
static void judge_san(struct judge *judge, const struct x509_cert *cert, const struct instance *instance)
{
	const struct x509_ext *extension = x509_find_extension(cert, X509_OID_SUBJECT_ALT_NAME);
	const size_t wanted = strcmp(instance->domain, instance->config_domain) == 0 ? 1 : 2;
	char name[X509_SAN_TEXT_SIZE];
	bool domain = false;
	bool config_domain = false;
	size_t count = 0;
	struct der reader = {0};
	struct err err = ERR_INIT;
	int found = 0;

	if (extension && x509_san_open(extension, &reader, &err) == 0) {
		while ((found = x509_san_next(&reader, name, &err)) > 0) {
			count++;
			domain = domain || strcmp(name, instance->domain) == 0;
			config_domain = config_domain || strcmp(name, instance->config_domain) == 0;
		}
	}
	if (found < 0 || count != wanted || !domain || !config_domain)
		(void)judge_fail(judge, "instance.san", ATTEST_ERROR_INSTANCE_FIELD,
				 "subjectAltName is not exactly '%s' and '%s'", instance->domain,
				 instance->config_domain);
	else
		judge_pass(judge, "instance.san", "subjectAltName names the document's domains");
}

static void judge_fields(struct judge *judge, const struct x509_cert *cert, const struct instance *instance,
			 const struct attest_instance_expected *expected)
{
	judge_field(judge, "certificate", instance->certificate, expected->certificate);
	judge_field(judge, "config_domain", instance->config_domain, expected->config_domain);
	judge_field(judge, "domain", instance->domain, expected->domain);
	judge_expires(judge, instance->expires, expected->expires);
	judge_field(judge, "log_key", instance->log_key, expected->log_key);
	judge_field(judge, "subject", instance->subject, expected->subject);
	judge_tls_mode(judge, instance->tls, expected->tls);
	judge_field(judge, "uuid", instance->uuid, expected->uuid);
	judge_san(judge, cert, instance);
}

/* V5. False if there is no document to go on with. */
static bool judge_instance(struct judge *judge, const struct x509_cert *cert,
			   const struct attest_instance_expected *expected, struct instance *ret)
{
	const struct x509_ext *extension = x509_find_extension(cert, RATLS_INSTANCE_OID);
	struct attest_verdict *verdict = judge->verdict;
	struct err err = ERR_INIT;

	if (!extension)
		return judge_fail(judge, "instance", ATTEST_ERROR_INSTANCE_MISSING,
				  "the certificate has no instance document (%s)", RATLS_INSTANCE_OID);
	if (extension->critical)
		return judge_fail(judge, "instance", ATTEST_ERROR_RATLS_CERTIFICATE,
				  "the instance extension is critical");
	if (instance_parse(extension->value.data, extension->value.size, ret, &err) < 0)
		return judge_fail_err(judge, "instance", ATTEST_ERROR_INSTANCE_MALFORMED, &err);
	judge_pass(judge, "instance", "canonical document of %zu bytes", extension->value.size);
	sha256(extension->value.data, extension->value.size, verdict->instance_hash);
	memcpy(verdict->instance_document, extension->value.data, extension->value.size);
	verdict->has_instance = true;
	judge_fields(judge, cert, ret, expected);
	return true;
}

/* V6: role 1 in every mode, role 2 in self mode. */
static void judge_tls_key(struct judge *judge, const struct x509_cert *cert, const struct ratls_question *question,
			  const struct instance *instance)
{
	uint8_t key[SHA256_SIZE];
	char seen[HEX_TEXT_SIZE(SHA256_SIZE)];

	if (!question->tls_key) {
		(void)judge_skip(judge, "tls-key", "no TLS connection was given: nothing says who holds this key now");
		return;
	}
	if (question->role == ATTEST_ROLE_APPLICATION && (!instance || instance->tls != INSTANCE_TLS_SELF)) {
		(void)judge_skip(judge, "tls-key", "TLS mode is '%s': the handshake shows another key",
				 instance ? instance_tls_text(instance->tls) : "unknown");
		return;
	}
	sha256(cert->spki.data, cert->spki.size, key);
	hex_encode(question->tls_key, SHA256_SIZE, seen);
	if (memcmp(key, question->tls_key, sizeof(key)) != 0)
		(void)judge_fail(judge, "tls-key", ATTEST_ERROR_TLS_KEY,
				 "the handshake showed key %s, not the certificate's", seen);
	else
		judge_pass(judge, "tls-key", "the handshake showed the certificate's key %s", seen);
}

void ratls_judge(struct judge *judge, const struct ratls_question *question)
{
	scoped(x509_cert_freep) struct x509_cert *cert = NULL;
	struct attest_bytes quote = {0};
	struct instance instance;
	struct err err = ERR_INIT;
	bool has_instance;

	if (trust_parse_certificate(question->certificate, &cert, &err) < 0) {
		(void)judge_fail_err(judge, "certificate", ATTEST_ERROR_RATLS_CERTIFICATE, &err);
		return;
	}
	if (check_certificate(cert, &quote, &err) < 0) {
		(void)judge_fail_err(judge, "certificate", ATTEST_ERROR_RATLS_CERTIFICATE, &err);
		if (!quote.data)
			return;
	} else {
		judge_pass(judge, "certificate", "strict form, P-256 key, signed by itself, one quote");
	}
	judge_dates(judge, cert);
	if (evidence_judge(judge, &(struct attest_evidence){.quote = quote}))
		judge_identity(judge, cert);
	has_instance = judge_instance(judge, cert, question->instance, &instance);
	judge_tls_key(judge, cert, question, has_instance ? &instance : NULL);
}
