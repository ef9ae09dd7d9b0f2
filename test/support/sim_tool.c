/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What test/e2e/test_sim_*.py needs of our libraries:
 *   sim_tool pki DIR                              a simulated PKI in DIR
 *   sim_tool manifest IMAGE_DIR CODE_DIR EGRESS   canonical manifest of all files there, and its fingerprint on stderr
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "crypto/hash.h"
#include "domain/release.h"
#include "format/hex.h"
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

static int manifest(const char *image, const char *code, const char *egress, struct err *err)
{
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

int main(int argc, char **argv)
{
	struct err err = ERR_INIT;
	int status = -1;

	if (argc == 5 && strcmp(argv[1], "manifest") == 0)
		status = manifest(argv[2], argv[3], argv[4], &err);
	else if (argc == 3 && strcmp(argv[1], "pki") == 0)
		status = sim_pki_create(argv[2], clock_now_seconds(), &err);
	else
		err_set(&err, ERR_INVALID, "see the top of sim_tool.c");
	if (status < 0)
		(void)fprintf(stderr, "sim_tool: %s\n", err.text);
	return status < 0 ? 1 : 0;
}
