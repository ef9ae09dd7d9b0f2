/* SPDX-License-Identifier: Apache-2.0 */
/* An mse.toml with the folder it lies in: paths of the file are made absolute, what it names is looked at. */
#ifndef MSE_CLI_PROJECT_H
#define MSE_CLI_PROJECT_H

#include "cli/out.h"
#include "crypto/secret.h"
#include "domain/app_config.h"

#define PROJECT_FILE "mse.toml"
#define PROJECT_SECRETS_SIZE_MAX (1u << 20)

struct project {
	struct app_config config;
	char *file;
	char *code_dir;
	char *tests_dir;
	char *secrets_file; /* NULL when none is named */
	char *sealed_file;  /* secrets_to_seal.json beside mse.toml, or NULL */
	char *ssl_private_key_file;
	char *ssl_certificate_file;
};

/* path NULL: mse.toml in the current folder. Every error of the file is written to out, *err says how many files are
 * wrong in one sentence. */
must_check int project_load(struct out *out, const char *path, struct project *ret_project, struct err *err);
void project_done(struct project *project);

/* The content of the secrets file, which must be JSON; empty for an app without one. */
must_check int project_read_secrets(const struct project *project, struct secret *ret, struct err *err);

#endif
