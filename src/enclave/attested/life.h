/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an instance (attested-channel.md section 6) and what it holds in each state:
 *
 *   START ──▶ WAITING ──▶ ACCEPTED ──▶ RUNNING
 *     └──────(sealed)────────┘ └────────▶ FAILED
 *
 * and from WAITING to ENDED, when nobody came in time: from then on nobody's secrets are taken.
 *
 * START: no socket yet. WAITING: role 1, the configuration server. ACCEPTED: role 2, the application is loading.
 * RUNNING: role 2, the application answers. FAILED: it did not load, or has ended its event loop; never back to
 * WAITING. One table of allowed moves, one setter that names the expected old state. Thread-safe.
 */
#ifndef MSE_ENCLAVE_LIFE_H
#define MSE_ENCLAVE_LIFE_H

#include <pthread.h>
#include <stdbool.h>

#include "enclave/attested/grant.h"
#include "net/tls_server.h"

#define LIFE_STATES(X) \
	X(START, "start") \
	X(WAITING, "waiting") X(ACCEPTED, "accepted") X(RUNNING, "running") X(FAILED, "failed") X(ENDED, "ended")

enum life_state {
#define X(name, text) LIFE_##name,
	LIFE_STATES(X)
#undef X
};

const char *life_state_text(enum life_state state);
bool life_is_allowed(enum life_state from, enum life_state to);

struct life {
	pthread_mutex_t lock; /* guards all below */
	enum life_state state;
	struct grant grant; /* set once, with ACCEPTED; read without the lock until its secrets are dropped */
	struct tls_identity *owner_tls; /* owner mode, set with ACCEPTED */
};

/* What fresh attestation reads under one lock. */
struct life_role {
	uint8_t role; /* ATTEST_ROLE_* */
	uint8_t ticket[TICKET_SIZE_MAX];
	size_t ticket_size;
};

void life_init(struct life *life);
void life_done(struct life *life);

enum life_state life_state(struct life *life);
void life_role(struct life *life, struct life_role *ret);

/* A new reference, NULL until ACCEPTED and outside owner mode. */
struct tls_identity *life_owner_tls(struct life *life);

/* A bug if the state is not from, or the move is not allowed. */
void life_set(struct life *life, enum life_state from, enum life_state to);

/* From START or WAITING to ACCEPTED; grant and owner_tls are moved in (left empty). */
void life_accept(struct life *life, enum life_state from, struct grant *grant, struct tls_identity **owner_tls);

/* Wipes what the grant held but the ticket: it has been used, and is sealed if it may be. */
void life_drop_secrets(struct life *life);

#endif
