/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the bill of an image comes from, and why it is believed (docs/formats/bill.md: rules a, b, c). The bill that
 * is wanted is the pinned one, else the cloud's, else the one made here. It counts when it is what the packages and
 * the mse-enclave installed here make (cached in CONF/bills by all that this depends on), when a trusted publisher
 * signed it, or when it is pinned. Anything else is ERR_UNTRUSTED "bill-untrusted: …" with the files that differ.
 */
#ifndef MSE_CLI_BILL_SOURCE_H
#define MSE_CLI_BILL_SOURCE_H

#include "cli/out.h"
#include "cli/settings.h"
#include "domain/bill_trust.h"

struct bill_wanted {
	const char *image;     /* NAME:TAG */
	const uint8_t *pinned; /* 32 bytes, or NULL */
	const char *cloud_url; /* where the bill and its signature may be fetched from, or NULL */
};

struct bill_belief {
	enum bill_trust trust;
	uint8_t digest[32];
	uint8_t publisher[32]; /* whose signature counted; only if signed */
};

must_check int bill_source_get(const struct settings *settings, struct out *out, const struct bill_wanted *wanted,
			       struct bill **ret_bill, struct bill_belief *ret_belief, struct err *err);

/* As bill_source_get for a bill that is already here, with its signature or NULL. */
must_check int bill_source_judge(const struct settings *settings, struct out *out, const struct bill *bill,
				 const uint8_t digest[static 32], const struct bill_signature *signature,
				 const char *program, struct bill_belief *ret_belief, struct err *err);

/* "signed by publisher HEX (rule a)", "recomputed here (rule b)", "pinned in the context (rule c)". */
#define BILL_BELIEF_TEXT_SIZE 128
void bill_belief_text(const struct bill_belief *belief, char ret[static BILL_BELIEF_TEXT_SIZE]);

/* Adds "bill" and, if signed, "bill_publisher". */
void bill_belief_json(const struct bill_belief *belief, json_t *object);

#endif
