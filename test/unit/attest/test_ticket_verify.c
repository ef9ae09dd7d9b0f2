/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "attest/ticket_verify.h"
#include "crypto/ed25519.h"
#include "hexbytes.h"

static uint8_t seed[32];
static uint8_t owner_key[32];
static struct ticket ticket;
static uint8_t bytes[TICKET_SIZE_MAX];
static size_t bytes_size;
static struct ticket_expected expected;

static int make_ticket(void **state)
{
	(void)state;
	count_up(1, seed, sizeof(seed));
	ed25519_from_seed(seed, owner_key);
	memset(&ticket, 0, sizeof(ticket));
	count_up(0x60, ticket.identity, sizeof(ticket.identity));
	count_up(0xa0, ticket.instance, sizeof(ticket.instance));
	count_up(0x10, ticket.fingerprint, 32);
	ticket.fingerprint_size = 32;
	ticket.deployed = 1795312800;
	ticket_sign(&ticket, seed);
	bytes_size = ticket_format(&ticket, bytes);
	expected = (struct ticket_expected){.owner_key = owner_key,
					    .identity = ticket.identity,
					    .instance = ticket.instance,
					    .fingerprint = ticket.fingerprint,
					    .fingerprint_size = 32};
	return 0;
}

static void a_true_ticket_passes(void **state)
{
	struct ticket read = {0};

	(void)state;
	assert_int_equal(bytes_size, 213);
	assert_int_equal(ticket_verify(bytes, bytes_size, &expected, &read), TICKET_OK);
	assert_int_equal(read.deployed, 1795312800);
	expected.fingerprint = NULL;
	assert_int_equal(ticket_verify(bytes, bytes_size, &expected, NULL), TICKET_OK);
}

static void no_ticket_is_missing(void **state)
{
	(void)state;
	assert_int_equal(ticket_verify(NULL, 0, &expected, NULL), TICKET_MISSING);
	assert_int_equal(ticket_verify(bytes, 0, &expected, NULL), TICKET_MISSING);
}

static void any_changed_byte_breaks_the_signature(void **state)
{
	(void)state;
	for (size_t i = 0; i < bytes_size; i++) {
		bytes[i] ^= 1;
		assert_int_equal(ticket_verify(bytes, bytes_size, &expected, NULL), TICKET_SIGNATURE);
		bytes[i] ^= 1;
	}
	for (size_t size = 1; size < bytes_size; size++)
		assert_int_equal(ticket_verify(bytes, size, &expected, NULL), TICKET_SIGNATURE);
}

static void another_owner_did_not_sign(void **state)
{
	uint8_t other[32];

	(void)state;
	seed[0] ^= 1;
	ed25519_from_seed(seed, other);
	expected.owner_key = other;
	assert_int_equal(ticket_verify(bytes, bytes_size, &expected, NULL), TICKET_SIGNATURE);
}

static void each_value_is_bound(void **state)
{
	uint8_t identity[64];
	uint8_t instance[32];
	uint8_t fingerprint[48];

	(void)state;
	memcpy(identity, ticket.identity, 64);
	memcpy(instance, ticket.instance, 32);
	memcpy(fingerprint, ticket.fingerprint, 48);
	identity[63] ^= 1;
	expected.identity = identity;
	assert_int_equal(ticket_verify(bytes, bytes_size, &expected, NULL), TICKET_BINDING);
	expected.identity = ticket.identity;
	instance[0] ^= 1;
	expected.instance = instance;
	assert_int_equal(ticket_verify(bytes, bytes_size, &expected, NULL), TICKET_BINDING);
	expected.instance = ticket.instance;
	fingerprint[31] ^= 1;
	expected.fingerprint = fingerprint;
	assert_int_equal(ticket_verify(bytes, bytes_size, &expected, NULL), TICKET_BINDING);
	fingerprint[31] ^= 1;
	expected.fingerprint_size = 48;
	assert_int_equal(ticket_verify(bytes, bytes_size, &expected, NULL), TICKET_BINDING);
}

static void an_older_deployment_is_named(void **state)
{
	(void)state;
	expected.deployed_min = 1795312800;
	assert_int_equal(ticket_verify(bytes, bytes_size, &expected, NULL), TICKET_OK);
	expected.deployed_min = 1795312801;
	assert_int_equal(ticket_verify(bytes, bytes_size, &expected, NULL), TICKET_OLDER);
	assert_string_equal(ticket_result_text(TICKET_OLDER), "ticket-older");
	assert_string_equal(ticket_result_text(TICKET_BINDING), "ticket-binding");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_true_ticket_passes, make_ticket),
	    cmocka_unit_test_setup(no_ticket_is_missing, make_ticket),
	    cmocka_unit_test_setup(any_changed_byte_breaks_the_signature, make_ticket),
	    cmocka_unit_test_setup(another_owner_did_not_sign, make_ticket),
	    cmocka_unit_test_setup(each_value_is_bound, make_ticket),
	    cmocka_unit_test_setup(an_older_deployment_is_named, make_ticket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
