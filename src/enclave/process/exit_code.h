/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How mse-enclave ends. The last line it writes is for the operator: "mse-enclave: NAME: TEXT". It names what the
 * host could do about it and never holds anything of the application; docs/formats/enclave-exit.md is this table.
 */
#ifndef MSE_ENCLAVE_EXIT_CODE_H
#define MSE_ENCLAVE_EXIT_CODE_H

#include "format/enclave_lines.h"

#define EXIT_CODES(X) \
	X(STOPPED, 0, "stopped", "a signal asked for the stop; running requests were finished first, but for SIGQUIT") \
	X(INTERNAL, 1, "internal", "a fault of the runtime or the system it runs on") \
	X(SETTINGS, 2, "settings-invalid", "a measured setting is missing or wrong: the release is bad") \
	X(APPLICATION, ENCLAVE_EXIT_APPLICATION, ENCLAVE_EXIT_APPLICATION_NAME, \
	  "the application failed to load, or ended its event loop; the owner's log says why") \
	X(INSTANCE, 4, "instance-invalid", "the host gave no valid instance document or certificate chain") \
	X(INSTANCE_CHANGED, 5, "instance-changed", "the instance document is not the one that was sealed") \
	X(SEALED_STATE, 6, "sealed-state", \
	  "the sealed state does not open; remove it to start anew, with a new identity") \
	X(TEE, 7, "tee-failed", "no quote or sealing key from the TEE") \
	X(LISTEN, 8, "listen-failed", "the listening socket cannot be made") \
	X(NOT_PROVISIONED, 9, "not-provisioned", "nobody provisioned it within MSE_WAIT_SECONDS")

enum exit_code {
#define X(name, value, label, text) EXIT_CODE_##name = (value),
	EXIT_CODES(X)
#undef X
};

/* "stopped", "internal", … Never NULL. */
const char *exit_code_label(enum exit_code code);

#endif
