/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bundle_file.h"

#include <string.h>

#include "base/fs.h"
#include "crypto/hash.h"

int bundle_file_load(const char *path, struct bundle *ret, bool *ret_intact, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(BUNDLE_SIZE_MAX);
	uint8_t hash[BUNDLE_HASH_SIZE];

	if (fs_read(path, &text, err) < 0)
		return -1;
	if (text.size == 0)
		return err_set(err, ERR_INVALID, "'%s' is empty", path);
	if (bundle_parse(text.data, text.size, ret, err) < 0)
		return err_prefix(err, "'%s'", path);
	sha256(text.data, ret->hashed_size, hash);
	*ret_intact = ret->kind != BUNDLE_EXCHANGE || memcmp(hash, ret->sha256, sizeof(hash)) == 0;
	return 0;
}

int bundle_file_save(const char *path, const struct bundle *bundle, mode_t mode, struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(BUNDLE_SIZE_MAX);
	uint8_t hash[BUNDLE_HASH_SIZE];

	if (bundle_format(bundle, &text, err) < 0)
		return err_prefix(err, "'%s'", path);
	if (bundle->kind == BUNDLE_EXCHANGE) {
		sha256(text.data, text.size, hash);
		if (bundle_format_hash(&text, hash, err) < 0)
			return err_prefix(err, "'%s'", path);
	}
	return fs_write_atomic(path, text.data, text.size, mode, err);
}
