/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/authority.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "cloud/files.h"
#include "crypto/p256.h"
#include "crypto/x509_build.h"
#include "crypto/x509_info.h"
#include "format/pem.h"

#define DAY_SECONDS 86400LL
#define BACKDATE_SECONDS 3600 /* clocks of clients differ a little */
#define SUBJECT_MAX 300
#define PEM_MAX (64u << 10)

/* Secrets do not go through struct buf: the key's PEM is written straight from its own memory. */
static int save_key(const struct p256_key *key, const char *path, struct err *err)
{
	scoped(secret_done) struct secret pem = SECRET_INIT;

	if (p256_save_pem(key, &pem, err) < 0)
		return -1;
	return fs_write_atomic(path, pem.data, pem.size, 0600, err);
}

static int load_key(const char *path, struct p256_key **ret, struct err *err)
{
	scoped(secret_done) struct secret pem = SECRET_INIT;

	if (secret_load(path, P256_DER_SIZE_MAX, &pem, err) < 0)
		return -1;
	return p256_load_pem(pem.data, pem.size, ret, err);
}

static int load_cert(const char *path, struct buf *ret_der, struct err *err)
{
	scoped(buf_done) struct buf pem = BUF_INIT(PEM_MAX);
	struct pem_reader reader;

	if (fs_read(path, &pem, err) < 0)
		return -1;
	reader = (struct pem_reader){.text = buf_text(&pem), .size = pem.size};
	if (pem_next(&reader, "CERTIFICATE", ret_der, err) != 1)
		return err_prefix(err, "certificate '%s'", path);
	return 0;
}

static int make_key(const char *data_dir, const char *name, struct p256_key **ret, struct err *err)
{
	scoped(p256_freep) struct p256_key *key = NULL;
	scoped(freep) char *path = NULL;

	if (file_path(data_dir, &path, err, "%s", name) < 0 || p256_generate(&key, err) < 0 ||
	    save_key(key, path, err) < 0)
		return -1;
	*ret = TAKE_PTR(key);
	return 0;
}

static int make_ca(const char *data_dir, const char *base_domain, int64_t now, struct err *err)
{
	scoped(buf_done) struct buf der = BUF_INIT(X509_DER_SIZE_MAX);
	scoped(buf_done) struct buf pem = BUF_INIT(PEM_MAX);
	scoped(p256_freep) struct p256_key *key = NULL;
	scoped(freep) char *path = NULL;
	char subject[SUBJECT_MAX];
	const struct x509_spec spec = {
	    .subject = subject,
	    .not_before = now - BACKDATE_SECONDS,
	    .not_after = now + AUTHORITY_YEARS * 365 * DAY_SECONDS,
	    .is_ca = true,
	    .path_length = 1,
	    .key_usage = X509_USAGE_CERT_SIGN | X509_USAGE_CRL_SIGN,
	};

	(void)snprintf(subject, sizeof(subject), "CN=MSE cloud CA,O=%s", base_domain);
	if (file_path(data_dir, &path, err, FILE_CA_CERT) < 0)
		return -1;
	if (fs_exists(path))
		return err_set(err, ERR_CONFLICT, "'%s' exists", path);
	if (make_key(data_dir, FILE_CA_KEY, &key, err) < 0 || x509_build(&spec, key, NULL, NULL, &der, err) < 0 ||
	    pem_format("CERTIFICATE", der.data, der.size, &pem, err) < 0)
		return -1;
	return fs_write_new(path, pem.data, pem.size, 0644, err);
}

struct leaf {
	const char *chain_name; /* below DATA_DIR */
	const char *key_name;   /* NULL: the key goes behind the chain, into one file */
	char names[2][SUBJECT_MAX];
	size_t name_count;
};

/* Leaf and CA as PEM. */
static int sign_leaf(const char *data_dir, const struct leaf *leaf, const struct p256_key *key, int64_t now,
		     struct buf *ret_pem, struct err *err)
{
	scoped(buf_done) struct buf ca = BUF_INIT(X509_DER_SIZE_MAX);
	scoped(buf_done) struct buf der = BUF_INIT(X509_DER_SIZE_MAX);
	scoped(p256_freep) struct p256_key *ca_key = NULL;
	scoped(freep) char *ca_path = NULL;
	scoped(freep) char *ca_key_path = NULL;
	const char *const names[] = {leaf->names[0], leaf->names[1]};
	const struct x509_spec spec = {
	    .subject = "CN=MSE cloud",
	    .not_before = now - BACKDATE_SECONDS,
	    .not_after = now + AUTHORITY_LEAF_DAYS * DAY_SECONDS,
	    .basic_constraints = true,
	    .key_usage = X509_USAGE_DIGITAL_SIGNATURE,
	    .extended_usage = X509_EXTENDED_SERVER_AUTH,
	    .dns_names = names,
	    .dns_count = leaf->name_count,
	};

	if (file_path(data_dir, &ca_path, err, FILE_CA_CERT) < 0 ||
	    file_path(data_dir, &ca_key_path, err, FILE_CA_KEY) < 0 || load_cert(ca_path, &ca, err) < 0 ||
	    load_key(ca_key_path, &ca_key, err) < 0 || x509_build(&spec, key, ca_key, &ca, &der, err) < 0 ||
	    pem_format("CERTIFICATE", der.data, der.size, ret_pem, err) < 0)
		return -1;
	return pem_format("CERTIFICATE", ca.data, ca.size, ret_pem, err);
}

/* Chain and key in one secret, as haproxy wants them in one file. */
static int save_joined(const struct buf *chain, const struct p256_key *key, const char *path, struct err *err)
{
	scoped(secret_done) struct secret pem = SECRET_INIT;
	scoped(secret_done) struct secret both = SECRET_INIT;

	if (p256_save_pem(key, &pem, err) < 0 || secret_new(&both, chain->size + pem.size, err) < 0)
		return -1;
	memcpy(both.data, chain->data, chain->size);
	memcpy(both.data + chain->size, pem.data, pem.size);
	return fs_write_atomic(path, both.data, both.size, 0600, err);
}

static int make_leaf(const char *data_dir, const struct leaf *leaf, int64_t now, struct err *err)
{
	scoped(buf_done) struct buf chain = BUF_INIT(PEM_MAX);
	scoped(p256_freep) struct p256_key *key = NULL;
	scoped(freep) char *chain_path = NULL;
	scoped(freep) char *key_path = NULL;

	if (p256_generate(&key, err) < 0 || sign_leaf(data_dir, leaf, key, now, &chain, err) < 0 ||
	    file_path(data_dir, &chain_path, err, "%s", leaf->chain_name) < 0)
		return -1;
	if (!leaf->key_name)
		return save_joined(&chain, key, chain_path, err);
	/* The key first: a crash in between leaves a pair that does not fit: msed says so and makes a new one. */
	if (file_path(data_dir, &key_path, err, "%s", leaf->key_name) < 0 || save_key(key, key_path, err) < 0)
		return -1;
	return fs_write_atomic(chain_path, chain.data, chain.size, 0644, err);
}

/* 1: absent, near its end, or for other names; 0: good for a while. */
static int is_due(const char *data_dir, const struct leaf *leaf, int64_t now, struct err *err)
{
	scoped(buf_done) struct buf pem = BUF_INIT(PEM_MAX);
	scoped(freep) char *path = NULL;
	struct x509_info info;
	struct err ignored = ERR_INIT;

	if (file_path(data_dir, &path, err, "%s", leaf->chain_name) < 0)
		return -1;
	if (!fs_exists(path))
		return 1;
	if (fs_read(path, &pem, err) < 0)
		return -1;
	if (x509_info_read(pem.data, pem.size, leaf->names[0], &info, NULL, &ignored) < 0 || !info.matches)
		return 1;
	return info.not_after - now < AUTHORITY_RENEW_DAYS * DAY_SECONDS || info.not_before > now;
}

static void name_leaves(const char *base_domain, struct leaf ret[static 2])
{
	ret[0] = (struct leaf){.chain_name = FILE_API_CHAIN, .key_name = FILE_API_KEY, .name_count = 1};
	(void)snprintf(ret[0].names[0], sizeof(ret[0].names[0]), "api.%s", base_domain);
	ret[1] = (struct leaf){.chain_name = FILE_OPERATOR_PEM, .name_count = 2};
	(void)snprintf(ret[1].names[0], sizeof(ret[1].names[0]), "app.op.%s", base_domain);
	(void)snprintf(ret[1].names[1], sizeof(ret[1].names[1]), "*.op.%s", base_domain);
}

int authority_renew(const char *data_dir, const char *base_domain, int64_t now, bool *ret_renewed, struct err *err)
{
	struct leaf leaves[2];

	*ret_renewed = false;
	name_leaves(base_domain, leaves);
	for (size_t i = 0; i < COUNT_OF(leaves); i++) {
		const int due = is_due(data_dir, &leaves[i], now, err);

		if (due < 0 || (due && make_leaf(data_dir, &leaves[i], now, err) < 0))
			return -1;
		*ret_renewed |= due == 1;
	}
	return 0;
}

int authority_create(const char *data_dir, const char *base_domain, int64_t now, struct err *err)
{
	scoped(p256_freep) struct p256_key *token_key = NULL;
	bool renewed;

	if (make_ca(data_dir, base_domain, now, err) < 0 || make_key(data_dir, FILE_TOKEN_KEY, &token_key, err) < 0)
		return -1;
	return authority_renew(data_dir, base_domain, now, &renewed, err);
}
