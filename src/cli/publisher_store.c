/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/publisher_store.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "format/hex.h"

#define FOLDER "publishers"
#define SUFFIX ".pub"
#define HEX_SIZE (HEX_TEXT_SIZE(PUBLISHER_KEY_SIZE) - 1)

int publisher_read(const char *path, uint8_t ret_key[static PUBLISHER_KEY_SIZE], struct err *err)
{
	scoped(buf_done) struct buf text = BUF_INIT(HEX_SIZE + 1);
	size_t size;

	if (fs_read(path, &text, err) < 0)
		return err->code == ERR_LIMIT ? err_set(err, ERR_INVALID, "'%s' is no publisher's public key", path)
					      : -1;
	size = text.size;
	if (size == HEX_SIZE + 1 && text.data[size - 1] == '\n')
		size--;
	if (hex_decode((const char *)text.data, size, ret_key, PUBLISHER_KEY_SIZE, err) < 0)
		return err_prefix(err, "'%s' is no publisher's public key", path);
	return 0;
}

static int path_of(const struct settings *settings, const char *hex, char **ret_path, struct err *err)
{
	scoped(freep) char *name = NULL;

	if (asprintf(&name, FOLDER "/%s" SUFFIX, hex) < 0) {
		name = NULL;
		return err_no_memory(err);
	}
	return settings_path(settings, name, ret_path, err);
}

int publisher_add(const struct settings *settings, const uint8_t key[static PUBLISHER_KEY_SIZE], struct err *err)
{
	scoped(freep) char *folder = NULL;
	scoped(freep) char *path = NULL;
	char text[HEX_SIZE + 2];

	hex_encode(key, PUBLISHER_KEY_SIZE, text);
	if (settings_make_folder(settings, FOLDER, &folder, err) < 0 || path_of(settings, text, &path, err) < 0)
		return -1;
	text[HEX_SIZE] = '\n';
	return fs_write_atomic(path, text, HEX_SIZE + 1, 0600, err);
}

int publisher_remove(const struct settings *settings, const char *hex, struct err *err)
{
	scoped(freep) char *path = NULL;
	uint8_t key[PUBLISHER_KEY_SIZE];

	if (hex_decode_lower(hex, strlen(hex), key, sizeof(key), err) < 0)
		return err_prefix(err, "'%.80s' is no publisher's key as 'trust list' shows it", hex);
	if (path_of(settings, hex, &path, err) < 0)
		return -1;
	if (!fs_exists(path))
		return err_set(err, ERR_NOT_FOUND, "the publisher %s is not trusted", hex);
	return fs_remove_tree(path, err);
}

struct reading {
	const char *folder;
	struct publishers *publishers;
};

static int read_one(const char *name, void *arg, struct err *err)
{
	const struct reading *reading = arg;
	struct publishers *publishers = reading->publishers;
	scoped(freep) char *path = NULL;

	if (strlen(name) != HEX_SIZE + strlen(SUFFIX) || strcmp(name + HEX_SIZE, SUFFIX) != 0)
		return 0;
	if (publishers->count == BILL_PUBLISHERS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d publishers in '%s'", BILL_PUBLISHERS_MAX, reading->folder);
	if (fs_join(reading->folder, name, &path, err) < 0)
		return -1;
	return publisher_read(path, publishers->keys[publishers->count++], err);
}

int publishers_load(const struct settings *settings, struct publishers *ret, struct err *err)
{
	scoped(freep) char *folder = NULL;
	struct reading reading = {.publishers = ret};

	ret->count = 0;
	if (settings_path(settings, FOLDER, &folder, err) < 0)
		return -1;
	reading.folder = folder;
	return fs_is_dir(folder) ? fs_each_entry(folder, read_one, &reading, err) : 0;
}
