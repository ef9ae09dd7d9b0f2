/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A release: all that decides what runs, and nothing about where (design: release and instance split). Written as
 * one canonical manifest text, which is TOML and a Gramine (1.5 and later) manifest; docs/formats/release-manifest.md.
 * The same release and bill give the same bytes on client and server; their measurement is the fingerprint.
 *
 * Pure. Paths of code files are those of the tar ("app.py.enc"), of bill files those of the image's root.
 */
#ifndef MSE_DOMAIN_RELEASE_H
#define MSE_DOMAIN_RELEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/bill.h"
#include "format/tar.h"
#include "measure/measure.h"

#define RELEASE_MANIFEST_MAX MEASURE_MANIFEST_MAX
#define RELEASE_APPLICATION_MAX 128           /* "module:variable" */
#define RELEASE_HEALTHCHECK_MAX 255           /* "/path" */
#define RELEASE_PROGRAM "usr/bin/mse-enclave" /* path in the root of the program that runs */
#define RELEASE_SIM_LOADER_URI "file:/usr/lib/mse/sim-loader"
#define RELEASE_THREADS_DEFAULT 8      /* MSE_THREADS: request threads in the enclave */
#define RELEASE_MAX_THREADS_DEFAULT 64 /* sgx.max_threads */
#define RELEASE_CODE_DIR "/code"       /* where the code files lie in the sandbox */

#define RELEASE_TEES(X) \
	X(SIM, "sim") \
	X(GRAMINE, "gramine")
#define RELEASE_RESTARTS(X) \
	X(SEALED, "sealed") /* a restart on the same machine needs no owner */ \
	X(OWNER, "owner")   /* each start waits for its owner */
#define RELEASE_LOGSS(X) \
	X(OWNER, "owner") /* encrypted to the owner */ \
	X(OPERATOR, "operator")
#define RELEASE_EGRESSES(X) \
	X(NONE, "none") \
	X(INTERNET, "internet")

#define X(name, text) RELEASE_TEE_##name,
enum release_tee { RELEASE_TEES(X) };
#undef X
#define X(name, text) RELEASE_RESTART_##name,
enum release_restart { RELEASE_RESTARTS(X) };
#undef X
#define X(name, text) RELEASE_LOGS_##name,
enum release_logs { RELEASE_LOGSS(X) };
#undef X
#define X(name, text) RELEASE_EGRESS_##name,
enum release_egress { RELEASE_EGRESSES(X) };
#undef X

struct release_file {
	char *path; /* in the tar */
	uint8_t sha256[32];
	uint64_t size; /* not in the manifest; 0 after release_from_manifest */
};

struct release {
	enum release_tee tee;
	enum release_restart restart;
	enum release_logs logs;
	enum release_egress egress;
	bool plain_code; /* files of the tar are not encrypted */
	bool has_owner_key, has_code_key_id;
	uint8_t owner_key[32];   /* Ed25519 public key */
	uint8_t code_key_id[32]; /* SHA-256("mse-code-key-1" ‖ code key) */
	char application[RELEASE_APPLICATION_MAX + 1];
	char healthcheck[RELEASE_HEALTHCHECK_MAX + 1];
	uint64_t enclave_size; /* bytes, a power of two, a multiple of 1 MiB */
	uint32_t max_threads;
	uint32_t threads;
	uint16_t isv_prod_id, isv_svn;
	struct release_file *files; /* ascending by path */
	size_t file_count, file_capacity;
};

/*
 * Defaults: sim, sealed, owner's logs, no egress, encrypted code, 512 MiB, RELEASE_*THREADS_DEFAULT, product 0, SVN 1,
 * healthcheck "/", no key, no application (which must be set).
 */
must_check int release_new(struct release **ret, struct err *err);
void release_free(struct release *release);
DEFINE_SCOPED_PTR(struct release, release_free);

/* enum <-> the texts of the manifest and the API ("sim", "sealed", "owner", "none" …); parse: ERR_INVALID. */
const char *release_tee_text(enum release_tee tee);
const char *release_restart_text(enum release_restart restart);
const char *release_logs_text(enum release_logs logs);
const char *release_egress_text(enum release_egress egress);
must_check int release_tee_parse(const char *text, enum release_tee *ret, struct err *err);
must_check int release_restart_parse(const char *text, enum release_restart *ret, struct err *err);
must_check int release_logs_parse(const char *text, enum release_logs *ret, struct err *err);
must_check int release_egress_parse(const char *text, enum release_egress *ret, struct err *err);

/* Checked copies: "module:variable" with dotted identifiers; "/…" of visible ASCII. */
must_check int release_set_application(struct release *release, const char *application, struct err *err);
must_check int release_set_healthcheck(struct release *release, const char *path, struct err *err);

/* Reads a whole code tar and adds path and SHA-256 of each file, sorted. Contents go through, none is kept. */
must_check int release_add_code(struct release *release, struct tar_source source, struct err *err);
must_check int release_add_file(struct release *release, const char *path, const uint8_t sha256[static 32],
				uint64_t size, struct err *err);

/* The environment and arguments of mse-enclave, as loader.env and loader.argv say. */
#define RELEASE_ENV_MAX 32
struct release_env {
	char *entries[RELEASE_ENV_MAX + 1]; /* "NAME=value", ascending, NULL at the end */
	size_t count;
};
extern const char *const release_argv[]; /* NULL at the end */
must_check int release_env_make(const struct release *release, struct release_env *ret, struct err *err);
void release_env_done(struct release_env *env);

/* The canonical text, appended to ret (give it RELEASE_MANIFEST_MAX). */
must_check int release_manifest_format(const struct release *release, const struct bill *bill, struct buf *ret,
				       struct err *err);

/*
 * Reads a canonical text back: formatting the answer gives the same bytes, else ERR_INVALID with the line. The bill
 * has paths and hashes only: its sizes are 0, its image is RELEASE_NO_IMAGE, its loader is that of the entry point.
 */
#define RELEASE_NO_IMAGE "unknown:0"
must_check int release_from_manifest(const void *text, size_t size, struct release **ret, struct bill **ret_bill,
				     struct err *err);

/*
 * Appends one line (ended by a newline) for each difference of two manifest texts, at most lines_max and then how many
 * more there are, such as
 *   trusted file 'usr/bin/mse-enclave': sha256 0a…, expected 0b…
 *   setting 'loader.env.MSE_RESTART': "owner", expected "sealed"
 * 1 if anything differs, 0 if equal. The seen text is untrusted: what is not printable becomes '?'. Texts with equal
 * entries that differ all the same (order, spaces, comments) are one line that names the first such line.
 */
must_check int release_diff(const void *expected, size_t expected_size, const void *seen, size_t seen_size,
			    size_t lines_max, struct buf *ret, struct err *err);

/* Formats and measures with the simulation's loader. ret_manifest may be NULL, else the text is appended to it. */
must_check int release_fingerprint(const struct release *release, const struct bill *bill, struct buf *ret_manifest,
				   struct measure_result *ret, struct err *err);

#endif
