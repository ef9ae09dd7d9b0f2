/* SPDX-License-Identifier: Apache-2.0 */
#include "cloud/image_build.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "cloud/files.h"
#include "image/image.h"

static void show_progress(void *arg, const char *phase, size_t done, size_t total)
{
	const char *name = arg;

	if (isatty(STDERR_FILENO))
		(void)fprintf(stderr, "\r  image %s: %s %zu of %zu \033[K%s", name, phase, done, total,
			      done == total ? "\n" : "");
}

static int build_one(const char *dir, const struct image_spec *spec, const char *program, struct err *err)
{
	scoped(bill_freep) struct bill *bill = NULL;
	scoped(freep) char *root = NULL;
	scoped(freep) char *image_dir = NULL;
	scoped(freep) char *bill_path = NULL;
	const struct image_progress progress = {.step = show_progress, .arg = (void *)spec->name};
	uint8_t digest[32];

	if (file_path(dir, &image_dir, err, FILE_IMAGES "/%s", spec->name) < 0 ||
	    fs_make_dirs(image_dir, 0700, err) < 0 || fs_join(image_dir, "root", &root, err) < 0 ||
	    fs_join(image_dir, "bill.json", &bill_path, err) < 0 ||
	    image_build(spec->name, program, root, &progress, &bill, err) < 0)
		return -1;
	return image_bill_save(bill, bill_path, digest, err);
}

int image_build_all(const char *data_dir, const char *only, const char *enclave_program, struct err *err)
{
	scoped(freep) char *program = NULL;
	size_t built = 0;

	if (only && !image_find(only))
		return err_set(err, ERR_NOT_FOUND, "there is no built-in image '%s'", only);
	if (file_program(enclave_program, "mse-enclave", &program, err) < 0)
		return -1;
	for (const struct image_spec *spec = image_specs; spec->name; spec++) {
		struct err missing = ERR_INIT;

		if (only && strcmp(only, spec->name) != 0)
			continue;
		if (image_is_buildable(spec, &missing) < 0) {
			(void)printf("  image %s left out: %s\n", spec->name, missing.text);
			continue;
		}
		if (build_one(data_dir, spec, program, err) < 0)
			return err_prefix(err, "image %s", spec->name);
		(void)printf("  image %s\n", spec->name);
		built++;
	}
	return built ? 0 : err_set(err, ERR_NOT_FOUND, "no image could be made: install the packages named above");
}
