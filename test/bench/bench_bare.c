/* SPDX-License-Identifier: Apache-2.0 */
#include "bench_bare.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "format/intel_quote.h"
#include "format/signed_json.h"
#include "format/snp_report.h"

#define CERTS_MAX 8
#define POINT_SIZE 65

/* One signature: over data, by the key of a certificate or by a point. */
struct signature {
	const void *data;
	size_t size;
	uint8_t der[160];
	size_t der_size;
	EVP_PKEY *key; /* ready; NULL: made from point each time */
	uint8_t point[POINT_SIZE];
	bool is_p384;
};

struct blob {
	uint8_t *data;
	size_t size;
	int issuer; /* index of the certificate that signed it */
};

struct bare {
	struct signature warm[2];
	size_t warm_count;
	struct signature json[2];
	size_t json_count;
	struct blob certs[CERTS_MAX];
	size_t cert_count;
	struct blob crls[2];
	size_t crl_count;
	struct signed_json parsed[2];
	X509 *leaf;
};

static void must(bool right)
{
	if (!right)
		abort();
}

static size_t der_of(const uint8_t *r, const uint8_t *s, int size, bool little_endian, uint8_t *ret)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	int written;

	must(sig && ECDSA_SIG_set0(sig, little_endian ? BN_lebin2bn(r, size, NULL) : BN_bin2bn(r, size, NULL),
				   little_endian ? BN_lebin2bn(s, size, NULL) : BN_bin2bn(s, size, NULL)) == 1);
	written = i2d_ECDSA_SIG(sig, &ret);
	must(written > 0);
	ECDSA_SIG_free(sig);
	return (size_t)written;
}

static EVP_PKEY *key_of_point(const uint8_t point[static POINT_SIZE])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	char group[] = "prime256v1";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	    OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point, POINT_SIZE),
	    OSSL_PARAM_construct_end(),
	};

	must(EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static void verify(const struct signature *signature, EVP_PKEY *key)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	must(EVP_DigestVerifyInit(ctx, NULL, signature->is_p384 ? EVP_sha384() : EVP_sha256(), NULL, key) == 1);
	must(EVP_DigestVerify(ctx, signature->der, signature->der_size, signature->data, signature->size) == 1);
	EVP_MD_CTX_free(ctx);
}

static void verify_once(const struct signature *signature)
{
	EVP_PKEY *key = signature->key ? signature->key : key_of_point(signature->point);

	verify(signature, key);
	if (!signature->key)
		EVP_PKEY_free(key);
}

void bare_warm(const struct bare *bare)
{
	for (size_t i = 0; i < bare->warm_count; i++)
		verify_once(&bare->warm[i]);
}

/* X509_verify does the same calls for both vendors' algorithms, parameters of RSASSA-PSS included. */
void bare_cold(const struct bare *bare)
{
	X509 *certs[CERTS_MAX];

	for (size_t i = 0; i < bare->cert_count; i++) {
		const unsigned char *at = bare->certs[i].data;

		certs[i] = d2i_X509(NULL, &at, (long)bare->certs[i].size);
		must(certs[i]);
	}
	for (size_t i = 0; i < bare->cert_count; i++)
		must(X509_verify(certs[i], X509_get0_pubkey(certs[bare->certs[i].issuer])) == 1);
	for (size_t i = 0; i < bare->crl_count; i++) {
		const unsigned char *at = bare->crls[i].data;
		X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)bare->crls[i].size);

		must(crl && X509_CRL_verify(crl, X509_get0_pubkey(certs[bare->crls[i].issuer])) == 1);
		X509_CRL_free(crl);
	}
	/* The TCB signer stands behind the chain of the PCK. */
	for (size_t i = 0; i < bare->json_count; i++)
		verify(&bare->json[i], X509_get0_pubkey(certs[bare->cert_count - 1]));
	for (size_t i = 0; i < bare->warm_count; i++)
		if (bare->warm[i].key)
			verify(&bare->warm[i], X509_get0_pubkey(certs[0]));
		else
			verify_once(&bare->warm[i]);
	for (size_t i = 0; i < bare->cert_count; i++)
		X509_free(certs[i]);
}

/* Certificates of a PEM text; the issuer of each is the next, of the last itself. */
static void add_chain(struct bare *bare, struct attest_bytes pem)
{
	BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
	X509 *cert;

	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		struct blob *blob = &bare->certs[bare->cert_count++];

		blob->size = (size_t)i2d_X509(cert, &blob->data);
		blob->issuer = (int)bare->cert_count;
		X509_free(cert);
	}
	bare->certs[bare->cert_count - 1].issuer = (int)bare->cert_count - 1;
	BIO_free(bio);
}

static void add_copy(struct blob *blobs, size_t *count, struct attest_bytes bytes, int issuer)
{
	struct blob *blob = &blobs[(*count)++];

	blob->data = malloc(bytes.size);
	must(blob->data);
	memcpy(blob->data, bytes.data, bytes.size);
	blob->size = bytes.size;
	blob->issuer = issuer;
}

static void add_json(struct bare *bare, struct attest_bytes bytes, const char *name)
{
	struct signed_json *parsed = &bare->parsed[bare->json_count];
	struct signature *signature = &bare->json[bare->json_count++];
	struct err err = ERR_INIT;

	must(signed_json_parse(bytes.data, bytes.size, name, parsed, &err) == 0);
	signature->data = parsed->signed_data;
	signature->size = parsed->signed_size;
	signature->der_size = der_of(parsed->signature, parsed->signature + 32, 32, false, signature->der);
}

static void use_leaf(struct bare *bare)
{
	const unsigned char *at = bare->certs[0].data;

	bare->leaf = d2i_X509(NULL, &at, (long)bare->certs[0].size);
	must(bare->leaf);
	bare->warm[0].key = X509_get0_pubkey(bare->leaf);
}

static void load_quote(struct bare *bare, struct attest_bytes bytes, const struct attest_collateral_bytes *given)
{
	struct intel_quote quote;
	enum intel_quote_fault fault;
	struct err err = ERR_INIT;

	must(intel_quote_parse(bytes.data, bytes.size, &quote, &fault, &err) == 0);
	add_chain(bare, (struct attest_bytes){quote.cert_data, quote.cert_data_size});
	use_leaf(bare);
	/* Of the signer's chain only the signer is new: its root is the PCK chain's. */
	add_chain(bare, given->tcb_info_issuer_chain);
	free(bare->certs[--bare->cert_count].data);
	bare->certs[3].issuer = 2;
	add_copy(bare->crls, &bare->crl_count, given->root_ca_crl, 2);
	add_copy(bare->crls, &bare->crl_count, given->pck_crl, 1);
	add_json(bare, given->tcb_info, "tcbInfo");
	add_json(bare, given->qe_identity, "enclaveIdentity");
	bare->warm_count = 2;
	bare->warm[0].data = quote.qe_report.bytes;
	bare->warm[0].size = 384;
	bare->warm[0].der_size =
	    der_of(quote.qe_report_signature, quote.qe_report_signature + 32, 32, false, bare->warm[0].der);
	bare->warm[1].data = quote.signed_bytes;
	bare->warm[1].size = quote.signed_size;
	bare->warm[1].der_size = der_of(quote.signature, quote.signature + 32, 32, false, bare->warm[1].der);
	bare->warm[1].point[0] = POINT_CONVERSION_UNCOMPRESSED;
	memcpy(bare->warm[1].point + 1, quote.attestation_key, 64);
}

static void load_report(struct bare *bare, struct attest_bytes bytes, const struct attest_collateral_bytes *given)
{
	struct snp_report report;
	enum snp_report_fault fault;
	struct err err = ERR_INIT;

	must(snp_report_parse(bytes.data, bytes.size, &report, &fault, &err) == 0);
	add_copy(bare->certs, &bare->cert_count, given->vek, 1);
	add_copy(bare->certs, &bare->cert_count, given->ask, 2);
	add_copy(bare->certs, &bare->cert_count, given->ark, 2);
	add_copy(bare->crls, &bare->crl_count, given->ark_crl, 2);
	use_leaf(bare);
	bare->warm_count = 1;
	bare->warm[0].is_p384 = true;
	bare->warm[0].data = bytes.data;
	bare->warm[0].size = 0x2a0;
	bare->warm[0].der_size = der_of(bytes.data + 0x2a0, bytes.data + 0x2a0 + 72, 48, true, bare->warm[0].der);
}

struct bare *bare_new(const struct attest_evidence *evidence, const struct attest_collateral_bytes *bytes)
{
	struct bare *bare = calloc(1, sizeof(*bare));

	must(bare);
	if (evidence->report.data)
		load_report(bare, evidence->report, bytes);
	else
		load_quote(bare, evidence->quote, bytes);
	return bare;
}

void bare_free(struct bare *bare)
{
	for (size_t i = 0; i < bare->cert_count; i++)
		free(bare->certs[i].data);
	for (size_t i = 0; i < bare->crl_count; i++)
		free(bare->crls[i].data);
	for (size_t i = 0; i < bare->json_count; i++)
		signed_json_done(&bare->parsed[i]);
	X509_free(bare->leaf);
	free(bare);
}
