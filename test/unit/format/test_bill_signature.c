/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "format/bill_signature.h"

static struct bill_signature make_sample(void)
{
	struct bill_signature sample;

	memset(sample.bill, 0x11, sizeof(sample.bill));
	memset(sample.key, 0x22, sizeof(sample.key));
	memset(sample.signature, 0xab, sizeof(sample.signature));
	return sample;
}

static void message_is_label_and_digest(void **state)
{
	const struct bill_signature sample = make_sample();
	uint8_t message[BILL_SIGNATURE_MESSAGE_SIZE];

	(void)state;
	assert_int_equal(sizeof(message), 42);
	bill_signature_message(sample.bill, message);
	assert_memory_equal(message, "mse-bill-1", 10);
	assert_memory_equal(message + 10, sample.bill, 32);
}

static void text_is_read_back_and_nothing_else(void **state)
{
	const struct bill_signature sample = make_sample();
	scoped(buf_done) struct buf text = BUF_INIT(BILL_SIGNATURE_TEXT_MAX);
	struct bill_signature again;
	struct err err = ERR_INIT;

	(void)state;
	assert_ok(bill_signature_format(&sample, &text, &err), &err);
	assert_ok(bill_signature_parse(text.data, text.size, &again, &err), &err);
	assert_memory_equal(&again, &sample, sizeof(sample));
	for (size_t size = 0; size < text.size; size++)
		assert_int_equal(bill_signature_parse(text.data, size, &again, &err), -1);
	assert_ok(buf_add_byte(&text, '\n', &err), &err);
	assert_fails(bill_signature_parse(text.data, text.size, &again, &err), &err, ERR_INVALID, "expected the end");
	text.size--;
	memcpy(strstr((char *)text.data, "abab"), "ABAB", 4);
	assert_fails(bill_signature_parse(text.data, text.size, &again, &err), &err, ERR_INVALID, "bill signature");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(message_is_label_and_digest),
	    cmocka_unit_test(text_is_read_back_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
