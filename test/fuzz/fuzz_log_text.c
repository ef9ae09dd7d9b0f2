/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stored lines come from the operator: without the key they are only told apart. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(buf_done) struct buf text = BUF_INIT(LOG_TEXT_SIZE_MAX);
	static uint8_t zeros[32];
	const struct log_key key = {.secret_key = {.data = zeros, .size = sizeof(zeros)}};
	struct log_count count;
	struct err err = ERR_INIT;

	if (log_text_open((const char *)data, size, &key, &text, &count, &err) == 0 && text.size)
		log_text_tame((char *)text.data, text.size);
	return 0;
}
