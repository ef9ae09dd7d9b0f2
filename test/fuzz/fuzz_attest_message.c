/* SPDX-License-Identifier: Apache-2.0 */
/* First byte: even = request, odd = answer. What parses must format, and parse again to the same. */
#include <string.h>

#include "format/attest_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_request(const uint8_t *data, size_t size)
{
	scoped(buf_done) struct buf text = BUF_INIT(ATTEST_REQUEST_SIZE_MAX);
	struct attest_request request;
	struct attest_request again;
	struct err err = ERR_INIT;

	if (attest_request_parse(data, size, &request, &err) < 0)
		return;
	if (attest_request_format(&request, &text, &err) < 0 ||
	    attest_request_parse(text.data, text.size, &again, &err) < 0 ||
	    memcmp(&again, &request, sizeof(again)) != 0)
		__builtin_trap();
}

static void try_answer(const uint8_t *data, size_t size)
{
	scoped(buf_done) struct buf text = BUF_INIT(ATTEST_ANSWER_SIZE_MAX);
	scoped(buf_done) struct buf second = BUF_INIT(ATTEST_ANSWER_SIZE_MAX);
	scoped(attest_answer_done) struct attest_answer answer = ATTEST_ANSWER_INIT;
	scoped(attest_answer_done) struct attest_answer again = ATTEST_ANSWER_INIT;
	struct err err = ERR_INIT;

	if (attest_answer_parse(data, size, &answer, &err) < 0)
		return;
	if (attest_answer_format(&answer, &text, &err) < 0 ||
	    attest_answer_parse(text.data, text.size, &again, &err) < 0 ||
	    attest_answer_format(&again, &second, &err) < 0 || second.size != text.size ||
	    memcmp(second.data, text.data, text.size) != 0)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 1)
		try_answer(data + 1, size - 1);
	else
		try_request(data + 1, size - 1);
	return 0;
}
