/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "crypto/sodium_ready.h"

#define READ_SIZE (128u << 10)

static void must(int openssl_result)
{
	if (openssl_result != 1)
		abort();
}

void sha256(const void *data, size_t size, uint8_t ret[static SHA256_SIZE])
{
	must(EVP_Digest(data, size, ret, NULL, EVP_sha256(), NULL));
}

void sha1(const void *data, size_t size, uint8_t ret[static SHA1_SIZE])
{
	must(EVP_Digest(data, size, ret, NULL, EVP_sha1(), NULL));
}

/* struct sha256_ctx is OpenSSL's context under our name. */
static EVP_MD_CTX *md_ctx(struct sha256_ctx *ctx)
{
	return (EVP_MD_CTX *)ctx;
}

struct sha256_ctx *sha256_new(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx)
		abort();
	must(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL));
	return (struct sha256_ctx *)ctx;
}

void sha256_add(struct sha256_ctx *ctx, const void *data, size_t size)
{
	must(EVP_DigestUpdate(md_ctx(ctx), data, size));
}

void sha256_finish(struct sha256_ctx *ctx, uint8_t ret[static SHA256_SIZE])
{
	must(EVP_DigestFinal_ex(md_ctx(ctx), ret, NULL));
}

void sha256_free(struct sha256_ctx *ctx)
{
	EVP_MD_CTX_free(md_ctx(ctx));
}

static int hash_fd(int fd, struct sha256_ctx *ctx, uint64_t *ret_size, struct err *err)
{
	scoped(freep) uint8_t *chunk = malloc(READ_SIZE);
	uint64_t total = 0;

	if (!chunk)
		return err_no_memory(err);
	for (;;) {
		const ssize_t got = read(fd, chunk, READ_SIZE);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, "cannot read");
		if (got == 0)
			break;
		sha256_add(ctx, chunk, (size_t)got);
		total += (uint64_t)got;
	}
	*ret_size = total;
	return 0;
}

int sha256_file(const char *path, uint8_t ret[static SHA256_SIZE], uint64_t *ret_size, struct err *err)
{
	scoped(sha256_freep) struct sha256_ctx *ctx = sha256_new();
	struct stat status;
	uint64_t size = 0;

	/* O_NONBLOCK: a FIFO put in place of the file is refused below instead of waited for. */
	scoped(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) < 0)
		return err_set_errno(err, "cannot open '%s'", path);
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_INVALID, "'%s' is not a regular file", path);
	if (hash_fd(fd, ctx, &size, err) < 0)
		return err_prefix(err, "'%s'", path);
	sha256_finish(ctx, ret);
	if (ret_size)
		*ret_size = size;
	return 0;
}

void blake2b_keyed(const uint8_t key[static BLAKE2B_KEY_SIZE], const void *data, size_t size, uint8_t *ret,
		   size_t ret_size)
{
	const struct hash_part part = {.data = data, .size = size};

	blake2b_keyed_parts(key, &part, 1, ret, ret_size);
}

void blake2b_keyed_parts(const uint8_t key[static BLAKE2B_KEY_SIZE], const struct hash_part *parts, size_t count,
			 uint8_t *ret, size_t ret_size)
{
	crypto_generichash_blake2b_state state;

	assert(ret_size >= BLAKE2B_OUT_MIN && ret_size <= BLAKE2B_OUT_MAX);
	sodium_ready();
	/* These three can only fail for sizes outside the asserted ones. */
	if (crypto_generichash_blake2b_init(&state, key, BLAKE2B_KEY_SIZE, ret_size) != 0)
		abort();
	for (size_t i = 0; i < count; i++)
		(void)crypto_generichash_blake2b_update(&state, parts[i].data, parts[i].size);
	(void)crypto_generichash_blake2b_final(&state, ret, ret_size);
	sodium_memzero(&state, sizeof(state));
}
