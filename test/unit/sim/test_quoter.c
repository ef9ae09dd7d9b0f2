/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sim/quoter.h"

struct maker {
	bool fails;
	struct quoter_enclave seen;
};

static int make(void *arg, const struct quoter_enclave *enclave,
		const uint8_t report_data[static QUOTER_REPORT_DATA_SIZE], struct buf *ret, struct err *err)
{
	struct maker *maker = arg;

	maker->seen = *enclave;
	if (maker->fails)
		return err_set(err, ERR_UNAVAILABLE, "out of order");
	return buf_add(ret, report_data, QUOTER_REPORT_DATA_SIZE, err);
}

static uint8_t node_secret_bytes[QUOTER_SECRET_SIZE] = {1, 2, 3};
static const struct secret node_secret = {.data = node_secret_bytes, .size = QUOTER_SECRET_SIZE};
static const struct quoter_enclave enclave_a = {.measurement = {0xaa}, .isv_prod_id = 7, .isv_svn = 9};
static const struct quoter_enclave enclave_b = {.measurement = {0xbb}};

static void answer(const struct quoter_config *config, const struct quoter_enclave *enclave, char op, size_t size,
		   struct buf *ret)
{
	uint8_t request[128] = {(uint8_t)op};

	quoter_answer(config, enclave, request, size, ret);
}

static void a_quote_is_over_the_fixed_enclave(void **state)
{
	(void)state;
	struct maker maker = {.fails = false};
	const struct quoter_config config = {.node_secret = &node_secret, .make = make, .arg = &maker};
	scoped(buf_done) struct buf reply = BUF_INIT(QUOTER_MESSAGE_MAX);

	answer(&config, &enclave_a, 'Q', 1 + QUOTER_REPORT_DATA_SIZE, &reply);
	assert_int_equal(reply.size, 1 + QUOTER_REPORT_DATA_SIZE);
	assert_int_equal(reply.data[0], '0');
	assert_memory_equal(&maker.seen, &enclave_a, sizeof(enclave_a));
	maker.fails = true;
	answer(&config, &enclave_a, 'Q', 1 + QUOTER_REPORT_DATA_SIZE, &reply);
	assert_string_equal(buf_text(&reply), "1out of order");
}

static void a_key_depends_on_secret_measurement_and_id(void **state)
{
	(void)state;
	struct maker maker = {.fails = false};
	uint8_t other_bytes[QUOTER_SECRET_SIZE] = {9};
	const struct secret other_secret = {.data = other_bytes, .size = QUOTER_SECRET_SIZE};
	const struct quoter_config config = {.node_secret = &node_secret, .make = make, .arg = &maker};
	const struct quoter_config other = {.node_secret = &other_secret, .make = make, .arg = &maker};
	const struct {
		const struct quoter_config *config;
		const struct quoter_enclave *enclave;
		uint8_t id;
	} rows[] = {
	    {&config, &enclave_a, 0}, {&config, &enclave_a, 1}, {&config, &enclave_b, 0}, {&other, &enclave_a, 0}};
	uint8_t keys[COUNT_OF(rows)][QUOTER_KEY_SIZE];
	scoped(buf_done) struct buf reply = BUF_INIT(QUOTER_MESSAGE_MAX);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint8_t request[1 + QUOTER_KEY_ID_SIZE] = {'K', rows[i].id};

		for (int again = 0; again < 2; again++) {
			quoter_answer(rows[i].config, rows[i].enclave, request, sizeof(request), &reply);
			assert_int_equal(reply.size, 1 + QUOTER_KEY_SIZE);
			assert_int_equal(reply.data[0], '0');
			if (again)
				assert_memory_equal(keys[i], reply.data + 1, QUOTER_KEY_SIZE);
			memcpy(keys[i], reply.data + 1, QUOTER_KEY_SIZE);
		}
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(keys[i], keys[j], QUOTER_KEY_SIZE);
	}
}

static void only_exact_requests_are_served(void **state)
{
	(void)state;
	struct maker maker = {.fails = false};
	const struct quoter_config config = {.node_secret = &node_secret, .make = make, .arg = &maker};
	static const struct {
		char op;
		size_t size;
		bool good;
	} rows[] = {{'M', 1, true},   {'M', 2, false},  {'Q', 64, false}, {'Q', 65, true},
		    {'Q', 66, false}, {'K', 32, false}, {'K', 33, true},  {'K', 34, false},
		    {'X', 1, false},  {'M', 0, false},  {0, 65, false}};
	scoped(buf_done) struct buf reply = BUF_INIT(QUOTER_MESSAGE_MAX);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		answer(&config, &enclave_a, rows[i].op, rows[i].size, &reply);
		assert_int_equal(reply.data[0], rows[i].good ? '0' : '1');
	}
}

static void the_thread_serves_many_and_forgets_the_closed(void **state)
{
	(void)state;
	struct maker maker = {.fails = false};
	const struct quoter_config config = {.node_secret = &node_secret, .make = make, .arg = &maker};
	struct quoter *quoter = NULL;
	struct err err = ERR_INIT;
	int ours[20];

	assert_ok(quoter_start(&config, &quoter, &err), &err);
	for (size_t i = 0; i < COUNT_OF(ours); i++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
		ours[i] = pair[0];
		assert_ok(quoter_add(quoter, pair[1], i % 2 ? &enclave_b : &enclave_a, &err), &err);
	}
	for (size_t i = 0; i < COUNT_OF(ours); i++) {
		uint8_t reply[100];

		if (i % 3 == 0) {
			(void)close(ours[i]);
			continue;
		}
		assert_int_equal(send(ours[i], "M", 1, 0), 1);
		assert_int_equal(recv(ours[i], reply, sizeof(reply), 0), 1 + QUOTER_MEASUREMENT_SIZE);
		assert_int_equal(reply[1], i % 2 ? 0xbb : 0xaa);
	}
	quoter_stop(quoter);
	for (size_t i = 0; i < COUNT_OF(ours); i++) {
		uint8_t byte;

		if (i % 3 == 0)
			continue;
		assert_int_equal(recv(ours[i], &byte, 1, 0), 0);
		(void)close(ours[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_quote_is_over_the_fixed_enclave),
	    cmocka_unit_test(a_key_depends_on_secret_measurement_and_id),
	    cmocka_unit_test(only_exact_requests_are_served),
	    cmocka_unit_test(the_thread_serves_many_and_forgets_the_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
