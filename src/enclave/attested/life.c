/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/attested/life.h"

#include <assert.h>
#include <string.h>

#include "format/attest_message.h"

#define BIT(name) (1u << LIFE_##name)

static const unsigned allowed[] = {
    [LIFE_START] = BIT(WAITING) | BIT(ACCEPTED),
    [LIFE_WAITING] = BIT(ACCEPTED) | BIT(ENDED),
    [LIFE_ACCEPTED] = BIT(RUNNING) | BIT(FAILED),
    [LIFE_RUNNING] = BIT(FAILED),
    [LIFE_FAILED] = 0,
    [LIFE_ENDED] = 0,
};

const char *life_state_text(enum life_state state)
{
	switch (state) {
#define X(name, text) \
	case LIFE_##name: \
		return text;
		LIFE_STATES(X)
#undef X
	}
	return "";
}

bool life_is_allowed(enum life_state from, enum life_state to)
{
	return (allowed[from] & 1u << to) != 0;
}

void life_init(struct life *life)
{
	*life = (struct life){.state = LIFE_START, .grant = GRANT_INIT};
	(void)pthread_mutex_init(&life->lock, NULL);
}

void life_done(struct life *life)
{
	grant_done(&life->grant);
	tls_identity_unref(life->owner_tls);
	life->owner_tls = NULL;
	(void)pthread_mutex_destroy(&life->lock);
}

enum life_state life_state(struct life *life)
{
	enum life_state state;

	(void)pthread_mutex_lock(&life->lock);
	state = life->state;
	(void)pthread_mutex_unlock(&life->lock);
	return state;
}

void life_role(struct life *life, struct life_role *ret)
{
	*ret = (struct life_role){.role = ATTEST_ROLE_CONFIGURATION};
	(void)pthread_mutex_lock(&life->lock);
	if (life->state != LIFE_START && life->state != LIFE_WAITING && life->state != LIFE_ENDED) {
		ret->role = ATTEST_ROLE_APPLICATION;
		ret->ticket_size = life->grant.ticket_size;
		memcpy(ret->ticket, life->grant.ticket, ret->ticket_size);
	}
	(void)pthread_mutex_unlock(&life->lock);
}

struct tls_identity *life_owner_tls(struct life *life)
{
	struct tls_identity *identity;

	(void)pthread_mutex_lock(&life->lock);
	identity = life->owner_tls ? tls_identity_ref(life->owner_tls) : NULL;
	(void)pthread_mutex_unlock(&life->lock);
	return identity;
}

void life_set(struct life *life, enum life_state from, enum life_state to)
{
	(void)pthread_mutex_lock(&life->lock);
	assert(life->state == from && life_is_allowed(from, to));
	life->state = to;
	(void)pthread_mutex_unlock(&life->lock);
}

void life_accept(struct life *life, enum life_state from, struct grant *grant, struct tls_identity **owner_tls)
{
	(void)pthread_mutex_lock(&life->lock);
	assert(life->state == from && life_is_allowed(from, LIFE_ACCEPTED));
	life->state = LIFE_ACCEPTED;
	life->grant = *grant;
	*grant = GRANT_INIT;
	life->owner_tls = TAKE_PTR(*owner_tls);
	(void)pthread_mutex_unlock(&life->lock);
}

void life_drop_secrets(struct life *life)
{
	(void)pthread_mutex_lock(&life->lock);
	secret_done(&life->grant.code_key);
	secret_done(&life->grant.secrets);
	secret_done(&life->grant.sealed_secrets);
	secret_done(&life->grant.tls_key);
	(void)pthread_mutex_unlock(&life->lock);
}
