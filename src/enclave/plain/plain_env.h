/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of the plain server by the environment: MSE_SERVE_ACCESS_LOG_FILE is --access-log-file, MSE_SERVE_APP is
 * MODULE:APP. The command line wins. What help does not show cannot be given. In an enclave nothing reads these.
 */
#ifndef MSE_ENCLAVE_PLAIN_ENV_H
#define MSE_ENCLAVE_PLAIN_ENV_H

#include "enclave/process/arguments.h"

#define PLAIN_ENV_PREFIX "MSE_SERVE_"
#define PLAIN_ENV_TEXTS 4 /* options that may be repeated, or more */
#define PLAIN_ENV_APP PLAIN_ENV_PREFIX "APP"

/*
 * Fills what the command line left NULL, from variables that are not empty; an option without a value by "1", "true",
 * "yes" or "on". Of an option that may be repeated, values are separated by spaces: ret_texts, all NULL before, holds
 * them; the caller frees them, also on failure.
 */
must_check int plain_env_take(const struct argument *rows, size_t count, const char **operand,
			      char *ret_texts[static PLAIN_ENV_TEXTS], struct err *err);

/* err, about '--OPTION', names the variable too if that is where it was from. texts: what plain_env_take gave. */
void plain_env_explain(const struct argument *rows, size_t count, char *const texts[static PLAIN_ENV_TEXTS],
		       struct err *err);

/* Says which variables are no option: misspelt ones would go unseen. */
void plain_env_tell_unknown(const struct argument *rows, size_t count, void (*tell)(const char *name));

#endif
