/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cloud/deploy_priv.h"
#include "crypto/hash.h"
#include "crypto/x509_info.h"
#include "format/hex.h"

static int read_chain(struct deployment *deployment, struct buf *ret_der, struct err *err)
{
	const struct app_request *request = &deployment->request;
	struct x509_info info;

	if (x509_info_read(request->ssl_certificate, strlen(request->ssl_certificate), request->domain_name, &info,
			   ret_der, err) < 0)
		return -1;
	if (!info.matches)
		return err_set(err, ERR_INVALID, "the certificate's alternative names do not cover '%s'",
			       request->domain_name);
	if (info.not_before > deployment->now)
		return err_set(err, ERR_INVALID, "the certificate is not valid yet");
	deployment->chain_end = info.not_after;
	return 0;
}

int deploy_read_chain(struct deployment *deployment, struct err *err)
{
	scoped(buf_done) struct buf der = BUF_INIT(DEPLOY_CHAIN_MAX);
	uint8_t digest[SHA256_SIZE];

	if (app_request_tls(&deployment->request) != APP_TLS_OWNER)
		return 0;
	if (read_chain(deployment, &der, err) < 0)
		return err_prefix(err, "'ssl_certificate'");
	sha256(der.data, der.size, digest);
	hex_encode(digest, sizeof(digest), deployment->chain_hash);
	return 0;
}
