/* SPDX-License-Identifier: Apache-2.0 */
/* The instance document in a certificate of ours: V5. */
#include <stdio.h>
#include <string.h>

#include "attest/ratls.h"
#include "base/clock.h"
#include "crypto/hash.h"

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

static void judge_tls_mode(struct judge *judge, enum instance_tls tls, const char *wanted, bool any)
{
	if (wanted || any)
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

/* expected NULL: nothing is compared, but what contradicts itself or has ended is refused all the same. */
static void judge_fields(struct judge *judge, const struct x509_cert *cert, const struct instance *instance,
			 const struct attest_instance_expected *wanted)
{
	static const struct attest_instance_expected NOTHING = {0};
	const struct attest_instance_expected *expected = wanted ? wanted : &NOTHING;

	judge_field(judge, "certificate", instance->certificate, expected->certificate);
	judge_field(judge, "config_domain", instance->config_domain, expected->config_domain);
	judge_field(judge, "domain", instance->domain, expected->domain);
	judge_expires(judge, instance->expires, expected->expires);
	judge_field(judge, "log_key", instance->log_key, expected->log_key);
	judge_field(judge, "subject", instance->subject, expected->subject);
	judge_tls_mode(judge, instance->tls, expected->tls, !wanted);
	judge_field(judge, "uuid", instance->uuid, expected->uuid);
	judge_san(judge, cert, instance);
}

bool ratls_judge_instance(struct judge *judge, const struct x509_cert *cert,
			  const struct attest_instance_expected *expected, struct instance *ret)
{
	const struct x509_ext *extension = x509_find_extension(cert, RATLS_INSTANCE_OID);
	struct attest_verdict *verdict = judge->verdict;
	struct err err = ERR_INIT;

	if (!extension && !expected)
		return judge_skip(judge, "instance", "the certificate has no instance document, and none is expected");
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
