/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse-bootstrap (E1): the original's way to start the runtime, by options instead of settings and an instance file
 * (docs/formats/enclave-settings.md, "mse-bootstrap"). What each option may decide:
 *
 *   release   what runs. Only if the release measures its command line, which it says by MSE_ARGV=measured, or if the
 *             measured environment says the same already.
 *   instance  for whom it runs. Never measured; attested in the certificate, as an instance document of a host is.
 *   host      where and how long. The host decides that anyway.
 *
 * A setting in the environment is never overridden: an option that says something else is refused.
 */
#ifndef MSE_ENCLAVE_BOOTSTRAP_H
#define MSE_ENCLAVE_BOOTSTRAP_H

#include <stdbool.h>

#include "enclave/attested/instance_input.h"

#define BOOTSTRAP_NAME "mse-bootstrap"

struct bootstrap {
	bool wants_help; /* nothing below is set */
	bool wants_version;
	char **env; /* owned: the environment with what the options say */
	struct instance_input input;
	bool is_plain_allowed;
};

#define BOOTSTRAP_INIT ((struct bootstrap){.input = INSTANCE_INPUT_INIT})

/* argv without the program's name; env as the process has it. *ret is to be bootstrap_done even on failure. */
must_check int bootstrap_parse(char *const *argv, char *const *env, struct bootstrap *ret, struct err *err);
void bootstrap_done(struct bootstrap *bootstrap);

/* What --help says. */
must_check int bootstrap_help(struct buf *ret, struct err *err);

#endif
