/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Built-in images of the process engine: a root directory made of files of installed Debian packages, our
 * mse-enclave and a few generated files, and its bill (docs/formats/bill.md). The same packages and the same
 * mse-enclave give the same bill, byte for byte, on the server (which needs the root) and on a client (which
 * recomputes the bill, trust rule b).
 */
#ifndef MSE_IMAGE_IMAGE_H
#define MSE_IMAGE_IMAGE_H

#include "base/buf.h"
#include "crypto/secret.h"
#include "format/bill.h"
#include "format/bill_signature.h"
#include "format/tar.h"

struct image_spec {
	const char *name;            /* "mse-flask:20261122" */
	const char *summary;         /* one line for lists */
	const char *const *packages; /* Debian packages whose Python files it holds, NULL at the end */
	const char *python_module;   /* what an app of this image imports first */
};

/* Every built-in image, ended by name NULL. */
extern const struct image_spec image_specs[];

/* NULL if there is no such built-in image. */
const struct image_spec *image_find(const char *name);

/* Told now and then: done of total steps of the named phase ("compile", "hash", "copy"). May be NULL. */
struct image_progress {
	void (*step)(void *arg, const char *phase, size_t done, size_t total);
	void *arg;
};

/*
 * Makes the bill of image name with the mse-enclave at program (which becomes usr/bin/mse-enclave), and its root in
 * dest_root, which must not exist (NULL: the bill alone). The root is put together beside dest_root and renamed, so
 * it is whole or absent. ERR_NOT_FOUND names an unknown image, or a package that is not installed.
 */
must_check int image_build(const char *name, const char *program, const char *dest_root,
			   const struct image_progress *progress, struct bill **ret, struct err *err);

/* Whether every package of spec is installed; ERR_NOT_FOUND names the missing ones and the apt-get line. */
must_check int image_is_buildable(const struct image_spec *spec, struct err *err);

/*
 * Copies the image whose files lie in root into dest_root (as image_build does), and compares every file with the bill
 * on the way: ERR_UNTRUSTED names the first that differs, and dest_root stays absent. dest_root NULL: only compares.
 */
must_check int image_copy(const struct bill *bill, const char *root, const char *dest_root,
			  const struct image_progress *progress, struct err *err);

/* Reads and writes bill texts: a bill with its digest. */
must_check int image_bill_load(const char *path, struct bill **ret, uint8_t ret_digest[static 32], struct err *err);
must_check int image_bill_save(const struct bill *bill, const char *path, uint8_t ret_digest[static 32],
			       struct err *err);

/* `mse image sign`: signs the bill at bill_path, writes the signature text to signature_path. */
must_check int image_bill_sign(const char *bill_path, const struct secret *seed, const char *signature_path,
			       struct err *err);

/* 1 and the version if the image has that Python distribution (any spelling of its name), 0 if not. */
#define IMAGE_VERSION_MAX 64
int image_distribution(const struct bill *bill, const char *name, char ret_version[static IMAGE_VERSION_MAX]);

/* A source that reads *fd from where it stands. */
struct tar_source image_fd_source(int *fd);

/*
 * Unpacks a code tar into dest_dir (made by this call; 0755, files 0444), with every check of format/tar.h. On
 * failure dest_dir is removed.
 */
must_check int image_unpack_code(struct tar_source source, const char *dest_dir, struct err *err);

#endif
