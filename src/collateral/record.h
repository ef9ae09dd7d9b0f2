/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One item in the cache's folder: a few lines of text, an empty line, body and chain. The last line is the SHA-256 of
 * all the rest: a record that was cut or changed is none. docs/formats/collateral-cache.md. Pure.
 */
#ifndef MSE_COLLATERAL_RECORD_H
#define MSE_COLLATERAL_RECORD_H

#include "collateral/answer.h"

#define COLLATERAL_RECORD_MAX (5u << 20)
#define COLLATERAL_SOURCE_MAX COLLATERAL_URL_MAX

struct collateral_record {
	char name[COLLATERAL_NAME_MAX];     /* collateral_name_format: what it is */
	char source[COLLATERAL_SOURCE_MAX]; /* who said so: "Intel PCS", "PCCS https://…" */
	int64_t fetched;                    /* Unix seconds */
	struct collateral_answer answer;
};

#define COLLATERAL_RECORD_INIT ((struct collateral_record){.answer = COLLATERAL_ANSWER_INIT})
void collateral_record_done(struct collateral_record *record);

must_check int collateral_record_format(const struct collateral_record *record, struct buf *ret, struct err *err);
must_check int collateral_record_parse(const void *data, size_t size, struct collateral_record *ret, struct err *err);

#endif
