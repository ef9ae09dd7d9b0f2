/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/trust.h"

#include <string.h>

#include "crypto/hash.h"
#include "format/pem.h"

/*
 * Pinned by key (SHA-256 of the SubjectPublicKeyInfo), so that a certificate issued anew for the same key is still the
 * vendor's. From attestation-evidence.md sections 1.5 and 3, where the sources are named; SHA-256 of the certificates:
 *   Intel SGX Root CA, 2018-05-21 to 2049-12-31
 *              44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3
 *   ARK-Milan  69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd
 *   ARK-Genoa  4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1
 *   ARK-Turin  1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a
 */
static const uint8_t VENDOR_KEYS[][SHA256_SIZE] = {
    /* Intel SGX Root CA */
    {0xa0, 0xaf, 0x03, 0x12, 0x89, 0xf5, 0xd5, 0xd4, 0x13, 0x2f, 0x91, 0x86, 0x06, 0x8a, 0x7f, 0xc1,
     0x36, 0x28, 0x63, 0x3b, 0xa2, 0x35, 0x77, 0x74, 0x72, 0xe2, 0x9b, 0x6b, 0x6c, 0x67, 0xa4, 0x9e},
    /* ARK-Milan */
    {0x9f, 0x05, 0x6b, 0xee, 0x44, 0x37, 0x7e, 0x29, 0x30, 0x8c, 0xb5, 0xff, 0xa8, 0x95, 0xbd, 0xfb,
     0x62, 0xd1, 0x88, 0x81, 0xfa, 0x6b, 0xed, 0x8d, 0x6f, 0x07, 0x5b, 0x02, 0x04, 0x08, 0x9c, 0xb9},
    /* ARK-Genoa */
    {0x42, 0x9a, 0x69, 0xc9, 0x42, 0x2a, 0xa2, 0x58, 0xee, 0x4d, 0x8d, 0xb5, 0xfc, 0xda, 0x9c, 0x64,
     0x70, 0xef, 0x15, 0xf8, 0xcd, 0x5a, 0x9c, 0xeb, 0xd6, 0xcb, 0xc7, 0xd9, 0x0b, 0x86, 0x38, 0x31},
    /* ARK-Turin */
    {0x4f, 0x12, 0x54, 0x10, 0x56, 0x3a, 0x2a, 0xb9, 0xa5, 0x03, 0x56, 0xf9, 0x24, 0x3f, 0x6f, 0xe0,
     0xb6, 0xf7, 0x3d, 0xe9, 0x86, 0x03, 0xf5, 0x3f, 0x90, 0x33, 0x9c, 0x70, 0xe9, 0xd7, 0xad, 0x08},
};

#define DER_FIRST_BYTE 0x30 /* of every certificate; PEM begins with '-' or white space */

typedef int (*parse_fn)(const void *der, size_t size, struct x509_cert **ret, struct err *err);

static int parse_one(struct attest_bytes bytes, parse_fn parse, struct x509_cert **ret, struct err *err)
{
	struct pem_reader reader = {.text = (const char *)bytes.data, .size = bytes.size};
	scoped(buf_done) struct buf der = BUF_INIT(X509_PARSE_SIZE_MAX);
	scoped(buf_done) struct buf second = BUF_INIT(X509_PARSE_SIZE_MAX);
	int found;

	if (!bytes.data || bytes.size == 0)
		return err_set(err, ERR_INVALID, "no certificate");
	if (bytes.data[0] == DER_FIRST_BYTE)
		return parse(bytes.data, bytes.size, ret, err);
	found = pem_next(&reader, PEM_CERTIFICATE, &der, err);
	if (found < 0)
		return -1;
	if (found == 0)
		return err_set(err, ERR_INVALID, "no certificate");
	found = pem_next(&reader, PEM_CERTIFICATE, &second, err);
	if (found < 0)
		return -1;
	if (found > 0)
		return err_set(err, ERR_INVALID, "more than one certificate");
	return parse(der.data, der.size, ret, err);
}

int trust_parse_self_certificate(struct attest_bytes bytes, struct x509_cert **ret, struct err *err)
{
	return parse_one(bytes, x509_parse_self, ret, err);
}

int trust_parse_certificate(struct attest_bytes bytes, struct x509_cert **ret, struct err *err)
{
	return parse_one(bytes, x509_parse, ret, err);
}

int trust_parse_amd_certificate(struct attest_bytes bytes, struct x509_cert **ret, struct err *err)
{
	return parse_one(bytes, x509_parse_amd, ret, err);
}

static int parse_root(struct attest_bytes bytes, struct x509_cert **ret, struct err *err)
{
	return parse_one(bytes, x509_parse_root, ret, err);
}

static void hash_key(const struct x509_cert *cert, uint8_t ret[static SHA256_SIZE])
{
	sha256(cert->spki.data, cert->spki.size, ret);
}

static int add_hardware(struct trust *trust, struct attest_bytes bytes, struct err *err)
{
	scoped(x509_cert_freep) struct x509_cert *cert = NULL;

	if (trust->hardware_count == TRUST_ROOTS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d roots", TRUST_ROOTS_MAX);
	if (parse_root(bytes, &cert, err) < 0)
		return err_prefix(err, "root");
	if (x509_find_extension(cert, TRUST_SIMULATION_OID))
		return err_set(err, ERR_UNTRUSTED, "a root given as hardware carries the simulation's marker");
	hash_key(cert, trust->hardware_keys[trust->hardware_count++]);
	return 0;
}

static int add_simulation(struct trust *trust, struct attest_bytes bytes, struct err *err)
{
	scoped(x509_cert_freep) struct x509_cert *cert = NULL;

	if (trust->simulation_count == TRUST_ROOTS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d simulation roots", TRUST_ROOTS_MAX);
	if (parse_root(bytes, &cert, err) < 0)
		return err_prefix(err, "simulation root");
	sha256(cert->bytes, cert->size, trust->simulation_hashes[trust->simulation_count++]);
	return 0;
}

int trust_init(struct trust *ret, const struct attest_roots *roots, const struct attest_policy *policy, struct err *err)
{
	*ret = (struct trust){0};
	for (size_t i = 0; (!roots || !roots->no_vendor_roots) && i < COUNT_OF(VENDOR_KEYS); i++)
		memcpy(ret->hardware_keys[ret->hardware_count++], VENDOR_KEYS[i], SHA256_SIZE);
	for (size_t i = 0; roots && i < roots->hardware_count; i++)
		if (add_hardware(ret, roots->hardware[i], err) < 0)
			return -1;
	for (size_t i = 0; i < policy->simulation_root_count; i++)
		if (add_simulation(ret, policy->simulation_roots[i], err) < 0)
			return -1;
	return 0;
}

enum trust_kind trust_find(const struct trust *trust, const struct x509_cert *root,
			   uint8_t ret_hash[static SHA256_SIZE])
{
	uint8_t hash[SHA256_SIZE];

	sha256(root->bytes, root->size, ret_hash);
	for (size_t i = 0; i < trust->simulation_count; i++)
		if (memcmp(trust->simulation_hashes[i], ret_hash, SHA256_SIZE) == 0)
			return TRUST_SIMULATION;
	hash_key(root, hash);
	for (size_t i = 0; i < trust->hardware_count; i++)
		if (memcmp(trust->hardware_keys[i], hash, sizeof(hash)) == 0)
			return TRUST_HARDWARE;
	return TRUST_NONE;
}
