/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hardware_root.h"

#include "attest/trust.h"

int hardware_root_check(const struct attest_roots *roots, struct err *err)
{
	const struct attest_policy none = {0};
	struct trust read;

	return trust_init(&read, roots, &none, err);
}
