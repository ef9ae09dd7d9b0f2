/* SPDX-License-Identifier: Apache-2.0 */
/* Names as RFC 4514 text: they come from mse.toml and from the host's instance document. */
#include <string.h>

#include "crypto/x509_build.h"

#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 1];
	struct err err = ERR_INIT;

	if (size > TEXT_MAX)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	IGNORE_RESULT(x509_check_name(text, &err) < 0);
	return 0;
}
