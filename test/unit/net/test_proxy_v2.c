/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "net/proxy_v2.h"

#define SIGNATURE 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a

/* Section 2.2 of haproxy's specification: 127.0.0.1:1234 to 10.0.0.1:443. */
static const uint8_t inet[] = {SIGNATURE, 0x21, 0x11, 0, 12, 127, 0, 0, 1, 10, 0, 0, 1, 0x04, 0xd2, 0x01, 0xbb};

static void test_inet(void **state)
{
	struct proxy_v2_addresses got;
	scoped(buf_done) struct buf made = BUF_INIT(PROXY_V2_SIZE_MAX);
	struct err err = ERR_INIT;
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(inet); i++)
		assert_int_equal(proxy_v2_parse(inet, i, &got, &size, &err), 0);
	assert_int_equal(proxy_v2_parse(inet, sizeof(inet), &got, &size, &err), 1);
	assert_int_equal(size, sizeof(inet));
	assert_int_equal(got.family, PROXY_V2_INET);
	assert_string_equal(got.source, "127.0.0.1");
	assert_string_equal(got.destination, "10.0.0.1");
	assert_int_equal(got.source_port, 1234);
	assert_int_equal(got.destination_port, 443);
	assert_ok(proxy_v2_format(&got, &made, &err), &err);
	assert_int_equal(made.size, sizeof(inet));
	assert_memory_equal(made.data, inet, sizeof(inet));
}

static void test_inet6(void **state)
{
	const struct proxy_v2_addresses sent = {PROXY_V2_INET6, "2001:db8::1", "::1", 65535, 1};
	struct proxy_v2_addresses got;
	scoped(buf_done) struct buf made = BUF_INIT(PROXY_V2_SIZE_MAX);
	struct err err = ERR_INIT;
	size_t size;

	(void)state;
	assert_ok(proxy_v2_format(&sent, &made, &err), &err);
	assert_int_equal(made.size, 52);
	assert_int_equal(proxy_v2_parse(made.data, made.size, &got, &size, &err), 1);
	assert_string_equal(got.source, "2001:db8::1");
	assert_string_equal(got.destination, "::1");
	assert_int_equal(got.source_port, 65535);
}

/* PP2_TYPE_SSL behind the addresses, as haproxy's send-proxy-v2-ssl puts it there; other TLVs do not matter. */
static void test_tls(void **state)
{
#define HEAD(command, size) SIGNATURE, command, 0x11, 0, size, 127, 0, 0, 1, 10, 0, 0, 1, 0x04, 0xd2, 0x01, 0xbb
	static const uint8_t tls[] = {HEAD(0x21, 24), 0x04, 0, 1, 0, 0x20, 0, 5, 1, 0, 0, 0, 0};
	static const uint8_t plain[] = {HEAD(0x21, 20), 0x20, 0, 5, 6, 0, 0, 0, 0};
	static const uint8_t cut[] = {HEAD(0x21, 20), 0x20, 0, 6, 1, 0, 0, 0, 0};
	static const uint8_t brief[] = {HEAD(0x21, 19), 0x20, 0, 4, 1, 0, 0, 0};
	static const uint8_t other[] = {HEAD(0x21, 20), 0x21, 0, 5, 1, 0, 0, 0, 0};
	static const uint8_t local[] = {HEAD(0x20, 20), 0x20, 0, 5, 1, 0, 0, 0, 0};
	static const uint8_t unknown[] = {SIGNATURE, 0x21, 0, 0, 8, 0x20, 0, 5, 1, 0, 0, 0, 0};
	const struct {
		const uint8_t *data;
		size_t size;
		bool wanted;
	} rows[] = {{tls, sizeof(tls), true},        {plain, sizeof(plain), false}, {cut, sizeof(cut), false},
		    {brief, sizeof(brief), false},   {other, sizeof(other), false}, {local, sizeof(local), false},
		    {unknown, sizeof(unknown), true}};
	struct proxy_v2_addresses got;
	struct err err = ERR_INIT;
	size_t size;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(proxy_v2_parse(rows[i].data, rows[i].size, &got, &size, &err), 1);
		assert_int_equal(got.is_tls, rows[i].wanted);
	}
}

static void test_local(void **state)
{
	static const uint8_t local[] = {SIGNATURE, 0x20, 0, 0, 0};
	const struct proxy_v2_addresses sent = {.family = PROXY_V2_UNKNOWN};
	struct proxy_v2_addresses got;
	scoped(buf_done) struct buf made = BUF_INIT(PROXY_V2_SIZE_MAX);
	struct err err = ERR_INIT;
	size_t size;

	(void)state;
	assert_ok(proxy_v2_format(&sent, &made, &err), &err);
	assert_int_equal(made.size, sizeof(local));
	assert_memory_equal(made.data, local, sizeof(local));
	assert_int_equal(proxy_v2_parse(local, sizeof(local), &got, &size, &err), 1);
	assert_int_equal(got.family, PROXY_V2_UNKNOWN);
}

static int parse_edited(size_t offset, uint8_t byte, enum err_code *ret_code)
{
	uint8_t edited[sizeof(inet)];
	struct proxy_v2_addresses got;
	struct err err = ERR_INIT;
	size_t size;
	int done;

	memcpy(edited, inet, sizeof(inet));
	edited[offset] = byte;
	done = proxy_v2_parse(edited, sizeof(edited), &got, &size, &err);
	*ret_code = err.code;
	return done;
}

static void test_malformed(void **state)
{
	enum err_code code;

	(void)state;
	for (size_t i = 0; i < PROXY_V2_SIGNATURE_SIZE; i++) {
		assert_int_equal(parse_edited(i, 0xff, &code), -1);
		assert_int_equal(code, ERR_INVALID);
	}
	assert_int_equal(parse_edited(12, 0x11, &code), -1); /* version 1 */
	assert_int_equal(parse_edited(12, 0x22, &code), -1); /* no such command */
	assert_int_equal(parse_edited(13, 0x12, &code), -1); /* datagrams */
	assert_int_equal(parse_edited(13, 0x21, &code), -1); /* IPv6 in 12 bytes */
	assert_int_equal(parse_edited(15, 11, &code), -1);   /* too short for IPv4 */
	assert_int_equal(parse_edited(15, 13, &code), 0);    /* one more byte wanted */
}

/* Size of a whole header with TLVs: at most PROXY_V2_SIZE_MAX. */
static int parse_of_size(size_t whole, enum err_code *ret_code)
{
	uint8_t data[PROXY_V2_SIZE_MAX + 1] = {0};
	struct proxy_v2_addresses got;
	struct err err = ERR_INIT;
	size_t size;
	int done;

	memcpy(data, inet, sizeof(inet));
	data[14] = (uint8_t)((whole - PROXY_V2_SIZE_MIN) >> 8);
	data[15] = (uint8_t)(whole - PROXY_V2_SIZE_MIN);
	done = proxy_v2_parse(data, whole, &got, &size, &err);
	*ret_code = err.code;
	return done;
}

static void test_limit(void **state)
{
	enum err_code code;

	(void)state;
	assert_int_equal(parse_of_size(PROXY_V2_SIZE_MAX, &code), 1);
	assert_int_equal(parse_of_size(PROXY_V2_SIZE_MAX + 1, &code), -1);
	assert_int_equal(code, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_inet),  cmocka_unit_test(test_inet6),     cmocka_unit_test(test_tls),
	    cmocka_unit_test(test_local), cmocka_unit_test(test_malformed), cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
