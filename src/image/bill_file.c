/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fs.h"
#include "domain/bill_trust.h"
#include "image/image.h"

int image_bill_load(const char *path, struct bill **ret, uint8_t ret_digest[static 32], struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(BILL_TEXT_MAX);

	if (fs_read(path, &text, err) < 0)
		return -1;
	if (bill_parse(text.data, text.size, ret, err) < 0)
		return err_prefix(err, "'%s'", path);
	bill_digest(text.data, text.size, ret_digest);
	return 0;
}

int image_bill_save(const struct bill *bill, const char *path, uint8_t ret_digest[static 32], struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(BILL_TEXT_MAX);

	if (bill_format(bill, &text, err) < 0 || fs_write_atomic(path, text.data, text.size, 0644, err) < 0)
		return -1;
	bill_digest(text.data, text.size, ret_digest);
	return 0;
}

int image_bill_sign(const char *bill_path, const struct secret *seed, const char *signature_path, struct err *err)
{
	scoped(bill_freep) struct bill *bill = NULL;
	scoped(buf_done) struct buf text = BUF_INIT(BILL_SIGNATURE_TEXT_MAX);
	struct bill_signature signature;
	uint8_t digest[32];

	if (image_bill_load(bill_path, &bill, digest, err) < 0 || bill_sign(digest, seed, &signature, err) < 0 ||
	    bill_signature_format(&signature, &text, err) < 0)
		return -1;
	return fs_write_atomic(signature_path, text.data, text.size, 0644, err);
}
