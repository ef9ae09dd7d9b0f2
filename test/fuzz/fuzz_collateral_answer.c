/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers of the vendors' services: one byte for the kind, a line for the issuer chain's header, the body. What is
 * accepted must have an end, survive the cache, give its certificates, and be tried for a proof. The line is tried as
 * Retry-After too.
 */
#include <stdlib.h>
#include <string.h>

#include "collateral/proof.h"
#include "collateral/record.h"

#define LINE_MAX_SIZE (64u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_accepted(enum collateral_kind kind, const struct collateral_answer *answer)
{
	struct collateral_record record = {.name = "name", .source = "source", .answer = *answer};
	scoped(collateral_record_done) struct collateral_record again = COLLATERAL_RECORD_INIT;
	scoped(buf_done) struct buf bytes = BUF_INIT(COLLATERAL_RECORD_MAX);
	scoped(buf_done) struct buf ask = BUF_INIT(COLLATERAL_CHAIN_MAX);
	scoped(buf_done) struct buf ark = BUF_INIT(COLLATERAL_CHAIN_MAX);
	struct err err = ERR_INIT;

	check(answer->body.size > 0 && answer->until < INT64_MAX && answer->from > INT64_MIN);
	check(collateral_record_format(&record, &bytes, &err) == 0);
	check(collateral_record_parse(bytes.data, bytes.size, &again, &err) == 0);
	check(again.answer.body.size == answer->body.size && again.answer.until == answer->until);
	if (collateral_kind_form(kind) == COLLATERAL_FORM_CHAIN)
		check(collateral_answer_split(answer, &ask, &ark, &err) == 0);
}

/* Its own root is trusted or not: what is proven is never older than itself. */
static void try_proof(const struct collateral_wanted *wanted, const struct collateral_answer *answer)
{
	const struct attest_policy policy = {0};
	struct collateral_issuers issuers = {0};
	struct collateral_edition edition;
	struct trust trust;
	struct err err = ERR_INIT;

	check(trust_init(&trust, NULL, &policy, &err) == 0);
	if (collateral_prove(&trust, wanted, answer, &issuers, &edition, &err) == 0)
		check(collateral_edition_check(&edition, &edition, &err) == 0);
	collateral_issuers_done(&issuers);
}

static void try_answer(enum collateral_kind kind, char *line, const uint8_t *body, size_t size)
{
	static const uint8_t chip[COLLATERAL_CHIP_ID_MAX] = {1};
	const struct collateral_wanted wanted = {
	    .kind = kind, .ca = "platform", .product = "Milan", .chip_id = chip, .chip_id_size = sizeof(chip)};
	const char *const *names = collateral_kind_headers(kind);
	const struct http_header header = {names[0] ? names[0] : "Unknown", line};
	struct collateral_answer answer = COLLATERAL_ANSWER_INIT;
	struct err err = ERR_INIT;

	if (collateral_answer_parse(&wanted, body, size, &header, *line ? 1 : 0, &answer, &err) == 0) {
		check_accepted(kind, &answer);
		try_proof(&wanted, &answer);
	}
	collateral_answer_done(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
	scoped(freep) char *line = NULL;
	int64_t seconds;

	if (!end || (size_t)(end - data) > LINE_MAX_SIZE)
		return 0;
	line = strndup((const char *)data + 1, (size_t)(end - data - 1));
	if (!line)
		return 0;
	try_answer((enum collateral_kind)(data[0] % COLLATERAL_KIND_COUNT), line, end + 1,
		   (size_t)(data + size - end - 1));
	if (collateral_retry_after(line, 1700000000, &seconds) > 0)
		check(seconds >= 0);
	return 0;
}
