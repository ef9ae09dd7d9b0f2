/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/attested/instance_input.h"

#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "crypto/x509_info.h"
#include "format/hex.h"
#include "format/pem.h"

int instance_chain_hash(const struct buf *pem, uint8_t ret[static SHA256_SIZE], struct err *err)
{
	struct pem_reader reader = {.text = buf_text(pem), .size = pem->size, .explanatory_text = true};
	scoped(buf_done) struct buf der = BUF_INIT(INSTANCE_CHAIN_SIZE_MAX);
	scoped(sha256_freep) struct sha256_ctx *ctx = sha256_new();
	size_t count = 0;
	int found;

	while ((found = pem_next(&reader, PEM_CERTIFICATE, &der, err)) == 1) {
		if (++count > INSTANCE_CHAIN_COUNT_MAX)
			return err_set(err, ERR_LIMIT, "more than %d certificates", INSTANCE_CHAIN_COUNT_MAX);
		sha256_add(ctx, der.data, der.size);
	}
	if (found < 0)
		return -1;
	if (count == 0)
		return err_set(err, ERR_INVALID, "no certificate");
	sha256_finish(ctx, ret);
	return 0;
}

static int read_file(const char *dir, const char *name, struct buf *ret, struct err *err)
{
	scoped(freep) char *path = NULL;

	return fs_join(dir, name, &path, err) < 0 ? -1 : fs_read(path, ret, err);
}

static int read_chain(const char *path, struct instance *instance, struct buf *ret, struct err *err)
{
	struct x509_info info;
	uint8_t hash[SHA256_SIZE];

	if (fs_read(path, ret, err) < 0 || instance_chain_hash(ret, hash, err) < 0 ||
	    x509_info_read(ret->data, ret->size, instance->domain, &info, NULL, err) < 0)
		return err_prefix(err, "owner's chain");
	if (!info.matches)
		return err_set(err, ERR_INVALID, "the owner's certificate is not for '%s'", instance->domain);
	hex_encode(hash, sizeof(hash), instance->certificate);
	return 0;
}

int instance_input_make(const struct instance *fields, const char *chain_path, struct instance_input *ret,
			struct err *err)
{
	ret->instance = *fields;
	if (fields->tls == INSTANCE_TLS_OWNER && read_chain(chain_path, &ret->instance, &ret->chain_pem, err) < 0)
		return -1;
	if (instance_format(&ret->instance, &ret->document, err) < 0)
		return -1;
	sha256(ret->document.data, ret->document.size, ret->hash);
	return 0;
}

static int load_chain(const char *dir, struct instance_input *input, struct err *err)
{
	uint8_t hash[SHA256_SIZE];
	char seen[HEX_TEXT_SIZE(SHA256_SIZE)];

	if (!input->instance.certificate[0])
		return err_set(err, ERR_INVALID, "instance member 'certificate' is empty, though tls is 'owner'");
	if (read_file(dir, "fullchain.pem", &input->chain_pem, err) < 0)
		return -1;
	if (instance_chain_hash(&input->chain_pem, hash, err) < 0)
		return err_prefix(err, "owner's chain");
	hex_encode(hash, sizeof(hash), seen);
	if (strcmp(seen, input->instance.certificate) != 0)
		return err_set(err, ERR_UNTRUSTED, "the owner's chain is %s, the instance document names %s", seen,
			       input->instance.certificate);
	return 0;
}

int instance_input_load(const char *dir, struct instance_input *ret, struct err *err)
{
	if (read_file(dir, "instance.json", &ret->document, err) < 0 ||
	    instance_parse(ret->document.data, ret->document.size, &ret->instance, err) < 0)
		return -1;
	sha256(ret->document.data, ret->document.size, ret->hash);
	ret->has_log_key = ret->instance.log_key[0] != 0;
	if (ret->has_log_key && hex_decode_lower(ret->instance.log_key, strlen(ret->instance.log_key), ret->log_key,
						 sizeof(ret->log_key), err) < 0)
		return err_prefix(err, "instance member 'log_key'");
	if (ret->instance.tls == INSTANCE_TLS_ACME)
		return err_set(err, ERR_UNSUPPORTED,
			       "instance member 'tls' is 'acme', which this runtime does not serve");
	return ret->instance.tls == INSTANCE_TLS_OWNER ? load_chain(dir, ret, err) : 0;
}

int instance_input_check_expiry(const struct instance_input *input, int64_t now, struct err *err)
{
	const char *expires = input->instance.expires;
	int64_t end;

	if (!expires[0])
		return 0;
	if (clock_parse_utc(expires, &end, err) < 0)
		return err_prefix(err, "instance member 'expires'");
	return end > now ? 0 : err_set(err, ERR_INVALID, "the instance expired at %s", expires);
}

void instance_input_done(struct instance_input *input)
{
	buf_done(&input->document);
	buf_done(&input->chain_pem);
}
