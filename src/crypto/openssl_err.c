/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/openssl_err.h"

#include <openssl/err.h>

int openssl_err(struct err *err, enum err_code code, const char *what)
{
	const unsigned long first = ERR_get_error();
	const char *reason = first ? ERR_reason_error_string(first) : NULL;

	ERR_clear_error();
	if (ERR_GET_REASON(first) == ERR_R_MALLOC_FAILURE)
		return err_no_memory(err);
	return err_set(err, code, "%s: %s", what, reason ? reason : "no reason given");
}

void openssl_clear(void)
{
	ERR_clear_error();
}
