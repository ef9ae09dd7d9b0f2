/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/attested/identity.h"

#include <string.h>

#include "crypto/hash.h"
#include "crypto/sealedbox.h"

static void bind_keys(const uint8_t *point, struct identity *identity)
{
	sha256(point, RATLS_POINT_SIZE, identity->report_data);
	memcpy(identity->report_data + SHA256_SIZE, identity->x25519_public, X25519_KEY_SIZE);
}

int identity_make(struct tee *tee, const char *quote_oid, const struct instance_input *input, int64_t now,
		  struct identity *ret, struct err *err)
{
	scoped(buf_done) struct buf quote = BUF_INIT(TEE_QUOTE_SIZE_MAX);
	uint8_t point[RATLS_POINT_SIZE];
	const struct ratls_contents contents = {
	    .instance = &input->instance,
	    .document = &input->document,
	    .quote = &quote,
	    .quote_oid = quote_oid,
	    .now = now,
	};

	/* x25519_generate never gives a key that begins with "mse-" (G5). */
	if (ratls_key_generate(point, err) < 0 || x25519_generate(ret->x25519_public, &ret->x25519_secret, err) < 0)
		return -1;
	bind_keys(point, ret);
	if (tee_quote(tee, ret->report_data, &quote, err) < 0 ||
	    ratls_key_make_certificate(&contents, &ret->certificate, err) < 0)
		return -1;
	return ratls_key_install_in_tls(&ret->certificate, &ret->tls, err);
}

int identity_restore(const struct secret *ratls_der, const struct secret *x25519_secret, const void *certificate,
		     size_t certificate_size, struct identity *ret, struct err *err)
{
	uint8_t point[RATLS_POINT_SIZE];

	if (x25519_secret->size != X25519_KEY_SIZE)
		return err_set(err, ERR_INVALID, "the X25519 key has %zu bytes", x25519_secret->size);
	if (ratls_key_load(ratls_der, point, err) < 0 ||
	    secret_init(&ret->x25519_secret, x25519_secret->data, x25519_secret->size, err) < 0 ||
	    x25519_public(ret->x25519_secret.data, ret->x25519_public, err) < 0 ||
	    buf_add(&ret->certificate, certificate, certificate_size, err) < 0)
		return -1;
	bind_keys(point, ret);
	return ratls_key_install_in_tls(&ret->certificate, &ret->tls, err);
}

void identity_drop_x25519(struct identity *identity)
{
	secret_done(&identity->x25519_secret);
}

void identity_done(struct identity *identity)
{
	tls_identity_unref(identity->tls);
	identity->tls = NULL;
	secret_done(&identity->x25519_secret);
	buf_done(&identity->certificate);
	ratls_key_wipe();
}
