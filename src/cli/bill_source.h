/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the bill of an image comes from, and why it is believed (design: trust rules a, b, c). Recomputed from the
 * packages and the mse-enclave installed here (cached in CONF/bills by all that it depends on), or pinned by the
 * digest in a context and then taken from any cloud that has it. Anything else is ERR_UNTRUSTED "bill-untrusted: …".
 */
#ifndef MSE_CLI_BILL_SOURCE_H
#define MSE_CLI_BILL_SOURCE_H

#include "cli/out.h"
#include "cli/settings.h"
#include "domain/bill_trust.h"
#include "format/bill.h"

struct bill_wanted {
	const char *image;     /* NAME:TAG */
	const uint8_t *pinned; /* 32 bytes, or NULL */
	const char *cloud_url; /* where a pinned one may be fetched from, or NULL */
};

must_check int bill_source_get(const struct settings *settings, struct out *out, const struct bill_wanted *wanted,
			       struct bill **ret_bill, uint8_t ret_digest[static 32], enum bill_trust *ret_trust,
			       struct err *err);

#endif
