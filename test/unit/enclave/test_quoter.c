/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "attest/fresh_binding.h"
#include "enclave/attested/quoter.h"

#define COUNT_MAX 5000

/* A quote is the report data itself. The gate holds quotes back until it is opened. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_open;
	atomic_bool fails;
	atomic_uint quotes;
	atomic_uint under_way;
	atomic_uint most_under_way;
	atomic_uint reports;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

struct client {
	struct fresh_claim claim;
	atomic_int answers;
	bool has_quote;
	struct fresh_proof proof;
	uint8_t path[FRESH_DEPTH_MAX][FRESH_HASH_SIZE];
	uint8_t report_data[FRESH_REPORT_DATA_SIZE];
};

static struct client clients[COUNT_MAX];

static int quote(void *arg, const uint8_t *report_data, struct buf *ret, struct err *err)
{
	const unsigned now = atomic_fetch_add(&gate.under_way, 1) + 1;
	int status;

	(void)arg;
	if (now > atomic_load(&gate.most_under_way))
		atomic_store(&gate.most_under_way, now);
	(void)pthread_mutex_lock(&gate.lock);
	while (!gate.is_open)
		(void)pthread_cond_wait(&gate.changed, &gate.lock);
	(void)pthread_mutex_unlock(&gate.lock);
	atomic_fetch_add(&gate.quotes, 1);
	status = atomic_load(&gate.fails) ? err_set(err, ERR_UNAVAILABLE, "no quote today")
					  : buf_add(ret, report_data, FRESH_REPORT_DATA_SIZE, err);
	atomic_fetch_sub(&gate.under_way, 1);
	return status;
}

static void set_gate(bool is_open)
{
	(void)pthread_mutex_lock(&gate.lock);
	gate.is_open = is_open;
	(void)pthread_cond_broadcast(&gate.changed);
	(void)pthread_mutex_unlock(&gate.lock);
}

static void *open_gate(void *arg)
{
	(void)arg;
	(void)usleep(20000);
	set_gate(true);
	return NULL;
}

static void report(const char *text)
{
	assert_non_null(strstr(text, "no quote today"));
	atomic_fetch_add(&gate.reports, 1);
}

static void done(void *arg, const struct quoter_proof *proof)
{
	struct client *client = arg;

	if (proof->quote) {
		client->has_quote = true;
		memcpy(client->report_data, proof->quote->data, sizeof(client->report_data));
		memcpy(client->path, proof->path, proof->depth * sizeof(client->path[0]));
		client->proof = (struct fresh_proof){
		    .depth = proof->depth,
		    .index = proof->index,
		    .path = (const uint8_t(*)[FRESH_HASH_SIZE])client->path,
		    .path_count = proof->depth,
		};
	}
	atomic_fetch_add(&client->answers, 1);
}

static int setup(void **state)
{
	const struct quoter_options options = {.quote = quote, .quote_size_max = 64, .report = report};
	struct quoter *quoter;
	struct err err = ERR_INIT;

	memset(clients, 0, sizeof(clients));
	atomic_store(&gate.quotes, 0);
	atomic_store(&gate.most_under_way, 0);
	atomic_store(&gate.reports, 0);
	atomic_store(&gate.fails, false);
	set_gate(true);
	assert_ok(quoter_start(&options, &quoter, &err), &err);
	*state = quoter;
	return 0;
}

static int teardown(void **state)
{
	set_gate(true);
	quoter_stop(*state);
	return 0;
}

static bool submit(struct quoter *quoter, size_t index)
{
	struct client *client = &clients[index];
	uint8_t leaf[FRESH_HASH_SIZE];

	client->claim.role = 2;
	memcpy(client->claim.nonce, &index, sizeof(index));
	fresh_leaf(&client->claim, leaf);
	return quoter_submit(quoter, leaf, done, client);
}

static void wait_answers(size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++) {
		for (int tries = 0; atomic_load(&clients[i].answers) == 0; tries++) {
			assert_true(tries < 10000);
			(void)usleep(1000);
		}
		assert_int_equal(atomic_load(&clients[i].answers), 1);
	}
}

static void check_proofs(size_t first, size_t count, unsigned depth)
{
	for (size_t i = first; i < first + count; i++) {
		assert_true(clients[i].has_quote);
		assert_int_equal(clients[i].proof.depth, depth);
		assert_int_equal(clients[i].proof.index, i - first);
		assert_int_equal(fresh_proof_verify(&clients[i].claim, &clients[i].proof, clients[i].report_data),
				 FRESH_OK);
	}
}

/* Makes the next batch hold exactly count leaves: one quote is held back while they gather. */
static void gather(struct quoter *quoter, size_t count)
{
	set_gate(false);
	assert_true(submit(quoter, 0));
	while (atomic_load(&gate.under_way) == 0)
		(void)usleep(100);
	for (size_t i = 1; i <= count; i++)
		assert_true(submit(quoter, i));
	set_gate(true);
	wait_answers(0, count + 1);
}

static void one_leaf_has_depth_zero(void **state)
{
	assert_true(submit(*state, 0));
	wait_answers(0, 1);
	check_proofs(0, 1, 0);
}

static void three_share_a_quote(void **state)
{
	gather(*state, 3);
	assert_int_equal(atomic_load(&gate.quotes), 2);
	check_proofs(1, 3, 2);
	/* The proof of another leaf proves nothing. */
	assert_int_equal(fresh_proof_verify(&clients[1].claim, &clients[2].proof, clients[1].report_data),
			 FRESH_BINDING);
}

static void a_full_batch_has_depth_ten(void **state)
{
	gather(*state, FRESH_LEAVES_MAX);
	assert_int_equal(atomic_load(&gate.quotes), 2);
	check_proofs(1, FRESH_LEAVES_MAX, FRESH_DEPTH_MAX);
}

static void one_more_is_another_batch(void **state)
{
	gather(*state, FRESH_LEAVES_MAX + 1);
	assert_int_equal(atomic_load(&gate.quotes), 3);
	check_proofs(1, FRESH_LEAVES_MAX, FRESH_DEPTH_MAX);
	check_proofs(FRESH_LEAVES_MAX + 1, 1, 0);
}

/* 5000 clients: the queue takes 4096, one quote is under way at a time, all that were taken are answered. */
static void the_queue_is_bounded(void **state)
{
	size_t accepted = 0;

	set_gate(false);
	assert_true(submit(*state, 0));
	while (atomic_load(&gate.under_way) == 0)
		(void)usleep(100);
	while (accepted < QUOTER_QUEUE_MAX && submit(*state, accepted + 1))
		accepted++;
	assert_int_equal(accepted, QUOTER_QUEUE_MAX);
	for (size_t i = QUOTER_QUEUE_MAX + 1; i < COUNT_MAX; i++)
		assert_false(submit(*state, i));
	set_gate(true);
	wait_answers(0, QUOTER_QUEUE_MAX + 1);
	assert_int_equal(atomic_load(&gate.quotes), 1 + QUOTER_QUEUE_MAX / FRESH_LEAVES_MAX);
	assert_int_equal(atomic_load(&gate.most_under_way), 1);
	for (size_t i = QUOTER_QUEUE_MAX + 1; i < COUNT_MAX; i++)
		assert_int_equal(atomic_load(&clients[i].answers), 0);
	assert_true(submit(*state, COUNT_MAX - 1));
	wait_answers(COUNT_MAX - 1, 1);
}

static void a_failure_answers_all_and_is_said_once(void **state)
{
	atomic_store(&gate.fails, true);
	gather(*state, 3);
	for (size_t i = 0; i <= 3; i++)
		assert_false(clients[i].has_quote);
	assert_int_equal(atomic_load(&gate.reports), 1);
	atomic_store(&gate.fails, false);
	assert_true(submit(*state, 10));
	wait_answers(10, 1);
	assert_true(clients[10].has_quote);
	atomic_store(&gate.fails, true);
	assert_true(submit(*state, 11));
	wait_answers(11, 1);
	assert_int_equal(atomic_load(&gate.reports), 2);
}

static void stopping_answers_what_waits(void **state)
{
	struct quoter *quoter = *state;
	pthread_t opener;

	set_gate(false);
	assert_true(submit(quoter, 0));
	while (atomic_load(&gate.under_way) == 0)
		(void)usleep(100);
	assert_true(submit(quoter, 1));
	assert_int_equal(pthread_create(&opener, NULL, open_gate, NULL), 0);
	quoter_stop(quoter);
	(void)pthread_join(opener, NULL);
	assert_int_equal(atomic_load(&clients[0].answers), 1);
	assert_int_equal(atomic_load(&clients[1].answers), 1);
	*state = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(one_leaf_has_depth_zero, setup, teardown),
	    cmocka_unit_test_setup_teardown(three_share_a_quote, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_full_batch_has_depth_ten, setup, teardown),
	    cmocka_unit_test_setup_teardown(one_more_is_another_batch, setup, teardown),
	    cmocka_unit_test_setup_teardown(the_queue_is_bounded, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_failure_answers_all_and_is_said_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(stopping_answers_what_waits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
