/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"
#include "measure/stream.h"

static void assert_digest(const uint8_t digest[static 32], const char *wanted)
{
	char text[65];

	for (size_t i = 0; i < 32; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(text, wanted);
}

static void create_record_alone(void **state)
{
	struct measure_stream stream;
	struct err err = ERR_INIT;
	uint8_t digest[32];

	(void)state;
	assert_ok(measure_stream_open(&stream, 4, 0x100000, &err), &err);
	measure_stream_close(&stream, digest);
	assert_digest(digest, "a08241225dce7d7a43bbef6a5b6a8805e198fbc80378b06e9bd082b77cb0b346");
}

static void create_and_one_zero_page(void **state)
{
	struct measure_stream stream;
	struct err err = ERR_INIT;
	uint8_t digest[32];

	(void)state;
	assert_ok(measure_stream_open(&stream, 4, 0x100000, &err), &err);
	measure_stream_page(&stream, 0xff000, 0x201, NULL);
	assert_int_equal(stream.measured_pages, 1);
	measure_stream_close(&stream, digest);
	assert_digest(digest, "17d4cfa0e85d2bebda43f32ef4c8b5268f49cb950b9dabd02aab6e72cf78b00b");
}

static void add_slowly(struct sha256_ctx *hash, uint64_t offset, uint64_t flags, const uint8_t *content)
{
	uint8_t record[64] = "EADD";

	memcpy(record + 8, &offset, 8);
	memcpy(record + 16, &flags, 8);
	sha256_add(hash, record, 64);
	for (uint64_t chunk = 0; content && chunk < 4096; chunk += 256) {
		uint8_t extend[64] = "EEXTEND";
		const uint64_t at = offset + chunk;

		memcpy(extend + 8, &at, 8);
		sha256_add(hash, extend, 64);
		sha256_add(hash, content + chunk, 256);
	}
}

/* More pages than a batch holds, of all kinds, against the records written one by one. */
static void batches_change_nothing(void **state)
{
	scoped(sha256_freep) struct sha256_ctx *hash = sha256_new();
	struct measure_stream stream;
	struct err err = ERR_INIT;
	uint8_t page[4096];
	uint8_t zero[4096] = {0};
	uint8_t create[64] = "ECREATE\0\4\0\0\0\0\0\0\1";
	uint8_t digest[32];
	uint8_t wanted[32];

	(void)state;
	for (size_t i = 0; i < sizeof(page); i++)
		page[i] = (uint8_t)(i * 7 + i / 256);
	sha256_add(hash, create, 64);
	assert_ok(measure_stream_open(&stream, 4, 0x1000000, &err), &err);
	for (uint64_t i = 0; i < 77; i++) {
		measure_stream_page(&stream, i << 12, 0x203, i % 3 ? page : NULL);
		add_slowly(hash, i << 12, 0x203, i % 3 ? page : zero);
	}
	measure_stream_free_pages(&stream, 0x100000, 0x100000 + (UINT64_C(6001) << 12), 0x207);
	for (uint64_t i = 0; i < 6001; i++)
		add_slowly(hash, 0x100000 + (i << 12), 0x207, NULL);
	assert_int_equal(stream.measured_pages, 77);
	assert_int_equal(stream.free_pages, 6001);
	measure_stream_close(&stream, digest);
	sha256_finish(hash, wanted);
	assert_memory_equal(digest, wanted, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(create_record_alone),
	    cmocka_unit_test(create_and_one_zero_page),
	    cmocka_unit_test(batches_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
