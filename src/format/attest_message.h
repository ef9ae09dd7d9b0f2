/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two messages of fresh attestation (attested-channel.md section 4), bytes only: what they prove is
 * attest/fresh_binding.h's matter.
 *
 * A message of another version fails with ERR_UNSUPPORTED ("attest-version: …"), anything else wrong with ERR_INVALID
 * ("attest-malformed: …"): unknown, missing or repeated member, wrong type, trailing bytes, sizes. Role, depth, index
 * and path are only bounded here: what they should be is named by other errors (`role`, `proof`).
 */
#ifndef MSE_FORMAT_ATTEST_MESSAGE_H
#define MSE_FORMAT_ATTEST_MESSAGE_H

#include "base/buf.h"

#define ATTEST_PATH "/.well-known/mse/attestation"
#define ATTEST_REQUEST_SIZE_MAX 1024
#define ATTEST_ANSWER_SIZE_MAX (128u << 10)
#define ATTEST_NONCE_SIZE 32
#define ATTEST_HASH_SIZE 32
#define ATTEST_PATH_COUNT_MAX 32 /* parsed; valid proofs have at most 10 */
#define ATTEST_QUOTE_SIZE_MAX (32u << 10)
#define ATTEST_CERTIFICATE_SIZE_MAX (64u << 10)
#define ATTEST_TICKET_SIZE_MAX 512

#define ATTEST_ROLE_CONFIGURATION 1
#define ATTEST_ROLE_APPLICATION 2
#define ATTEST_ROLE_CLIENT 3 /* reserved */

#define MESSAGE_TEES(X) X(SGX, "sgx") X(TDX, "tdx") X(SNP, "snp") X(SIM, "sim")

enum message_tee {
#define X(name, text) MESSAGE_TEE_##name,
	MESSAGE_TEES(X)
#undef X
};

const char *message_tee_text(enum message_tee tee);

struct attest_request {
	uint8_t nonce[ATTEST_NONCE_SIZE];
};

must_check int attest_request_parse(const void *data, size_t size, struct attest_request *ret, struct err *err);
must_check int attest_request_format(const struct attest_request *request, struct buf *ret, struct err *err);

struct attest_answer {
	uint8_t role;
	enum message_tee tee;
	struct buf quote;
	uint32_t depth;
	uint32_t index;
	uint8_t path[ATTEST_PATH_COUNT_MAX][ATTEST_HASH_SIZE];
	size_t path_count;
	struct buf certificate; /* DER */
	struct buf ticket;      /* empty: none */
};

#define ATTEST_ANSWER_INIT \
	((struct attest_answer){.quote = BUF_INIT(ATTEST_QUOTE_SIZE_MAX), \
				.certificate = BUF_INIT(ATTEST_CERTIFICATE_SIZE_MAX), \
				.ticket = BUF_INIT(ATTEST_TICKET_SIZE_MAX)})

void attest_answer_done(struct attest_answer *answer);

/* *ret must be ATTEST_ANSWER_INIT; it is left so on failure. */
must_check int attest_answer_parse(const void *data, size_t size, struct attest_answer *ret, struct err *err);
must_check int attest_answer_format(const struct attest_answer *answer, struct buf *ret, struct err *err);

/* "attest-version" or "attest-malformed": the error name of a failed parse. */
const char *attest_message_fault(const struct err *err);

#endif
