/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/attest_policy_file.h"

#include <string.h>

#include "base/fs.h"
#include "format/toml_json.h"

static bool is_toml(const char *path)
{
	const size_t size = strlen(path);

	return size > 5 && strcmp(path + size - 5, ".toml") == 0;
}

static int convert(const struct buf *toml, struct buf *ret, struct err *err)
{
	scoped(toml_freep) struct toml_doc *doc = NULL;

	if (toml_parse(toml->data, toml->size, &doc, err) < 0)
		return -1;
	return toml_to_json(toml_root(doc), ret, err);
}

int attest_policy_file_load(const char *path, struct attest_policy **ret, struct err *err)
{
	scoped(buf_done) struct buf file = BUF_INIT(ATTEST_POLICY_SIZE_MAX);
	scoped(buf_done) struct buf json = BUF_INIT(ATTEST_POLICY_SIZE_MAX);
	char why[ATTEST_TEXT_SIZE];
	struct attest_bytes bytes;

	if (fs_read(path, &file, err) < 0 || (is_toml(path) && convert(&file, &json, err) < 0))
		return -1;
	bytes =
	    is_toml(path) ? (struct attest_bytes){json.data, json.size} : (struct attest_bytes){file.data, file.size};
	if (attest_policy_parse(&bytes, ret, why) < 0)
		return err_set(err, ERR_INVALID, "%s", why);
	return 0;
}
