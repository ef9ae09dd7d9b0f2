/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/collateral_dir.h"

#include "base/fs.h"

/* 1 read, 0 not there. */
static int read_file(const char *dir, const char *name, struct buf *ret, struct err *err)
{
	scoped(freep) char *path = NULL;

	if (fs_join(dir, name, &path, err) < 0)
		return -1;
	if (!fs_exists(path))
		return 0;
	if (fs_read(path, ret, err) < 0)
		return -1;
	return ret->size ? 1 : err_set(err, ERR_INVALID, "'%s' is empty", path);
}

/* 1 read, 0 not there. */
static int read_vek(const char *dir, struct buf *ret, struct err *err)
{
	const char *vcek = collateral_item_file(COLLATERAL_ITEM_VEK);
	scoped(freep) char *vlek = NULL;

	if (fs_join(dir, COLLATERAL_VLEK_FILE, &vlek, err) < 0)
		return -1;
	const int found = read_file(dir, vcek, ret, err);

	if (found <= 0)
		return found < 0 ? -1 : read_file(dir, COLLATERAL_VLEK_FILE, ret, err);
	if (fs_exists(vlek))
		return err_set(err, ERR_INVALID, "'%s' has both %s and %s: keep the one that signed", dir, vcek,
			       COLLATERAL_VLEK_FILE);
	return 1;
}

int collateral_dir_read(const char *dir, struct collateral_items *ret, struct err *err)
{
	int count = 0;

	if (!fs_is_dir(dir))
		return err_set(err, ERR_NOT_FOUND, "'%s' is no folder", dir);
	for (enum collateral_item item = 0; item < COLLATERAL_ITEM_COUNT; item++) {
		const int found = item == COLLATERAL_ITEM_VEK
				      ? read_vek(dir, &ret->items[item], err)
				      : read_file(dir, collateral_item_file(item), &ret->items[item], err);

		if (found < 0)
			return -1;
		count += found;
	}
	if (count == 0)
		return err_set(err, ERR_NOT_FOUND, "'%s' has none of the files of collateral", dir);
	return 0;
}
