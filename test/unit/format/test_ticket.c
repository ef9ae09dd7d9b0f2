/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "format/ticket.h"
#include "hexbytes.h"

static struct ticket sample(size_t fingerprint_size)
{
	struct ticket ticket = {.fingerprint_size = fingerprint_size, .deployed = 0x0102030405060708};

	count_up(0x10, ticket.identity, sizeof(ticket.identity));
	count_up(0x60, ticket.instance, sizeof(ticket.instance));
	count_up(0x90, ticket.fingerprint, fingerprint_size);
	count_up(0xc0, ticket.signature, sizeof(ticket.signature));
	return ticket;
}

static void layout_is_that_of_section_6(void **state)
{
	const struct ticket ticket = sample(32);
	uint8_t bytes[TICKET_SIZE_MAX];

	(void)state;
	assert_int_equal(ticket_format(&ticket, bytes), 213);
	assert_memory_equal(bytes, "mse-ticket-1", 12);
	assert_int_equal(bytes[12], 0x10);
	assert_int_equal(bytes[12 + 64], 0x60);
	assert_int_equal(bytes[12 + 64 + 32], 32);
	assert_int_equal(bytes[12 + 64 + 32 + 1], 0x90);
	assert_hex_equal(bytes + 141, 8, "0102030405060708");
	assert_int_equal(bytes[149], 0xc0);
	assert_int_equal(ticket_message_format(&ticket, bytes), 149);
}

static void both_sizes_go_round(void **state)
{
	static const struct {
		size_t fingerprint_size;
		size_t size;
	} rows[] = {{32, 213}, {48, 229}};
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct ticket ticket = sample(rows[i].fingerprint_size);
		uint8_t bytes[TICKET_SIZE_MAX];
		struct ticket again;

		assert_int_equal(ticket_format(&ticket, bytes), rows[i].size);
		assert_ok(ticket_parse(bytes, rows[i].size, &again, &err), &err);
		assert_memory_equal(&again, &ticket, sizeof(again));
	}
}

static void wrong_bytes_are_refused(void **state)
{
	const struct ticket ticket = sample(32);
	uint8_t bytes[TICKET_SIZE_MAX + 1] = {0};
	struct ticket again;
	struct err err = ERR_INIT;

	(void)state;
	(void)ticket_format(&ticket, bytes);
	for (size_t size = 0; size < sizeof(bytes); size++)
		if (size != 213)
			assert_int_equal(ticket_parse(bytes, size, &again, &err), -1);
	bytes[0] = 'M';
	assert_fails(ticket_parse(bytes, 213, &again, &err), &err, ERR_INVALID, "does not begin with mse-ticket-1");
	bytes[0] = 'm';
	bytes[108] = 33;
	assert_fails(ticket_parse(bytes, 214, &again, &err), &err, ERR_INVALID, "fingerprint of 33 bytes");
	bytes[108] = 48;
	assert_fails(ticket_parse(bytes, 213, &again, &err), &err, ERR_INVALID, "213 bytes, expected 229");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(layout_is_that_of_section_6),
	    cmocka_unit_test(both_sizes_go_round),
	    cmocka_unit_test(wrong_bytes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
