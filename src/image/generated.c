/* SPDX-License-Identifier: Apache-2.0 */
#include "image/generated.h"

#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "image/packages.h"

#define AUTHORITIES_MAX (16u << 20)
#define AUTHORITIES_DIR "/usr/share/ca-certificates/mozilla/"

static const struct {
	const char *path;
	const char *text;
} texts[] = {
    {"etc/group", "root:x:0:\n"},
    {"etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"},
    {"etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"},
    {"etc/passwd", "root:x:0:0:root:/root:/usr/sbin/nologin\n"},
    {"etc/resolv.conf", "nameserver 10.0.2.3\n"}, /* slirp4netns */
};

struct authorities {
	struct buf bundle;
	struct plan files; /* for its sorting only */
};

static void authorities_done(struct authorities *authorities)
{
	buf_done(&authorities->bundle);
	plan_done(&authorities->files);
}

static int note_authority(const char *path, void *arg, struct err *err)
{
	struct authorities *authorities = arg;
	const size_t size = strlen(path);

	if (strncmp(path, AUTHORITIES_DIR, strlen(AUTHORITIES_DIR)) != 0 || size < 4 ||
	    strcmp(path + size - 4, ".crt") != 0)
		return 0;
	return plan_add_file(&authorities->files, path, path, err);
}

/* Not the machine's own bundle: that may have authorities of its operator. */
static int make_bundle(struct authorities *authorities, struct err *err)
{
	static const char *const packages[] = {"ca-certificates", NULL};

	if (packages_each_path(packages, note_authority, authorities, err) < 0 ||
	    plan_sort(&authorities->files, err) < 0)
		return -1;
	for (size_t i = 0; i < authorities->files.count; i++) {
		scoped(buf_done) struct buf file = BUF_INIT(AUTHORITIES_MAX);

		if (fs_read(authorities->files.items[i].source, &file, err) < 0 ||
		    buf_add(&authorities->bundle, file.data, file.size, err) < 0)
			return -1;
		if (file.size && file.data[file.size - 1] != '\n' && buf_add_byte(&authorities->bundle, '\n', err) < 0)
			return -1;
	}
	return 0;
}

int generated_add(struct plan *plan, const char *image, struct err *err)
{
	scoped(authorities_done) struct authorities authorities = {.bundle = BUF_INIT(AUTHORITIES_MAX)};
	char name[BILL_IMAGE_MAX + 2];
	const int name_size = snprintf(name, sizeof(name), "%s\n", image);

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		if (plan_add_data(plan, texts[i].path, texts[i].text, strlen(texts[i].text), err) < 0)
			return -1;
	}
	/* so that the image's name is measured too */
	if (plan_add_data(plan, "usr/lib/mse/image", name, (size_t)name_size, err) < 0)
		return -1;
	if (make_bundle(&authorities, err) < 0)
		return err_prefix(err, "certification authorities");
	/* the second is where Debian's OpenSSL looks by itself */
	if (plan_add_data(plan, "etc/ssl/certs/ca-certificates.crt", authorities.bundle.data, authorities.bundle.size,
			  err) < 0)
		return -1;
	return plan_add_data(plan, "usr/lib/ssl/cert.pem", authorities.bundle.data, authorities.bundle.size, err);
}
