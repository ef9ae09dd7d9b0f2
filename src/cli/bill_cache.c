/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bill_cache.h"

#include <string.h>

#include "base/fs.h"
#include "base/program.h"
#include "crypto/hash.h"
#include "format/hex.h"
#include "image/image.h"

#define PACKAGES_FILE "/var/lib/dpkg/status" /* changes whenever a package does */
#define CACHE_LABEL "mse-bill-cache-1"

/* bills/HASH.json: the hash covers the image's name, our mse-enclave and the list of installed packages. */
static int cache_path(const struct settings *settings, const char *image, const char *program, char **ret_path,
		      struct err *err)
{
	scoped(sha256_freep) struct sha256_ctx *key = sha256_new();
	scoped(freep) char *folder = NULL;
	uint8_t program_hash[SHA256_SIZE], packages_hash[SHA256_SIZE], hash[SHA256_SIZE];
	char name[HEX_TEXT_SIZE(SHA256_SIZE) + sizeof(".json")];
	uint64_t size;

	if (sha256_file(program, program_hash, &size, err) < 0 ||
	    sha256_file(PACKAGES_FILE, packages_hash, &size, err) < 0 ||
	    settings_make_folder(settings, "bills", &folder, err) < 0)
		return -1;
	sha256_add(key, CACHE_LABEL, sizeof(CACHE_LABEL) - 1);
	sha256_add(key, program_hash, sizeof(program_hash));
	sha256_add(key, packages_hash, sizeof(packages_hash));
	sha256_add(key, image, strlen(image));
	sha256_finish(key, hash);
	hex_encode(hash, sizeof(hash), name);
	memcpy(name + HEX_TEXT_SIZE(SHA256_SIZE) - 1, ".json", sizeof(".json"));
	return fs_join(folder, name, ret_path, err);
}

int bill_recompute(const struct settings *settings, struct out *out, const char *image, const char *program,
		   struct bill **ret_bill, uint8_t ret_digest[static 32], struct err *err)
{
	scoped(freep) char *found = NULL;
	scoped(freep) char *path = NULL;
	struct err damaged = ERR_INIT;

	if (!program) {
		if (program_find("mse-enclave", &found, err) < 0)
			return -1;
		program = found;
	}
	if (cache_path(settings, image, program, &path, err) < 0)
		return -1;
	if (fs_exists(path) && image_bill_load(path, ret_bill, ret_digest, &damaged) == 0)
		return 0;
	out_info(out, "Computing the bill of image %s from the packages of this machine (once)", image);
	if (image_build(image, program, NULL, NULL, ret_bill, err) < 0)
		return -1;
	if (image_bill_save(*ret_bill, path, ret_digest, err) < 0) {
		bill_free(*ret_bill);
		*ret_bill = NULL;
		return -1;
	}
	return 0;
}
