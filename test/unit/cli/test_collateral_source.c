/* SPDX-License-Identifier: Apache-2.0 */
/* One source for several threads. What is fetched and kept: test/e2e/test_collateral_*.py. */
#include "temp_dir.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/collateral.h"
#include "intel_evidence.h"
#include "net/dial.h"

#define SECOND_NS INT64_C(1000000000)

/* A PCCS that takes connections and never says a word. */
struct silent {
	int fd;
	char url[64];
};

static void silent_open(struct silent *silent)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);

	silent->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(silent->fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(silent->fd, 16), 0);
	assert_int_equal(getsockname(silent->fd, (struct sockaddr *)&address, &size), 0);
	(void)snprintf(silent->url, sizeof(silent->url), "http://127.0.0.1:%u", ntohs(address.sin_port));
}

struct asker {
	struct collateral_source *source;
	struct test_evidence evidence;
	int cancel_fd;
	struct err err;
	int status;
};

static void *ask(void *arg)
{
	struct asker *asker = arg;
	const struct attest_policy policy = {0};
	struct collateral_loan *loan = NULL;

	dial_set_cancel(asker->cancel_fd);
	asker->status = collateral_source_get(asker->source, NULL, &policy, asker->evidence.quote.data,
					      asker->evidence.quote.size, &loan, &asker->err);
	collateral_loan_free(loan);
	return NULL;
}

static void cancel(const struct asker *asker)
{
	const uint64_t one = 1;

	assert_int_equal(write(asker->cancel_fd, &one, sizeof(one)), sizeof(one));
}

static void test_who_fetches_holds_up_nobody_else(void **state)
{
	struct settings settings = {.conf_path = *state};
	const struct attest_policy policy = {0};
	struct silent silent;
	struct asker asker = {.cancel_fd = eventfd(0, EFD_CLOEXEC)};
	struct asker same = {.cancel_fd = eventfd(0, EFD_CLOEXEC)};
	struct collateral_loan *loan = NULL;
	struct err err = ERR_INIT;
	pthread_t thread, other;
	int connection;
	int64_t began_ns;

	silent_open(&silent);
	test_evidence_init(&asker.evidence);
	test_evidence_build(&asker.evidence);
	same.evidence = asker.evidence;
	assert_ok(collateral_source_new(&settings, silent.url, COLLATERAL_CACHED, &asker.source, &err), &err);
	same.source = asker.source;
	assert_int_equal(pthread_create(&thread, NULL, ask, &asker), 0);
	connection = accept(silent.fd, NULL, NULL); /* it has asked, and waits */
	assert_true(connection >= 0);

	began_ns = clock_monotonic_ns();
	assert_ok(collateral_source_get(asker.source, NULL, &policy, "no evidence", 11, &loan, &err), &err);
	assert_non_null(collateral_loan_prepared(loan));
	assert_int_equal(collateral_loan_items(loan)->items[COLLATERAL_ITEM_TCB_INFO].size, 0);
	collateral_loan_free(loan);
	collateral_source_forget(asker.source);
	assert_true(clock_monotonic_ns() - began_ns < 2 * SECOND_NS);

	/* Who needs the same waits for it, and may be called off. */
	assert_int_equal(pthread_create(&other, NULL, ask, &same), 0);
	cancel(&same);
	assert_int_equal(pthread_join(other, NULL), 0);
	assert_int_equal(same.status, -1);
	assert_int_equal(same.err.code, ERR_CANCELLED);

	cancel(&asker);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(asker.status, -1);
	assert_int_equal(asker.err.code, ERR_CANCELLED);
	collateral_source_free(asker.source);
	test_evidence_done(&asker.evidence);
	(void)close(connection);
	(void)close(silent.fd);
	(void)close(asker.cancel_fd);
	(void)close(same.cancel_fd);
}

/* A loan stays as it is, whatever becomes of what the source keeps. */
static void test_what_is_given_is_lent_to_many(void **state)
{
	const struct attest_policy policy = {0};
	struct collateral_items items;
	struct collateral_source *source;
	struct collateral_loan *first, *second;
	struct err err = ERR_INIT;

	(void)state;
	collateral_items_init(&items);
	assert_ok(buf_add_text(&items.items[COLLATERAL_ITEM_TCB_INFO], "{}", &err), &err);
	assert_ok(collateral_source_new_given(&items, &source, &err), &err);
	assert_ok(collateral_source_get(source, NULL, &policy, "x", 1, &first, &err), &err);
	assert_ok(collateral_source_get(source, NULL, &policy, "y", 1, &second, &err), &err);
	assert_ptr_equal(collateral_loan_prepared(first), collateral_loan_prepared(second));
	collateral_loan_free(first);
	assert_string_equal(buf_text(&collateral_loan_items(second)->items[COLLATERAL_ITEM_TCB_INFO]), "{}");
	collateral_loan_free(second);
	collateral_loan_free(NULL);
	collateral_source_free(source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_who_fetches_holds_up_nobody_else, temp_dir_make, temp_dir_drop),
	    cmocka_unit_test(test_what_is_given_is_lent_to_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
