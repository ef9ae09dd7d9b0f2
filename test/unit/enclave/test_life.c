/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <string.h>

#include "enclave/attested/life.h"
#include "format/attest_message.h"

static const enum life_state states[] = {
#define X(name, text) LIFE_##name,
    LIFE_STATES(X)
#undef X
};

static void only_these_moves_are_allowed(void **state)
{
	static const struct {
		enum life_state from;
		enum life_state to;
	} moves[] = {
	    {LIFE_START, LIFE_WAITING},    {LIFE_START, LIFE_ACCEPTED},  {LIFE_WAITING, LIFE_ACCEPTED},
	    {LIFE_ACCEPTED, LIFE_RUNNING}, {LIFE_ACCEPTED, LIFE_FAILED}, {LIFE_RUNNING, LIFE_FAILED},
	    {LIFE_WAITING, LIFE_ENDED},
	};

	(void)state;
	for (size_t from = 0; from < COUNT_OF(states); from++) {
		for (size_t to = 0; to < COUNT_OF(states); to++) {
			bool wanted = false;

			for (size_t i = 0; i < COUNT_OF(moves); i++)
				wanted = wanted || (moves[i].from == states[from] && moves[i].to == states[to]);
			assert_int_equal(life_is_allowed(states[from], states[to]), wanted);
		}
	}
}

static void nothing_leads_back_to_waiting(void **state)
{
	(void)state;
	for (size_t from = 0; from < COUNT_OF(states); from++)
		assert_int_equal(life_is_allowed(states[from], LIFE_WAITING), states[from] == LIFE_START);
}

static void role_and_ticket_come_with_accepted(void **state)
{
	struct grant grant = GRANT_INIT;
	struct tls_identity *none = NULL;
	struct life_role role;
	struct life life;

	(void)state;
	life_init(&life);
	life_role(&life, &role);
	assert_int_equal(role.role, ATTEST_ROLE_CONFIGURATION);
	life_set(&life, LIFE_START, LIFE_WAITING);
	life_role(&life, &role);
	assert_int_equal(role.role, ATTEST_ROLE_CONFIGURATION);
	assert_int_equal(role.ticket_size, 0);

	memset(grant.ticket, 7, 213);
	grant.ticket_size = 213;
	life_accept(&life, LIFE_WAITING, &grant, &none);
	assert_int_equal(grant.ticket_size, 0);
	life_role(&life, &role);
	assert_int_equal(role.role, ATTEST_ROLE_APPLICATION);
	assert_int_equal(role.ticket_size, 213);
	assert_int_equal(role.ticket[212], 7);

	life_set(&life, LIFE_ACCEPTED, LIFE_FAILED);
	life_role(&life, &role);
	assert_int_equal(role.role, ATTEST_ROLE_APPLICATION);
	assert_null(life_owner_tls(&life));
	life_done(&life);
}

static void dropping_secrets_keeps_the_ticket(void **state)
{
	struct grant grant = GRANT_INIT;
	struct tls_identity *none = NULL;
	struct err err = ERR_INIT;
	struct life_role role;
	struct life life;

	(void)state;
	life_init(&life);
	grant.ticket_size = 213;
	assert_ok(secret_init(&grant.code_key, "0123456789abcdef0123456789abcdef", 32, &err), &err);
	assert_ok(secret_init(&grant.secrets, "{}", 2, &err), &err);
	assert_ok(secret_init(&grant.sealed_secrets, "{}", 2, &err), &err);
	assert_ok(secret_init(&grant.tls_key, "pem", 3, &err), &err);
	life_accept(&life, LIFE_START, &grant, &none);
	assert_null(grant.code_key.data);
	life_drop_secrets(&life);
	assert_null(life.grant.code_key.data);
	assert_null(life.grant.secrets.data);
	assert_null(life.grant.sealed_secrets.data);
	assert_null(life.grant.tls_key.data);
	life_role(&life, &role);
	assert_int_equal(role.ticket_size, 213);
	life_done(&life);
}

static void texts_differ(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(states); i++) {
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(life_state_text(states[i]), life_state_text(states[j]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_these_moves_are_allowed),
	    cmocka_unit_test(nothing_leads_back_to_waiting),
	    cmocka_unit_test(role_and_ticket_come_with_accepted),
	    cmocka_unit_test(dropping_secrets_keeps_the_ticket),
	    cmocka_unit_test(texts_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
