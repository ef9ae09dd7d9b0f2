/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "base/clock.h"
#include "cli/log_text.h"
#include "crypto/sealedbox.h"
#include "format/base64.h"

static void make_key(uint8_t first, struct log_key *ret)
{
	struct err err = ERR_INIT;
	uint8_t seed[X25519_SEED_SIZE] = {first};

	ret->secret_key = SECRET_INIT;
	assert_ok(x25519_keypair_from_seed(seed, ret->public_key, &ret->secret_key, &err), &err);
}

static void add_sealed(const struct log_key *key, const char *text, struct buf *ret)
{
	scoped(buf_done) struct buf box = BUF_INIT(1000);
	struct err err = ERR_INIT;

	assert_ok(sealedbox_seal(key->public_key, text, strlen(text), &box, &err), &err);
	assert_ok(buf_add_text(ret, LOG_TEXT_PREFIX, &err), &err);
	assert_ok(base64_encode(box.data, box.size, ret, &err), &err);
	assert_ok(buf_add_byte(ret, '\n', &err), &err);
}

static void sealed_lines_are_opened_others_are_shown(void **state)
{
	scoped(buf_done) struct buf stored = BUF_INIT(LOG_TEXT_SIZE_MAX);
	scoped(buf_done) struct buf shown = BUF_INIT(LOG_TEXT_SIZE_MAX);
	struct log_key ours, other;
	struct log_count count;
	struct err err = ERR_INIT;

	(void)state;
	make_key(1, &ours);
	make_key(2, &other);
	assert_ok(buf_add_text(&stored, "mse-enclave: running\n", &err), &err);
	add_sealed(&ours, "Hello ", &stored);
	add_sealed(&ours, "world\n", &stored);
	add_sealed(&other, "not for us\n", &stored);
	assert_ok(buf_add_text(&stored, LOG_TEXT_PREFIX "AAAA", &err), &err);
	assert_ok(log_text_open(buf_text(&stored), stored.size, &ours, &shown, &count, &err), &err);
	assert_string_equal(buf_text(&shown), "host: mse-enclave: running\nHello world\n");
	assert_int_equal(count.opened, 2);
	assert_int_equal(count.unreadable, 2);
	secret_done(&ours.secret_key);
	secret_done(&other.secret_key);
}

/* What the host can do to a log: lines in the clear look like nothing else, copies are told. Invented boxes are not. */
static void what_the_host_adds_is_marked(void **state)
{
	scoped(buf_done) struct buf stored = BUF_INIT(LOG_TEXT_SIZE_MAX);
	scoped(buf_done) struct buf shown = BUF_INIT(LOG_TEXT_SIZE_MAX);
	struct log_key ours;
	struct log_count count;
	struct err err = ERR_INIT;
	scoped(buf_done) struct buf box = BUF_INIT(1000);

	(void)state;
	make_key(1, &ours);
	add_sealed(&ours, "first, and not at its end", &box);
	assert_ok(buf_add_text(&stored, "rotate the key at URL\n", &err), &err);
	assert_ok(buf_add(&stored, box.data, box.size, &err), &err);
	assert_ok(buf_add_text(&stored, "ERROR x mse-log-1 y\n", &err), &err);
	assert_ok(buf_add(&stored, box.data, box.size, &err), &err);
	assert_ok(log_text_open(buf_text(&stored), stored.size, &ours, &shown, &count, &err), &err);
	assert_string_equal(buf_text(&shown), "host: rotate the key at URL\nfirst, and not at its end\n"
					      "host: ERROR x mse-log-1 y\n");
	assert_int_equal(count.opened, 1);
	assert_int_equal(count.repeated, 1);
	assert_int_equal(count.clear, 2);
	/* A log that is the operator's anyway is left as it is. */
	buf_clear(&shown);
	assert_ok(log_text_open("a\nx mse-log-1 y", 15, &ours, &shown, &count, &err), &err);
	assert_string_equal(buf_text(&shown), "a\nx mse-log-1 y\n");
	secret_done(&ours.secret_key);
}

/* As long as a log may be: compared each with each these lines would take a quarter of a minute. */
static void many_short_lines_take_no_time(void **state)
{
	scoped(buf_done) struct buf stored = BUF_INIT(LOG_TEXT_SIZE_MAX);
	scoped(buf_done) struct buf shown = BUF_INIT(LOG_TEXT_SIZE_MAX);
	struct log_key ours;
	struct log_count count;
	struct err err = ERR_INIT;
	const int64_t began = clock_process_cpu_ns();
	size_t lines = 0;

	(void)state;
	make_key(1, &ours);
	for (; stored.size < LOG_TEXT_SIZE_MAX - 32; lines++)
		assert_ok(buf_addf(&stored, &err, LOG_TEXT_PREFIX "%zu\n", lines / 2), &err);
	assert_ok(log_text_open(buf_text(&stored), stored.size, &ours, &shown, &count, &err), &err);
	assert_int_equal(count.unreadable + count.repeated, lines);
	assert_in_range(count.repeated, lines / 2 - 1, lines / 2);
	assert_true(clock_process_cpu_ns() - began < 5 * NS_PER_SECOND);
	secret_done(&ours.secret_key);
}

static void without_the_key_sealed_lines_are_counted(void **state)
{
	scoped(buf_done) struct buf stored = BUF_INIT(LOG_TEXT_SIZE_MAX);
	scoped(buf_done) struct buf shown = BUF_INIT(LOG_TEXT_SIZE_MAX);
	const struct log_key none = {.secret_key = SECRET_INIT};
	struct log_key ours;
	struct log_count count;
	struct err err = ERR_INIT;

	(void)state;
	make_key(1, &ours);
	add_sealed(&ours, "text", &stored);
	secret_done(&ours.secret_key);
	assert_ok(log_text_open(buf_text(&stored), stored.size, &none, &shown, &count, &err), &err);
	assert_int_equal(shown.size, 0);
	assert_int_equal(count.unreadable, 1);
}

static void control_characters_do_not_reach_a_terminal(void **state)
{
	char text[] = "a\x1b[31mb\r\n\tc\x7f";
	char c1[] = "\xc2\x9b"
		    "2J \xc2\xa0\xc3\x9b \xc2";

	(void)state;
	log_text_tame(text, strlen(text));
	assert_string_equal(text, "a?[31mb?\n\tc?");
	log_text_tame(c1, strlen(c1));
	assert_string_equal(c1, "??2J \xc2\xa0\xc3\x9b \xc2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sealed_lines_are_opened_others_are_shown),
	    cmocka_unit_test(what_the_host_adds_is_marked),
	    cmocka_unit_test(many_short_lines_take_no_time),
	    cmocka_unit_test(without_the_key_sealed_lines_are_counted),
	    cmocka_unit_test(control_characters_do_not_reach_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
