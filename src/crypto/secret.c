/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "crypto/sodium_ready.h"

int secret_new(struct secret *ret, size_t size, struct err *err)
{
	uint8_t *data;

	assert(!ret->data);
	if (size > SECRET_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "secret of %zu bytes, the maximum is %u", size, SECRET_SIZE_MAX);
	sodium_ready();
	data = sodium_malloc(size);
	if (!data)
		return err_no_memory(err);
	memset(data, 0, size);
	*ret = (struct secret){.data = data, .size = size};
	return 0;
}

int secret_init(struct secret *ret, const void *data, size_t size, struct err *err)
{
	if (secret_new(ret, size, err) < 0)
		return -1;
	if (size > 0)
		memcpy(ret->data, data, size);
	return 0;
}

void secret_done(struct secret *secret)
{
	sodium_free(secret->data); /* wipes, and takes NULL */
	*secret = SECRET_INIT;
}

static int read_regular(int fd, size_t size_max, struct secret *ret, struct err *err)
{
	scoped(secret_done) struct secret secret = SECRET_INIT;
	struct stat status;

	if (fstat(fd, &status) < 0)
		return err_set_errno(err, "cannot read");
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_INVALID, "not a regular file");
	if ((uint64_t)status.st_size > size_max)
		return err_set(err, ERR_LIMIT, "%lld bytes, the maximum is %zu", (long long)status.st_size, size_max);
	if (secret_new(&secret, (size_t)status.st_size, err) < 0 ||
	    fd_read_exact(fd, secret.data, secret.size, err) < 0)
		return -1;
	*ret = secret;
	secret = SECRET_INIT;
	return 0;
}

int secret_load(const char *path, size_t size_max, struct secret *ret, struct err *err)
{
	scoped(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	assert(!ret->data);
	if (fd < 0)
		return err_set_errno(err, "cannot open '%s'", path);
	if (read_regular(fd, size_max, ret, err) < 0)
		return err_prefix(err, "'%s'", path);
	return 0;
}

bool secret_equal(const void *a, const void *b, size_t size)
{
	return sodium_memcmp(a, b, size) == 0;
}

void secret_wipe(void *data, size_t size)
{
	sodium_memzero(data, size);
}
