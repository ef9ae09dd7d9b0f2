/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads canonical texts whose every byte but the values is known beforehand: bills and their signatures. What it
 * accepts formats to the same bytes.
 */
#ifndef MSE_FORMAT_BILL_READER_H
#define MSE_FORMAT_BILL_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct bill_reader {
	const char *data;
	size_t size;
	size_t at;
};

must_check int bill_reader_expect(struct bill_reader *reader, const char *text, struct err *err);
bool bill_reader_next_is(const struct bill_reader *reader, char byte);
must_check int bill_reader_end(const struct bill_reader *reader, struct err *err);

/* All three take the value; text and hex with the quote that closes it. Texts are printable ASCII without '\'. */
must_check int bill_reader_text(struct bill_reader *reader, char *ret, size_t ret_size, struct err *err);
must_check int bill_reader_hex(struct bill_reader *reader, uint8_t *ret, size_t ret_size, struct err *err);
must_check int bill_reader_number(struct bill_reader *reader, uint64_t max, uint64_t *ret, struct err *err);

#endif
