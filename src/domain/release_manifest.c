/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "domain/release_priv.h"
#include "format/hex.h"
#include "measure/sim_loader.h"

#define MIB (UINT64_C(1) << 20)

static const char mounts[] = "[[fs.mounts]]\n"
			     "path = \"/usr\"\n"
			     "uri = \"file:/usr\"\n"
			     "\n"
			     "[[fs.mounts]]\n"
			     "path = \"/etc\"\n"
			     "uri = \"file:/etc\"\n"
			     "\n"
			     "[[fs.mounts]]\n"
			     "path = \"/lib\"\n"
			     "uri = \"file:/usr/lib\"\n"
			     "\n"
			     "[[fs.mounts]]\n"
			     "path = \"/lib64\"\n"
			     "uri = \"file:/usr/lib64\"\n"
			     "\n"
			     "[[fs.mounts]]\n"
			     "path = \"/code\"\n"
			     "uri = \"file:/code\"\n"
			     "\n"
			     "[[fs.mounts]]\n"
			     "path = \"/instance\"\n"
			     "uri = \"file:/instance\"\n"
			     "\n"
			     "[[fs.mounts]]\n"
			     "path = \"/state\"\n"
			     "uri = \"file:/state\"\n"
			     "\n"
			     "[[fs.mounts]]\n"
			     "type = \"tmpfs\"\n"
			     "path = \"/tmp\"\n"
			     "\n"
			     "[[fs.mounts]]\n"
			     "type = \"tmpfs\"\n"
			     "path = \"/root\"\n"
			     "\n"
			     "[[fs.mounts]]\n"
			     "type = \"tmpfs\"\n"
			     "path = \"/mse-app\"\n"
			     "\n"
			     "[[fs.mounts]]\n"
			     "type = \"tmpfs\"\n"
			     "path = \"/key\"\n"
			     "\n";

static int check(const struct release *release, const struct bill *bill, struct err *err)
{
	const struct measure_params params = {.enclave_size = release->enclave_size, .threads = release->max_threads};

	if (!release->application[0])
		return err_set(err, ERR_INVALID, "release has no python_application");
	if (release->threads < 1 || release->threads > release->max_threads)
		return err_set(err, ERR_INVALID, "release has %u request threads, expected 1 to %u", release->threads,
			       release->max_threads);
	if (measure_params_check(&params, err) < 0)
		return -1;
	if (!bill_find(bill, RELEASE_PROGRAM))
		return err_set(err, ERR_INVALID, "bill of image '%s' has no '%s'", bill->image, RELEASE_PROGRAM);
	if (release->tee == RELEASE_TEE_SIM && memcmp(bill->loader, sim_loader_sha256, 32) != 0)
		return err_set(err, ERR_INVALID, "bill of image '%s' is not for the simulation's loader", bill->image);
	for (size_t i = 0; i < bill->count; i++) {
		if (strncmp(bill->files[i].path, &(RELEASE_CODE_DIR "/")[1], strlen(RELEASE_CODE_DIR)) == 0)
			return err_set(err, ERR_INVALID, "bill of image '%s' has a file below %s", bill->image,
				       RELEASE_CODE_DIR);
	}
	return 0;
}

static int add_entrypoint(const struct bill *bill, struct buf *ret, struct err *err)
{
	char hex[HEX_TEXT_SIZE(32)];

	hex_encode(bill->loader, sizeof(bill->loader), hex);
	return buf_addf(ret, err,
			"# MSE release manifest, version 1\n"
			"libos.entrypoint = \"/" RELEASE_PROGRAM "\"\n"
			"\n"
			"[loader]\n"
			"argv = [\"%s\"]\n"
			"log_level = \"error\"\n"
			"\n"
			"[loader.entrypoint]\n"
			"uri = \"" RELEASE_SIM_LOADER_URI "\"\n"
			"sha256 = \"%s\"\n"
			"\n",
			release_argv[0], hex);
}

static int add_env(const struct release *release, struct buf *ret, struct err *err)
{
	struct release_env env;
	int status = 0;

	if (release_env_make(release, &env, err) < 0)
		return -1;
	status = buf_add_text(ret, "[loader.env]\n", err);
	for (size_t i = 0; i < env.count && status == 0; i++) {
		const char *equals = strchr(env.entries[i], '=');

		status =
		    buf_addf(ret, err, "%.*s = \"%s\"\n", (int)(equals - env.entries[i]), env.entries[i], equals + 1);
	}
	release_env_done(&env);
	return status < 0 ? -1 : buf_add_byte(ret, '\n', err);
}

/* Simulated quotes carry DEBUG, so a simulated enclave is a debug one; a hardware enclave never is. */
static int add_sgx(const struct release *release, struct buf *ret, struct err *err)
{
	return buf_addf(ret, err,
			"[sgx]\n"
			"enclave_size = \"%lluM\"\n"
			"max_threads = %u\n"
			"edmm_enable = false\n"
			"debug = %s\n"
			"isvprodid = %u\n"
			"isvsvn = %u\n"
			"remote_attestation = \"dcap\"\n"
			"allowed_files = [\"file:/instance/\", \"file:/state/\"]\n",
			(unsigned long long)(release->enclave_size / MIB), release->max_threads,
			release->tee == RELEASE_TEE_SIM ? "true" : "false", release->isv_prod_id, release->isv_svn);
}

/*
 * The simulation's sandbox lets nobody start a process; Gramine does unless it is told. And a host's SIGTERM reaches
 * nobody: with it an operator can end an application in order, which it can end anyway.
 */
static int add_sys(const struct release *release, struct buf *ret, struct err *err)
{
	if (release->tee == RELEASE_TEE_SIM)
		return 0;
	return buf_add_text(ret,
			    "\n"
			    "[sys]\n"
			    "disallow_subprocesses = true\n"
			    "enable_sigterm_injection = true\n",
			    err);
}

/* Paths have no control bytes and no backslash (tar_path_check, bill_add): only quotes need an escape. */
static int add_escaped(struct buf *ret, const char *path, struct err *err)
{
	for (const char *part = path;;) {
		const size_t size = strcspn(part, "\"");

		if (buf_add(ret, part, size, err) < 0)
			return -1;
		if (!part[size])
			return 0;
		if (buf_add_text(ret, "\\\"", err) < 0)
			return -1;
		part += size + 1;
	}
}

static int add_trusted(struct buf *ret, const char *uri_start, const char *path, const uint8_t sha256[static 32],
		       struct err *err)
{
	char hex[HEX_TEXT_SIZE(32)];

	hex_encode(sha256, 32, hex);
	if (buf_addf(ret, err, "\n[[sgx.trusted_files]]\nuri = \"%s", uri_start) < 0 || add_escaped(ret, path, err) < 0)
		return -1;
	return buf_addf(ret, err, "\"\nsha256 = \"%s\"\n", hex);
}

int release_manifest_format(const struct release *release, const struct bill *bill, struct buf *ret, struct err *err)
{
	if (check(release, bill, err) < 0)
		return -1;
	if (add_entrypoint(bill, ret, err) < 0 || add_env(release, ret, err) < 0 ||
	    buf_add_text(ret, mounts, err) < 0 || add_sgx(release, ret, err) < 0 || add_sys(release, ret, err) < 0)
		return err_prefix(err, "manifest");
	for (size_t i = 0; i < bill->count; i++) {
		if (add_trusted(ret, RELEASE_ROOT_URI, bill->files[i].path, bill->files[i].sha256, err) < 0)
			return err_prefix(err, "manifest");
	}
	for (size_t i = 0; i < release->file_count; i++) {
		if (add_trusted(ret, RELEASE_CODE_URI, release->files[i].path, release->files[i].sha256, err) < 0)
			return err_prefix(err, "manifest");
	}
	return 0;
}

int release_fingerprint(const struct release *release, const struct bill *bill, struct buf *ret_manifest,
			struct measure_result *ret, struct err *err)
{
	const struct measure_params params = {.enclave_size = release->enclave_size, .threads = release->max_threads};
	scoped(buf_done) struct buf own = BUF_INIT(RELEASE_MANIFEST_MAX);
	struct buf *text = ret_manifest ? ret_manifest : &own;

	if (release->tee != RELEASE_TEE_SIM)
		return err_set(err, ERR_UNSUPPORTED, "TEE '%s' has no pinned loader to measure with",
			       release_tee_text(release->tee));
	if (text->size)
		return err_set(err, ERR_INTERNAL, "the buffer for the manifest is not empty");
	if (release_manifest_format(release, bill, text, err) < 0)
		return -1;
	return measure_run(&params, text->data, text->size, sim_loader, sizeof(sim_loader), ret, err);
}
