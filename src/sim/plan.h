/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a manifest says to run: measured, read, and its files checked. The simulated counterpart of what Gramine's
 * loader and LibOS do with a manifest, except that all trusted files are hashed before the start, not when opened.
 */
#ifndef MSE_SIM_PLAN_H
#define MSE_SIM_PLAN_H

#include "domain/release.h"
#include "engine/engine.h"

struct plan_file {
	char *path;        /* in the sandbox, from / */
	const char *dir;   /* on the host: image root or code directory; borrowed from the launch */
	const char *below; /* path below dir; points into path */
	uint8_t sha256[32];
};

struct plan {
	struct release *release;
	struct release_env env;
	uint8_t measurement[MEASURE_SIZE];
	struct plan_file *files;
	size_t file_count;
};

/*
 * Reads and measures the manifest. ERR_INVALID: no canonical manifest, another TEE's, or one that asks for another
 * loader; ERR_DENIED: the launch gives the enclave more network than the manifest declares.
 */
must_check int plan_load(const struct engine_launch *launch, struct plan **ret, struct err *err);

/*
 * Hashes every trusted file in two threads. ERR_UNTRUSTED names the first (in the manifest's order) that differs or is
 * missing, with both hashes. A path through a symbolic link is refused: the sandbox could see another file.
 */
must_check int plan_check_files(const struct plan *plan, struct err *err);

void plan_free(struct plan *plan);
DEFINE_SCOPED_PTR(struct plan, plan_free);

#endif
