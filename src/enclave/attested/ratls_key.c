/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/attested/ratls_key.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/p256.h"
#include "crypto/x509_build.h"

#define NAMES_MAX 2 /* domain and config_domain */
#define LIFE_SECONDS (365LL * 24 * 3600)
#define CLOCK_SLACK_SECONDS 3600 /* a client's clock may be behind ours; nobody derives freshness from the date */

static struct p256_key *key;

int ratls_key_generate(uint8_t ret_point[static RATLS_POINT_SIZE], struct err *err)
{
	assert(!key);
	if (p256_generate(&key, err) < 0)
		return err_prefix(err, "cannot make the RA-TLS key");
	p256_point(key, ret_point);
	return 0;
}

int ratls_key_save(struct secret *ret_der, struct err *err)
{
	return p256_save_der(key, ret_der, err);
}

int ratls_key_load(const struct secret *der, uint8_t ret_point[static RATLS_POINT_SIZE], struct err *err)
{
	assert(!key);
	if (p256_load_der(der->data, der->size, &key, err) < 0)
		return err_prefix(err, "RA-TLS key");
	p256_point(key, ret_point);
	return 0;
}

struct names {
	const char *dns[NAMES_MAX];
	const char *ip[NAMES_MAX];
	size_t dns_count;
	size_t ip_count;
};

static void add_name(struct names *names, const char *name)
{
	uint8_t address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1)
		names->ip[names->ip_count++] = name;
	else
		names->dns[names->dns_count++] = name;
}

static int validity(const struct ratls_contents *contents, struct x509_spec *spec, struct err *err)
{
	const char *expires = contents->instance->expires;

	spec->not_before = contents->now - CLOCK_SLACK_SECONDS;
	spec->not_after = contents->now + LIFE_SECONDS;
	if (expires[0] && clock_parse_utc(expires, &spec->not_after, err) < 0)
		return err_prefix(err, "instance member 'expires'");
	return 0;
}

int ratls_key_make_certificate(const struct ratls_contents *contents, struct buf *ret_der, struct err *err)
{
	const struct instance *instance = contents->instance;
	const struct x509_extension extensions[] = {
	    {.oid = contents->quote_oid, .data = contents->quote->data, .size = contents->quote->size},
	    {.oid = RATLS_OID_INSTANCE, .data = contents->document->data, .size = contents->document->size},
	};
	struct names names = {0};
	struct x509_spec spec = {
	    .subject = instance->subject,
	    .basic_constraints = true,
	    .key_usage = X509_USAGE_DIGITAL_SIGNATURE,
	    .extended_usage = X509_EXTENDED_SERVER_AUTH,
	    .extensions = extensions,
	    .extension_count = COUNT_OF(extensions),
	};

	add_name(&names, instance->domain);
	if (strcmp(instance->domain, instance->config_domain) != 0)
		add_name(&names, instance->config_domain);
	spec.dns_names = names.dns;
	spec.dns_count = names.dns_count;
	spec.ip_addresses = names.ip;
	spec.ip_count = names.ip_count;
	if (validity(contents, &spec, err) < 0 || x509_build(&spec, key, NULL, NULL, ret_der, err) < 0)
		return err_prefix(err, "cannot make the RA-TLS certificate");
	return 0;
}

int ratls_key_install_in_tls(const struct buf *certificate, struct tls_identity **ret_identity, struct err *err)
{
	const struct tls_der leaf = {.data = certificate->data, .size = certificate->size};

	return tls_identity_from_der(&leaf, 1, p256_evp(key), ret_identity, err);
}

void ratls_key_wipe(void)
{
	p256_free(key);
	key = NULL;
}
