/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/process/exit_code.h"

const char *exit_code_label(enum exit_code code)
{
	switch (code) {
#define X(name, value, label, text) \
	case EXIT_CODE_##name: \
		return label;
		EXIT_CODES(X)
#undef X
	}
	return "internal";
}
