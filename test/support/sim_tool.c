/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What test/e2e/test_sim_*.py needs of our libraries:
 *   sim_tool pki DIR                              a simulated PKI in DIR
 *   sim_tool image NAME:TAG PROGRAM DEST          a built-in image
 *   sim_tool manifest IMAGE_DIR CODE_DIR EGRESS [OWNER_KEY CODE_KEY_ID]
 *                                                 canonical manifest of all files there; its fingerprint on stderr
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "crypto/hash.h"
#include "domain/release.h"
#include "format/hex.h"
#include "image/image.h"
#include "measure/sim_loader.h"
#include "tee/sim_pki.h"

#define PATH_SIZE 4096
#define ENCLAVE_SIZE ((uint64_t)64 << 20)

struct walk {
	const char *root; /* of the host */
	const char *below;
	struct bill *bill;       /* either this */
	struct release *release; /* or that */
};

static int walk_dir(const struct walk *walk, struct err *err);

static int visit(const char *name, void *arg, struct err *err)
{
	const struct walk *walk = arg;
	char below[PATH_SIZE], path[PATH_SIZE];
	struct walk inner = *walk;
	uint8_t hash[32];
	uint64_t size;
	struct stat st;

	(void)snprintf(below, sizeof(below), "%s%s%s", walk->below, walk->below[0] ? "/" : "", name);
	if (snprintf(path, sizeof(path), "%s/%s", walk->root, below) >= (int)sizeof(path) || lstat(path, &st) < 0)
		return err_set_errno(err, "cannot look at '%s'", path);
	inner.below = below;
	if (S_ISDIR(st.st_mode))
		return walk_dir(&inner, err);
	if (!S_ISREG(st.st_mode))
		return 0;
	if (sha256_file(path, hash, &size, err) < 0)
		return -1;
	return walk->bill ? bill_add(walk->bill, below, hash, size, err)
			  : release_add_file(walk->release, below, hash, size, err);
}

static int walk_dir(const struct walk *walk, struct err *err)
{
	char path[PATH_SIZE];

	if (snprintf(path, sizeof(path), "%s/%s", walk->root, walk->below) >= (int)sizeof(path))
		return err_set(err, ERR_LIMIT, "path '%s' is too long", walk->below);
	return fs_each_entry(path, visit, (void *)(uintptr_t)walk, err);
}

static int set_keys(struct release *release, const char *owner_key, const char *code_key_id, struct err *err)
{
	release->has_owner_key = true;
	release->has_code_key_id = true;
	if (hex_decode(owner_key, strlen(owner_key), release->owner_key, sizeof(release->owner_key), err) < 0)
		return -1;
	return hex_decode(code_key_id, strlen(code_key_id), release->code_key_id, sizeof(release->code_key_id), err);
}

/* argv: IMAGE_DIR and what follows. */
static int manifest(char **argv, struct err *err)
{
	const char *image = argv[0], *code = argv[1], *egress = argv[2];
	scoped(release_freep) struct release *release = NULL;
	scoped(bill_freep) struct bill *bill = NULL;
	scoped(buf_done) struct buf text = BUF_INIT(RELEASE_MANIFEST_MAX);
	struct measure_result result;
	char hex[HEX_TEXT_SIZE(MEASURE_SIZE)];

	if (release_new(&release, err) < 0 || bill_new("probe:1", sim_loader_sha256, &bill, err) < 0)
		return -1;
	const struct walk files = {.root = image, .below = "", .bill = bill};
	const struct walk codes = {.root = code, .below = "", .release = release};

	release->enclave_size = ENCLAVE_SIZE;
	if (argv[3] && set_keys(release, argv[3], argv[4], err) < 0)
		return -1;
	if (walk_dir(&files, err) < 0 || bill_sort(bill, err) < 0 || walk_dir(&codes, err) < 0 ||
	    release_set_application(release, "app:app", err) < 0 || release_set_healthcheck(release, "/", err) < 0 ||
	    release_egress_parse(egress, &release->egress, err) < 0 ||
	    release_fingerprint(release, bill, &text, &result, err) < 0)
		return -1;
	(void)fwrite(text.data, 1, text.size, stdout);
	hex_encode(result.mrenclave, sizeof(result.mrenclave), hex);
	(void)fprintf(stderr, "%s\n", hex);
	return 0;
}

static int make_image(const char *name, const char *program, const char *dest, struct err *err)
{
	scoped(bill_freep) struct bill *bill = NULL;

	return image_build(name, program, dest, NULL, &bill, err);
}

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	int status = -1;

	if ((argc == 5 || argc == 7) && strcmp(argv[1], "manifest") == 0)
		status = manifest(argv + 2, &err);
	else if (argc == 5 && strcmp(argv[1], "image") == 0)
		status = make_image(argv[2], argv[3], argv[4], &err);
	else if (argc == 3 && strcmp(argv[1], "pki") == 0)
		status = sim_pki_create(argv[2], clock_now_seconds(), &err);
	else
		err_set(&err, ERR_INVALID, "see the top of sim_tool.c");
	if (status < 0)
		(void)fprintf(stderr, "sim_tool: %s\n", err.text);
	return status < 0 ? 1 : 0;
}
