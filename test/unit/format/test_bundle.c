/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "format/bundle.h"

#define ASKED 1780000000

/* Sizes that fall on each padding of base64; item n has n + 1 bytes of its own number. */
static void fill(struct bundle *bundle, enum bundle_kind kind)
{
	struct err err = ERR_INIT;

	bundle_init(bundle);
	bundle->made = ASKED + 1;
	bundle->kind = kind;
	assert_ok(buf_add(&bundle->evidence, "\x03\x00quote", 7, &err), &err);
	for (size_t i = 0; i < COLLATERAL_ITEM_COUNT; i++)
		for (size_t n = 0; n <= i; n++)
			assert_ok(buf_add_byte(&bundle->collateral.items[i], (uint8_t)i, &err), &err);
	if (kind != BUNDLE_EXCHANGE)
		return;
	bundle->exchange = (struct bundle_exchange){
	    .host = "[::1]:8443", .domain = "app.mse.localhost", .role = 2, .asked = ASKED, .elapsed_ms = 17};
	memset(bundle->exchange.nonce, 0x11, sizeof(bundle->exchange.nonce));
	memset(bundle->exchange.exporter, 0x22, sizeof(bundle->exchange.exporter));
	memset(bundle->exchange.tls_key, 0x33, sizeof(bundle->exchange.tls_key));
}

static void format(const struct bundle *bundle, struct buf *ret)
{
	static const uint8_t hash[BUNDLE_HASH_SIZE] = {0xab};
	struct err err = ERR_INIT;

	assert_ok(bundle_format(bundle, ret, &err), &err);
	if (bundle->kind == BUNDLE_EXCHANGE)
		assert_ok(bundle_format_hash(ret, hash, &err), &err);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	for (enum bundle_kind kind = BUNDLE_QUOTE; kind <= BUNDLE_EXCHANGE; kind++) {
		scoped(bundle_done) struct bundle bundle, again;
		scoped(buf_done) struct buf text = BUF_INIT(BUNDLE_SIZE_MAX);
		struct err err = ERR_INIT;

		fill(&bundle, kind);
		bundle_init(&again);
		format(&bundle, &text);
		assert_ok(bundle_parse(text.data, text.size, &again, &err), &err);
		assert_int_equal(again.kind, kind);
		assert_int_equal(again.made, ASKED + 1);
		assert_int_equal(again.evidence.size, 7);
		assert_memory_equal(again.evidence.data, "\x03\x00quote", 7);
		for (size_t i = 0; i < COLLATERAL_ITEM_COUNT; i++) {
			assert_int_equal(again.collateral.items[i].size, i + 1);
			assert_int_equal(again.collateral.items[i].data[i], i);
		}
		if (kind == BUNDLE_EXCHANGE) {
			assert_memory_equal(&again.exchange, &bundle.exchange, sizeof(again.exchange));
			assert_int_equal(again.sha256[0], 0xab);
			assert_memory_equal(text.data + again.hashed_size, ",\n\"sha256\"", 10);
		}
	}
}

static const char QUOTE_BUNDLE[] =
    "{\"format\":\"mse-bundle\",\"version\":1,\"made\":\"2026-01-01T00:00:00Z\","
    "\"evidence\":{\"kind\":\"quote\",\"data\":\"AwA=\"},\"collateral\":{\"tcb_info\":\"e30=\"}}";

static void check_refused(const char *from, const char *to, enum err_code code, const char *part)
{
	scoped(bundle_done) struct bundle bundle;
	char text[1024];
	const char *at = strstr(QUOTE_BUNDLE, from);
	struct err err = ERR_INIT;

	assert_non_null(at);
	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - QUOTE_BUNDLE), QUOTE_BUNDLE, to, at + strlen(from));
	bundle_init(&bundle);
	assert_fails(bundle_parse(text, strlen(text), &bundle, &err), &err, code, part);
}

static void what_is_not_a_bundle_is_refused(void **state)
{
	(void)state;
	check_refused("mse-bundle", "other", ERR_INVALID, "'format'");
	check_refused("\"version\":1", "\"version\":2", ERR_UNSUPPORTED, "version 2, expected 1");
	check_refused("\"version\":1,", "\"version\":1,\"version\":1,", ERR_INVALID, "duplicate");
	check_refused("\"version\":1,", "\"version\":1,\"report_data\":\"00\",", ERR_INVALID, "report_data");
	check_refused("\"quote\"", "\"letter\"", ERR_INVALID, "'letter'");
	check_refused("\"quote\"", "\"exchange\"", ERR_INVALID, "'exchange' is missing");
	check_refused("AwA=", "", ERR_INVALID, "'data' is empty");
	check_refused("AwA=", "AwA", ERR_INVALID, "'data'");
	check_refused("\"data\":\"AwA=\"", "\"data\":\"AwA=\",\"nonce\":\"00\"", ERR_INVALID, "nonce");
	check_refused("e30=", "", ERR_INVALID, "'tcb_info' is empty");
	check_refused("\"tcb_info\"", "\"tcbInfo\"", ERR_INVALID, "tcbInfo");
	check_refused("2026-01-01T00:00:00Z", "yesterday", ERR_INVALID, "'made'");
	check_refused("}}", "}}x", ERR_INVALID, "");
	check_refused("}}", "},\"sha256\":\"00\"}", ERR_INVALID, "exchange only");
	check_refused("{\"tcb_info\":\"e30=\"}", "{\"tcb_info\":{\"a\":{}}}", ERR_LIMIT, "deeper");
}

static void check_exchange_refused(const char *from, const char *to, const char *part)
{
	scoped(bundle_done) struct bundle bundle, again;
	scoped(buf_done) struct buf text = BUF_INIT(BUNDLE_SIZE_MAX);
	scoped(buf_done) struct buf changed = BUF_INIT(BUNDLE_SIZE_MAX);
	struct err err = ERR_INIT;
	const char *at;

	fill(&bundle, BUNDLE_EXCHANGE);
	bundle_init(&again);
	format(&bundle, &text);
	at = strstr(buf_text(&text), from);
	assert_non_null(at);
	assert_ok(buf_add(&changed, text.data, (size_t)(at - buf_text(&text)), &err), &err);
	assert_ok(buf_add_text(&changed, to, &err), &err);
	assert_ok(buf_add_text(&changed, at + strlen(from), &err), &err);
	assert_fails(bundle_parse(changed.data, changed.size, &again, &err), &err, ERR_INVALID, part);
}

static void a_domain_may_be_an_address(void **state)
{
	scoped(bundle_done) struct bundle bundle, again;
	scoped(buf_done) struct buf text = BUF_INIT(BUNDLE_SIZE_MAX);
	struct err err = ERR_INIT;

	(void)state;
	fill(&bundle, BUNDLE_EXCHANGE);
	bundle_init(&again);
	memcpy(bundle.exchange.domain, "::1", 4);
	format(&bundle, &text);
	assert_ok(bundle_parse(text.data, text.size, &again, &err), &err);
	assert_string_equal(again.exchange.domain, "::1");
}

static void an_exchange_has_one_form(void **state)
{
	(void)state;
	check_exchange_refused("app.mse.localhost", "app.mse\\u0000.localhost", "");
	check_exchange_refused("app.mse.localhost", "a\\u001b[2J", "'domain'");
	check_exchange_refused("[::1]:8443", "localhost", "'host'");
	check_exchange_refused("[::1]:8443", "a b:1", "'host'");
	check_exchange_refused("app.mse.localhost", "app.mse.localhost:1", "'domain'");
	check_exchange_refused("app.mse.localhost", "APP.mse.localhost", "'domain'");
	check_exchange_refused("\"role\":2", "\"role\":3", "'role'");
	check_exchange_refused("\"role\":2", "\"role\":0", "'role'");
	check_exchange_refused("\"elapsed_ms\":17", "\"elapsed_ms\":-1", "'elapsed_ms'");
	check_exchange_refused("\"elapsed_ms\":17", "\"elapsed_ms\":86400001", "'elapsed_ms'");
	check_exchange_refused("\"nonce\":\"11", "\"nonce\":\"", "'nonce'");
	check_exchange_refused("\"exchange\":{", "\"exchange\":{\"owner\":\"\",", "owner");
	check_exchange_refused(",\n\"sha256\"", ", \"sha256\"", "'sha256'");
	check_exchange_refused("\"\n}\n", "\"\n} ", "'sha256'");
}

/* One item at the maximum fits into its buffer, one byte more does not; the whole text has its own maximum. */
static void sizes_are_bounded(void **state)
{
	scoped(bundle_done) struct bundle bundle;
	scoped(buf_done) struct buf text = BUF_INIT(BUNDLE_SIZE_MAX);
	struct err err = ERR_INIT;
	uint8_t *room;

	(void)state;
	fill(&bundle, BUNDLE_QUOTE);
	for (size_t i = 0; i < 3; i++) {
		struct buf *item = &bundle.collateral.items[i];

		buf_clear(item);
		assert_ok(buf_reserve(item, COLLATERAL_ITEM_SIZE_MAX, &room, &err), &err);
		memset(room, 'x', COLLATERAL_ITEM_SIZE_MAX);
		item->size = COLLATERAL_ITEM_SIZE_MAX;
		assert_int_equal(buf_add_byte(item, 0, &err), -1);
	}
	assert_fails(bundle_format(&bundle, &text, &err), &err, ERR_LIMIT, "more than");

	assert_fails(bundle_parse("{}", BUNDLE_SIZE_MAX + 1, &bundle, &err), &err, ERR_LIMIT, "at most");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_written_is_read),    cmocka_unit_test(what_is_not_a_bundle_is_refused),
	    cmocka_unit_test(a_domain_may_be_an_address), cmocka_unit_test(an_exchange_has_one_form),
	    cmocka_unit_test(sizes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
