/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quoting thread of fresh attestation (attested-channel.md section 4, "Server, quoting"): leaves wait in a queue of
 * at most QUOTER_QUEUE_MAX; when no quote is under way the thread takes up to FRESH_LEAVES_MAX of them, puts them under
 * one quote and answers each. One leaf alone has depth 0 and waits for nothing.
 *
 * Knows nothing of HTTP: who submits gives a function that is called exactly once, from the quoting thread, for every
 * leaf that was accepted.
 */
#ifndef MSE_ENCLAVE_QUOTER_H
#define MSE_ENCLAVE_QUOTER_H

#include <stdbool.h>

#include "attest/fresh_binding.h"
#include "base/buf.h"
#include "base/err.h"
#include "format/ticket.h"

#define QUOTER_QUEUE_MAX 4096
#define QUOTER_AGE_MAX_MS 10000 /* who waited longer is told "unavailable": the client has given up by then */

/* Where a leaf stands in the batch, for the answer; borrowed for the call. quote NULL: no quote, answer 503. */
struct quoter_proof {
	const struct buf *quote;
	unsigned depth;
	unsigned index;
	const uint8_t (*path)[FRESH_HASH_SIZE];
};

typedef void (*quoter_done)(void *arg, const struct quoter_proof *proof);

struct quoter;

struct quoter_options {
	int (*quote)(void *arg, const uint8_t *report_data, struct buf *ret, struct err *err);
	void *quote_arg;
	size_t quote_size_max;
	void (*report)(const char *text); /* told of the first failure of a row of failures; NULL: nobody */
};

must_check int quoter_start(const struct quoter_options *options, struct quoter **ret, struct err *err);

/* false: the queue is full or closing, and done will not be called. */
must_check bool quoter_submit(struct quoter *quoter, const uint8_t leaf[static FRESH_HASH_SIZE], quoter_done done,
			      void *arg);

/* Answers what waits with "no quote", ends the thread, frees. NULL is fine. */
void quoter_stop(struct quoter *quoter);

#endif
