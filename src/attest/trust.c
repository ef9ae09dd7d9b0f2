/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/trust.h"

#include <string.h>

#include "crypto/hash.h"
#include "format/pem.h"

/*
 * "Intel SGX Root CA", 2018-05-21 to 2049-12-31: certificate SHA-256
 * 44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3, SubjectPublicKeyInfo SHA-256
 * a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e (attestation-evidence.md section 1.5). Pinned by its
 * key, so that a certificate issued anew for the same key is still Intel's.
 */
static const uint8_t INTEL_ROOT_KEY[64] = {
    0x0b, 0xa9, 0xc4, 0xc0, 0xc0, 0xc8, 0x61, 0x93, 0xa3, 0xfe, 0x23, 0xd6, 0xb0, 0x2c, 0xda, 0x10,
    0xa8, 0xbb, 0xd4, 0xe8, 0x8e, 0x48, 0xb4, 0x45, 0x85, 0x61, 0xa3, 0x6e, 0x70, 0x55, 0x25, 0xf5,
    0x67, 0x91, 0x8e, 0x2e, 0xdc, 0x88, 0xe4, 0x0d, 0x86, 0x0b, 0xd0, 0xcc, 0x4e, 0xe2, 0x6a, 0xac,
    0xc9, 0x88, 0xe5, 0x05, 0xa9, 0x53, 0x55, 0x8c, 0x45, 0x3f, 0x6b, 0x09, 0x04, 0xae, 0x73, 0x94,
};

#define DER_FIRST_BYTE 0x30 /* of every certificate; PEM begins with '-' or white space */

int trust_parse_certificate(struct attest_bytes bytes, struct x509_cert **ret, struct err *err)
{
	struct pem_reader reader = {.text = (const char *)bytes.data, .size = bytes.size};
	scoped(buf_done) struct buf der = BUF_INIT(X509_PARSE_SIZE_MAX);
	scoped(buf_done) struct buf second = BUF_INIT(X509_PARSE_SIZE_MAX);
	int found;

	if (!bytes.data || bytes.size == 0)
		return err_set(err, ERR_INVALID, "no certificate");
	if (bytes.data[0] == DER_FIRST_BYTE)
		return x509_parse(bytes.data, bytes.size, ret, err);
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
	return x509_parse(der.data, der.size, ret, err);
}

static int add_hardware(struct trust *trust, struct attest_bytes bytes, struct err *err)
{
	scoped(x509_cert_freep) struct x509_cert *cert = NULL;

	if (trust->hardware_count == TRUST_ROOTS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d roots", TRUST_ROOTS_MAX);
	if (trust_parse_certificate(bytes, &cert, err) < 0)
		return err_prefix(err, "root");
	if (x509_find_extension(cert, TRUST_SIMULATION_OID))
		return err_set(err, ERR_UNTRUSTED, "a root given as hardware carries the simulation's marker");
	memcpy(trust->hardware_keys[trust->hardware_count++], cert->point, sizeof(cert->point));
	return 0;
}

static int add_simulation(struct trust *trust, struct attest_bytes bytes, struct err *err)
{
	scoped(x509_cert_freep) struct x509_cert *cert = NULL;

	if (trust->simulation_count == TRUST_ROOTS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d simulation roots", TRUST_ROOTS_MAX);
	if (trust_parse_certificate(bytes, &cert, err) < 0)
		return err_prefix(err, "simulation root");
	sha256(cert->bytes, cert->size, trust->simulation_hashes[trust->simulation_count++]);
	return 0;
}

int trust_init(struct trust *ret, const struct attest_roots *roots, const struct attest_policy *policy, struct err *err)
{
	*ret = (struct trust){0};
	if (!roots || !roots->no_vendor_roots)
		memcpy(ret->hardware_keys[ret->hardware_count++], INTEL_ROOT_KEY, sizeof(INTEL_ROOT_KEY));
	for (size_t i = 0; roots && i < roots->hardware_count; i++)
		if (add_hardware(ret, roots->hardware[i], err) < 0)
			return -1;
	for (size_t i = 0; i < policy->simulation_root_count; i++)
		if (add_simulation(ret, policy->simulation_roots[i], err) < 0)
			return -1;
	return 0;
}

enum trust_kind trust_find(const struct trust *trust, const struct x509_cert *root)
{
	uint8_t hash[SHA256_SIZE];

	sha256(root->bytes, root->size, hash);
	for (size_t i = 0; i < trust->simulation_count; i++)
		if (memcmp(trust->simulation_hashes[i], hash, sizeof(hash)) == 0)
			return TRUST_SIMULATION;
	for (size_t i = 0; i < trust->hardware_count; i++)
		if (memcmp(trust->hardware_keys[i], root->point, sizeof(root->point)) == 0)
			return TRUST_HARDWARE;
	return TRUST_NONE;
}
