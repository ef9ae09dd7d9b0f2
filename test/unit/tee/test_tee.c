/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>

#include "fake_tee.h"
#include "tee/tee.h"

static int setup(void **state)
{
	struct tee *tee;
	struct err err = ERR_INIT;

	fake_tee_start();
	assert_ok(tee_open(TEE_KIND_SIM, &tee, &err), &err);
	*state = tee;
	return 0;
}

static int teardown(void **state)
{
	atomic_store(&fake_tee.reply_size, 0);
	atomic_store(&fake_tee.refuses, false);
	tee_close(*state);
	fake_tee_stop();
	return 0;
}

static void gives_measurement(void **state)
{
	uint8_t measurement[TEE_MEASUREMENT_SIZE_MAX];
	size_t size;

	tee_measurement(*state, measurement, &size);
	assert_int_equal(size, 32);
	assert_memory_equal(measurement, fake_tee.mrenclave, 32);
}

static void quotes_the_report_data(void **state)
{
	uint8_t report_data[TEE_REPORT_DATA_SIZE];
	struct err err = ERR_INIT;
	scoped(buf_done) struct buf quote = BUF_INIT(TEE_QUOTE_SIZE_MAX);

	memset(report_data, 0x5a, sizeof(report_data));
	assert_ok(tee_quote(*state, report_data, &quote, &err), &err);
	assert_int_equal(quote.size, FAKE_QUOTE_SIZE);
	assert_memory_equal(quote.data + FAKE_QUOTE_REPORT_DATA, report_data, sizeof(report_data));
}

static void seal_key_depends_on_the_id(void **state)
{
	uint8_t id[TEE_KEY_ID_SIZE] = {1};
	struct err err = ERR_INIT;
	scoped(secret_done) struct secret first = SECRET_INIT;
	scoped(secret_done) struct secret again = SECRET_INIT;
	scoped(secret_done) struct secret other = SECRET_INIT;

	assert_ok(tee_seal_key(*state, id, &first, &err), &err);
	assert_ok(tee_seal_key(*state, id, &again, &err), &err);
	id[0] = 2;
	assert_ok(tee_seal_key(*state, id, &other, &err), &err);
	assert_int_equal(first.size, TEE_SEAL_KEY_SIZE);
	assert_memory_equal(first.data, again.data, TEE_SEAL_KEY_SIZE);
	assert_memory_not_equal(first.data, other.data, TEE_SEAL_KEY_SIZE);
}

static void refusal_is_told_and_survived(void **state)
{
	const uint8_t report_data[TEE_REPORT_DATA_SIZE] = {0};
	struct err err = ERR_INIT;
	scoped(buf_done) struct buf quote = BUF_INIT(TEE_QUOTE_SIZE_MAX);

	atomic_store(&fake_tee.refuses, true);
	assert_fails(tee_quote(*state, report_data, &quote, &err), &err, ERR_UNAVAILABLE, "no quote today");
	assert_int_equal(quote.size, 0);
	atomic_store(&fake_tee.refuses, false);
	assert_ok(tee_quote(*state, report_data, &quote, &err), &err);
}

static void key_of_wrong_size_is_refused(void **state)
{
	const uint8_t id[TEE_KEY_ID_SIZE] = {0};
	struct err err = ERR_INIT;
	scoped(secret_done) struct secret key = SECRET_INIT;

	atomic_store(&fake_tee.reply_size, 1 + TEE_SEAL_KEY_SIZE - 1);
	assert_fails(tee_seal_key(*state, id, &key, &err), &err, ERR_INVALID, "31 bytes");
	atomic_store(&fake_tee.reply_size, 1 + TEE_SEAL_KEY_SIZE + 1);
	assert_fails(tee_seal_key(*state, id, &key, &err), &err, ERR_INVALID, "33 bytes");
	assert_null(key.data);
}

static void the_longest_quote_passes(void **state)
{
	const uint8_t report_data[TEE_REPORT_DATA_SIZE] = {0};
	struct err err = ERR_INIT;
	scoped(buf_done) struct buf quote = BUF_INIT(TEE_QUOTE_SIZE_MAX);
	scoped(buf_done) struct buf small = BUF_INIT(TEE_QUOTE_SIZE_MAX - 1);

	atomic_store(&fake_tee.reply_size, 1 + TEE_QUOTE_SIZE_MAX);
	assert_ok(tee_quote(*state, report_data, &quote, &err), &err);
	assert_int_equal(quote.size, TEE_QUOTE_SIZE_MAX);
	assert_fails(tee_quote(*state, report_data, &small, &err), &err, ERR_LIMIT, "");
}

/* Whoever can write to the device can have any quote: no number of the process leads to it. */
static void no_descriptor_is_the_device(void **state)
{
	(void)state;
	for (int fd = 3; fd < 1024; fd++) {
		int type = 0;
		socklen_t size = sizeof(type);

		if (fd == fake_tee.fd)
			continue; /* the test's own end */
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET)
			fail_msg("descriptor %d is a device socket", fd);
	}
	assert_int_equal(fcntl(3, F_GETFD), -1);
	assert_int_equal(errno, EBADF);
}

static void something_else_at_3_is_refused(void **state)
{
	struct err err = ERR_INIT;
	struct tee *tee = NULL;
	const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(dup2(fd, 3), 3);
	assert_fails(tee_open(TEE_KIND_SIM, &tee, &err), &err, ERR_INVALID, "descriptor 3");
	assert_null(tee);
	close(3);
	if (fd != 3)
		close(fd);
}

static void kinds_round_trip(void **state)
{
	struct err err = ERR_INIT;
	enum tee_kind kind;

	(void)state;
#define X(name, text, evidence) \
	assert_ok(tee_kind_parse(text, &kind, &err), &err); \
	assert_int_equal(kind, TEE_KIND_##name); \
	assert_string_equal(tee_kind_evidence(kind), evidence);
	TEE_KINDS(X)
#undef X
	assert_fails(tee_kind_parse("snp", &kind, &err), &err, ERR_INVALID, "'snp'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(gives_measurement, setup, teardown),
	    cmocka_unit_test_setup_teardown(quotes_the_report_data, setup, teardown),
	    cmocka_unit_test_setup_teardown(seal_key_depends_on_the_id, setup, teardown),
	    cmocka_unit_test_setup_teardown(refusal_is_told_and_survived, setup, teardown),
	    cmocka_unit_test_setup_teardown(key_of_wrong_size_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_longest_quote_passes, setup, teardown),
	    cmocka_unit_test_setup_teardown(no_descriptor_is_the_device, setup, teardown),
	    cmocka_unit_test(something_else_at_3_is_refused),
	    cmocka_unit_test(kinds_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
