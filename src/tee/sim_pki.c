/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/sim_pki.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "crypto/random.h"
#include "format/pem.h"
#include "tee/sim_priv.h"

#define YEAR (365LL * 86400)
#define EXTENSIONS 2
#define EXTENSION_SIZE_MAX 4096

/* The marker's value: UTF8String. Who finds it reads what it means. */
static const char marker_text[] = "MSE simulation: no hardware protects this";

/* What distinguishes the four certificates. The subjects contain the names that attestation-evidence.md section 2 asks
 * for. */
static const struct cert_row {
	const char *name;
	enum sim_cert issuer; /* itself: self-signed */
	bool is_ca;
	int path_length; /* plus one, as in struct x509_spec */
	unsigned key_usage;
	int64_t lifetime;
} cert_rows[SIM_CERT_COUNT] = {
    [SIM_CERT_ROOT] = {"CN=MSE Simulated SGX Root CA,O=MSE", SIM_CERT_ROOT, true, 2,
		       X509_USAGE_CERT_SIGN | X509_USAGE_CRL_SIGN, 20 * YEAR},
    [SIM_CERT_PLATFORM_CA] = {"CN=MSE Simulated SGX PCK Platform CA,O=MSE", SIM_CERT_ROOT, true, 1,
			      X509_USAGE_CERT_SIGN | X509_USAGE_CRL_SIGN, 15 * YEAR},
    [SIM_CERT_TCB_SIGNER] = {"CN=MSE Simulated SGX TCB Signing,O=MSE", SIM_CERT_ROOT, false, 0,
			     X509_USAGE_DIGITAL_SIGNATURE | X509_USAGE_NON_REPUDIATION, 10 * YEAR},
    [SIM_CERT_PCK] = {"CN=MSE Simulated SGX PCK Certificate,O=MSE", SIM_CERT_PLATFORM_CA, false, 0,
		      X509_USAGE_DIGITAL_SIGNATURE | X509_USAGE_NON_REPUDIATION, 10 * YEAR},
};

#define PROCESSOR_CA_NAME "CN=MSE Simulated SGX PCK Processor CA,O=MSE"

int sim_pki_alloc(const struct sim_pki_options *options, struct sim_pki **ret, struct err *err)
{
	struct sim_pki *pki = calloc(1, sizeof(*pki));

	if (!pki)
		return err_no_memory(err);
	if (options)
		pki->options = *options;
	for (size_t i = 0; i < SIM_CERT_COUNT; i++)
		pki->certs[i] = BUF_INIT(X509_DER_SIZE_MAX);
	for (size_t i = 0; i < SIM_ITEM_COUNT; i++)
		pki->items[i] = BUF_INIT(SIM_ITEM_SIZE_MAX);
	*ret = pki;
	return 0;
}

void sim_pki_free(struct sim_pki *pki)
{
	if (!pki)
		return;
	for (size_t i = 0; i < SIM_CERT_COUNT; i++) {
		p256_free(pki->keys[i]);
		buf_done(&pki->certs[i]);
	}
	for (size_t i = 0; i < SIM_ITEM_COUNT; i++)
		buf_done(&pki->items[i]);
	p256_free(pki->attestation_key);
	free(pki);
}

/* FMSPC "SIM" 00 00 01: no hardware has it. */
static void make_platform(const struct sim_pki_options *options, struct sim_platform *ret)
{
	static const uint8_t fmspc[6] = {'S', 'I', 'M', 0, 0, 1};

	if (options->own_platform) {
		*ret = options->platform;
		return;
	}
	*ret = (struct sim_platform){.pcesvn = 2};
	memset(ret->components, 2, sizeof(ret->components));
	memcpy(ret->cpusvn, ret->components, sizeof(ret->cpusvn));
	memcpy(ret->fmspc, fmspc, sizeof(ret->fmspc));
	random_bytes(ret->ppid, sizeof(ret->ppid));
	random_bytes(ret->platform_instance_id, sizeof(ret->platform_instance_id));
}

static const char *name_of(const struct sim_pki *pki, enum sim_cert which)
{
	if (pki->options.names[which])
		return pki->options.names[which];
	if (which == SIM_CERT_PLATFORM_CA && pki->platform.processor_ca)
		return PROCESSOR_CA_NAME;
	return cert_rows[which].name;
}

/* The value of the SGX extension, made or given, is added to ret. */
static int pck_value(const struct sim_pki *pki, struct buf *ret, struct err *err)
{
	const struct buf *given = pki->options.pck_extension;

	if (given)
		return buf_add(ret, given->data, given->size, err);
	return sim_extension_format(&pki->platform, ret, err);
}

static int marker_value(struct buf *ret, struct err *err)
{
	_Static_assert(sizeof(marker_text) <= 128, "short form of the length");
	if (buf_add_byte(ret, 0x0c, err) < 0 || buf_add_byte(ret, sizeof(marker_text) - 1, err) < 0)
		return -1;
	return buf_add_text(ret, marker_text, err);
}

static int make_cert(struct sim_pki *pki, enum sim_cert which, int64_t now, struct err *err)
{
	const struct cert_row *row = &cert_rows[which];
	const bool is_self_signed = row->issuer == which;
	scoped(buf_done) struct buf marker = BUF_INIT(EXTENSION_SIZE_MAX);
	scoped(buf_done) struct buf sgx = BUF_INIT(EXTENSION_SIZE_MAX);
	struct x509_extension extensions[EXTENSIONS];
	struct x509_spec spec = {.subject = name_of(pki, which),
				 .not_before = now - SIM_BACKDATE_SECONDS,
				 .not_after = now + row->lifetime,
				 .basic_constraints = true,
				 .is_ca = row->is_ca,
				 .path_length = row->path_length,
				 .key_usage = row->key_usage,
				 .crl_url = "https://sim.invalid/crl.der",
				 .extensions = extensions};

	if (marker_value(&marker, err) < 0 || pck_value(pki, &sgx, err) < 0)
		return -1;
	if (!pki->options.no_marker)
		extensions[spec.extension_count++] =
		    (struct x509_extension){.oid = SIM_MARKER_OID, .data = marker.data, .size = marker.size};
	if (which == SIM_CERT_PCK)
		extensions[spec.extension_count++] =
		    (struct x509_extension){.oid = SIM_PCK_EXTENSION_OID, .data = sgx.data, .size = sgx.size};
	if (pki->options.edit_cert)
		pki->options.edit_cert(which, &spec, pki->options.arg);
	return x509_build(&spec, pki->keys[which], pki->keys[row->issuer],
			  is_self_signed ? NULL : &pki->certs[row->issuer], &pki->certs[which], err);
}

/* PCK key, its certificate, attestation key. The platform is set. */
static int make_machine(struct sim_pki *pki, int64_t now, struct err *err)
{
	if (p256_generate(&pki->keys[SIM_CERT_PCK], err) < 0 || p256_generate(&pki->attestation_key, err) < 0)
		return -1;
	return make_cert(pki, SIM_CERT_PCK, now, err);
}

static int make_authorities(struct sim_pki *pki, int64_t now, struct err *err)
{
	/* An issuer comes before what it signs. */
	static const enum sim_cert order[] = {SIM_CERT_ROOT, SIM_CERT_PLATFORM_CA, SIM_CERT_TCB_SIGNER};

	for (size_t i = 0; i < COUNT_OF(order); i++)
		if (p256_generate(&pki->keys[order[i]], err) < 0 || make_cert(pki, order[i], now, err) < 0)
			return -1;
	return 0;
}

int sim_pki_new(const struct sim_pki_options *options, int64_t now, struct sim_pki **ret, struct err *err)
{
	scoped(sim_pki_freep) struct sim_pki *pki = NULL;

	if (sim_pki_alloc(options, &pki, err) < 0)
		return -1;
	make_platform(&pki->options, &pki->platform);
	if (make_authorities(pki, now, err) < 0 || make_machine(pki, now, err) < 0 ||
	    sim_collateral_make(pki, now, err) < 0)
		return err_prefix(err, "simulated PKI");
	*ret = TAKE_PTR(pki);
	return 0;
}

static int copy_key(const struct p256_key *from, struct p256_key **ret, struct err *err)
{
	scoped(secret_done) struct secret der = SECRET_INIT;

	if (p256_save_der(from, &der, err) < 0)
		return -1;
	return p256_load_der(der.data, der.size, ret, err);
}

static bool has_issuer_keys(const struct sim_pki *pki)
{
	return pki->keys[SIM_CERT_ROOT] && pki->keys[SIM_CERT_PLATFORM_CA] && pki->keys[SIM_CERT_TCB_SIGNER];
}

static int copy_authorities(const struct sim_pki *from, struct sim_pki *to, struct err *err)
{
	static const enum sim_cert certs[] = {SIM_CERT_ROOT, SIM_CERT_PLATFORM_CA, SIM_CERT_TCB_SIGNER};

	for (size_t i = 0; i < COUNT_OF(certs); i++)
		if (copy_key(from->keys[certs[i]], &to->keys[certs[i]], err) < 0 ||
		    buf_add(&to->certs[certs[i]], from->certs[certs[i]].data, from->certs[certs[i]].size, err) < 0)
			return -1;
	for (size_t i = 0; i < SIM_ITEM_COUNT; i++)
		if (buf_add(&to->items[i], from->items[i].data, from->items[i].size, err) < 0)
			return -1;
	return 0;
}

int sim_pki_new_machine(const struct sim_pki *pki, int64_t now, struct sim_pki **ret, struct err *err)
{
	scoped(sim_pki_freep) struct sim_pki *other = NULL;

	assert(has_issuer_keys(pki));
	if (sim_pki_alloc(&pki->options, &other, err) < 0 || copy_authorities(pki, other, err) < 0)
		return -1;
	other->platform = pki->platform;
	random_bytes(other->platform.ppid, sizeof(other->platform.ppid));
	random_bytes(other->platform.platform_instance_id, sizeof(other->platform.platform_instance_id));
	if (make_machine(other, now, err) < 0)
		return err_prefix(err, "simulated machine");
	*ret = TAKE_PTR(other);
	return 0;
}

int sim_pki_refresh(struct sim_pki *pki, int64_t now, struct err *err)
{
	assert(has_issuer_keys(pki));
	return sim_collateral_make(pki, now, err) < 0 ? err_prefix(err, "simulated collateral") : 0;
}

const struct buf *sim_pki_cert(const struct sim_pki *pki, enum sim_cert which)
{
	return &pki->certs[which];
}

const struct p256_key *sim_pki_key(const struct sim_pki *pki, enum sim_cert which)
{
	return pki->keys[which];
}

const struct p256_key *sim_pki_attestation_key(const struct sim_pki *pki)
{
	return pki->attestation_key;
}

const struct buf *sim_pki_item(const struct sim_pki *pki, enum sim_item which)
{
	return &pki->items[which];
}

const struct sim_platform *sim_pki_platform(const struct sim_pki *pki)
{
	return &pki->platform;
}

int sim_pki_chain_pem(const struct sim_pki *pki, enum sim_cert which, struct buf *ret, struct err *err)
{
	for (enum sim_cert at = which;; at = cert_rows[at].issuer) {
		if (pem_format(PEM_CERTIFICATE, pki->certs[at].data, pki->certs[at].size, ret, err) < 0)
			return -1;
		if (cert_rows[at].issuer == at)
			return 0;
	}
}

void sim_pki_fmspc(const struct sim_pki *pki, char ret_text[static SIM_FMSPC_TEXT_SIZE])
{
	for (size_t i = 0; i < sizeof(pki->platform.fmspc); i++)
		(void)snprintf(ret_text + 2 * i, 3, "%02X", pki->platform.fmspc[i]);
}
