/* SPDX-License-Identifier: Apache-2.0 */
#include "certs.h"

#include <stdio.h>

#include "base/fs.h"
#include "base/spawn.h"

static int run_openssl(const char *key, const char *cert, struct err *err)
{
	const char *const argv[] = {
	    "openssl",
	    "req",
	    "-x509",
	    "-newkey",
	    "ec",
	    "-pkeyopt",
	    "ec_paramgen_curve:P-256",
	    "-nodes",
	    "-keyout",
	    key,
	    "-out",
	    cert,
	    "-subj",
	    "/CN=a.localhost",
	    "-days",
	    "2",
	    "-addext",
	    "subjectAltName=DNS:a.localhost,DNS:*.a.localhost,IP:127.0.0.1",
	    NULL,
	};
	scoped(buf_done) struct buf output = BUF_INIT(CERTS_PEM_MAX);
	int status;

	if (spawn_capture(argv, true, &output, &status, err) < 0)
		return -1;
	return status == 0 ? 0 : err_set(err, ERR_INTERNAL, "openssl: %s", buf_text(&output));
}

int certs_make(struct certs *ret, struct err *err)
{
	scoped(freep) char *key = NULL;
	scoped(freep) char *cert = NULL;

	*ret = (struct certs){.cert_pem = BUF_INIT(CERTS_PEM_MAX), .key_pem = BUF_INIT(CERTS_PEM_MAX)};
	if (fs_make_temp_dir("/tmp", "net-certs-", &ret->dir, err) < 0 || fs_join(ret->dir, "key.pem", &key, err) < 0 ||
	    fs_join(ret->dir, "cert.pem", &cert, err) < 0 || run_openssl(key, cert, err) < 0 ||
	    fs_read(key, &ret->key_pem, err) < 0 || fs_read(cert, &ret->cert_pem, err) < 0)
		return -1;
	return tls_identity_from_pem(ret->cert_pem.data, ret->cert_pem.size, ret->key_pem.data, ret->key_pem.size,
				     &ret->identity, err);
}

void certs_done(struct certs *certs)
{
	struct err ignored = ERR_INIT;

	tls_identity_unref(certs->identity);
	buf_done(&certs->cert_pem);
	buf_done(&certs->key_pem);
	if (certs->dir)
		IGNORE_RESULT(fs_remove_tree(certs->dir, &ignored));
	free(certs->dir);
}
