/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer of a vendor's service, checked for being the kind of thing that was asked for, and its validity read from
 * it. Signatures are the verifier's business. Pure.
 */
#ifndef MSE_COLLATERAL_ANSWER_H
#define MSE_COLLATERAL_ANSWER_H

#include "collateral/kind.h"
#include "net/http.h"

#define COLLATERAL_CHAIN_MAX (64u << 10) /* of an issuer chain in PEM */
#define COLLATERAL_CHAIN_CERTIFICATES_MAX 4

struct collateral_answer {
	struct buf body;  /* JSON as received; revocation list or certificate in DER; two certificates in PEM */
	struct buf chain; /* issuer chain in PEM; empty for kinds without one */
	int64_t from;     /* of item and chain together; Unix seconds, both inclusive */
	int64_t until;
};

#define COLLATERAL_ANSWER_INIT \
	((struct collateral_answer){.body = BUF_INIT(4u << 20), .chain = BUF_INIT(COLLATERAL_CHAIN_MAX)})
void collateral_answer_done(struct collateral_answer *answer);

/*
 * body and headers of a response with status 200. ERR_INVALID names what it is instead, ERR_LIMIT what is too large.
 * *ret is initialised by the caller; after a failure it holds nothing that counts.
 */
must_check int collateral_answer_parse(const struct collateral_wanted *wanted, const void *body, size_t size,
				       const struct http_header *headers, size_t header_count,
				       struct collateral_answer *ret, struct err *err);

/* The two certificates of COLLATERAL_FORM_CHAIN, each in DER: ASK or ASVK, and ARK. */
must_check int collateral_answer_split(const struct collateral_answer *answer, struct buf *ret_ask, struct buf *ret_ark,
				       struct err *err);

/*
 * Retry-After (RFC 9110 10.2.3): seconds, or a date in the form of section 5.6.7 that is preferred there. 1: *ret is
 * the pause from now, never negative; 0: neither.
 */
int collateral_retry_after(const char *text, int64_t now, int64_t *ret_seconds);

#endif
