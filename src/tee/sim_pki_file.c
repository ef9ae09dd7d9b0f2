/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated PKI as files of one directory. */
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "crypto/x509_parse.h"
#include "format/pem.h"
#include "tee/sim_priv.h"

#define DIR_MODE 0700
#define KEY_MODE 0600
#define PUBLIC_MODE 0644

static const struct {
	const char *cert;
	const char *key;
	enum sim_pki_part key_part;
} cert_files[SIM_CERT_COUNT] = {
    [SIM_CERT_ROOT] = {"root.pem", "root.key", SIM_PKI_ISSUER},
    [SIM_CERT_PLATFORM_CA] = {"platform_ca.pem", "platform_ca.key", SIM_PKI_ISSUER},
    [SIM_CERT_TCB_SIGNER] = {"tcb_signer.pem", "tcb_signer.key", SIM_PKI_ISSUER},
    [SIM_CERT_PCK] = {"pck.pem", "pck.key", SIM_PKI_MACHINE},
};

static const char attestation_key_file[] = "attestation.key";

static const char *const item_files[SIM_ITEM_COUNT] = {
    [SIM_ITEM_TCB_INFO] = "tcb_info.json",
    [SIM_ITEM_QE_IDENTITY] = "qe_identity.json",
    [SIM_ITEM_ROOT_CRL] = "root_crl.der",
    [SIM_ITEM_PCK_CRL] = "pck_crl.der",
};

static int write_new(const char *dir, const char *name, const void *data, size_t size, mode_t mode, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (fs_join(dir, name, &path, err) < 0)
		return -1;
	return fs_write_new(path, data, size, mode, err);
}

static int save_key(const char *dir, const char *name, const struct p256_key *key, struct err *err)
{
	scoped(secret_done) struct secret pem = SECRET_INIT;

	if (!key)
		return 0;
	if (p256_save_pem(key, &pem, err) < 0)
		return -1;
	return write_new(dir, name, pem.data, pem.size, KEY_MODE, err);
}

static int save_cert(const struct sim_pki *pki, const char *dir, enum sim_cert which, struct err *err)
{
	scoped(buf_done) struct buf pem = BUF_INIT(2 * X509_DER_SIZE_MAX);

	if (pem_format(PEM_CERTIFICATE, pki->certs[which].data, pki->certs[which].size, &pem, err) < 0)
		return -1;
	return write_new(dir, cert_files[which].cert, pem.data, pem.size, PUBLIC_MODE, err);
}

int sim_pki_save(const struct sim_pki *pki, const char *dir, struct err *err)
{
	if (fs_make_dirs(dir, DIR_MODE, err) < 0)
		return -1;
	for (enum sim_cert i = 0; i < SIM_CERT_COUNT; i++)
		if (save_cert(pki, dir, i, err) < 0 || save_key(dir, cert_files[i].key, pki->keys[i], err) < 0)
			return -1;
	for (enum sim_item i = 0; i < SIM_ITEM_COUNT; i++)
		if (write_new(dir, item_files[i], pki->items[i].data, pki->items[i].size, PUBLIC_MODE, err) < 0)
			return -1;
	return save_key(dir, attestation_key_file, pki->attestation_key, err);
}

int sim_pki_create(const char *dir, int64_t now, struct err *err)
{
	scoped(sim_pki_freep) struct sim_pki *pki = NULL;

	if (sim_pki_new(NULL, now, &pki, err) < 0)
		return -1;
	return sim_pki_save(pki, dir, err);
}

static int load_key(const char *dir, const char *name, struct p256_key **ret, struct err *err)
{
	scoped(secret_done) struct secret pem = SECRET_INIT;
	scoped(freep) char *path = NULL;

	if (fs_join(dir, name, &path, err) < 0 || secret_load(path, P256_DER_SIZE_MAX, &pem, err) < 0)
		return -1;
	return p256_load_pem(pem.data, pem.size, ret, err) < 0 ? err_prefix(err, "'%s'", path) : 0;
}

/* The file must hold one certificate; with a key, its public half. */
static int check_cert(const struct buf *der, const struct p256_key *key, struct err *err)
{
	scoped(x509_cert_freep) struct x509_cert *cert = NULL;
	uint8_t point[P256_POINT_SIZE];

	if (x509_parse(der->data, der->size, &cert, err) < 0)
		return -1;
	if (!key)
		return 0;
	p256_point(key, point);
	if (memcmp(point + 1, cert->point, sizeof(cert->point)) != 0)
		return err_set(err, ERR_INVALID, "key and certificate do not belong together");
	return 0;
}

static int read_pem(const char *path, struct buf *ret_der, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(2 * X509_DER_SIZE_MAX);
	scoped(buf_done) struct buf second = BUF_INIT(X509_DER_SIZE_MAX);
	struct pem_reader reader;
	int found;

	if (fs_read(path, &text, err) < 0)
		return -1;
	reader = (struct pem_reader){.text = buf_text(&text), .size = text.size};
	found = pem_next(&reader, PEM_CERTIFICATE, ret_der, err);
	if (found <= 0)
		return found < 0 ? -1 : err_set(err, ERR_INVALID, "no certificate");
	found = pem_next(&reader, PEM_CERTIFICATE, &second, err);
	return found > 0 ? err_set(err, ERR_INVALID, "more than one certificate") : found;
}

static int load_cert(const char *dir, enum sim_cert which, struct sim_pki *pki, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (fs_join(dir, cert_files[which].cert, &path, err) < 0)
		return -1;
	if (read_pem(path, &pki->certs[which], err) < 0 || check_cert(&pki->certs[which], pki->keys[which], err) < 0)
		return err_prefix(err, "'%s'", path);
	return 0;
}

static int load_item(const char *dir, enum sim_item which, struct sim_pki *pki, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (fs_join(dir, item_files[which], &path, err) < 0)
		return -1;
	return fs_read(path, &pki->items[which], err);
}

static int load_into(const char *dir, unsigned parts, struct sim_pki *pki, struct err *err)
{
	for (enum sim_cert i = 0; i < SIM_CERT_COUNT; i++)
		if (((parts & cert_files[i].key_part) && load_key(dir, cert_files[i].key, &pki->keys[i], err) < 0) ||
		    load_cert(dir, i, pki, err) < 0)
			return -1;
	for (enum sim_item i = 0; i < SIM_ITEM_COUNT; i++)
		if (load_item(dir, i, pki, err) < 0)
			return -1;
	if ((parts & SIM_PKI_MACHINE) && load_key(dir, attestation_key_file, &pki->attestation_key, err) < 0)
		return -1;
	return sim_platform_read(pki, err);
}

int sim_pki_load(const char *dir, unsigned parts, struct sim_pki **ret, struct err *err)
{
	scoped(sim_pki_freep) struct sim_pki *pki = NULL;

	if (sim_pki_alloc(NULL, &pki, err) < 0)
		return -1;
	if (load_into(dir, parts, pki, err) < 0)
		return err_prefix(err, "simulated PKI");
	*ret = TAKE_PTR(pki);
	return 0;
}

static int replace_item(const struct sim_pki *pki, const char *dir, enum sim_item which, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (fs_join(dir, item_files[which], &path, err) < 0)
		return -1;
	return fs_write_atomic(path, pki->items[which].data, pki->items[which].size, PUBLIC_MODE, err);
}

int sim_pki_refresh_dir(const char *dir, int64_t now, struct err *err)
{
	scoped(sim_pki_freep) struct sim_pki *pki = NULL;

	if (sim_pki_load(dir, SIM_PKI_ISSUER, &pki, err) < 0 || sim_pki_refresh(pki, now, err) < 0)
		return -1;
	for (enum sim_item i = 0; i < SIM_ITEM_COUNT; i++)
		if (replace_item(pki, dir, i, err) < 0)
			return -1;
	return 0;
}
