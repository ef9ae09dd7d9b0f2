/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a successful provisioning request gives the enclave, and what the sealed state gives back after a restart.
 * Everything is checked before it becomes a grant; only sealed_state.c and the loading of the application read it.
 */
#ifndef MSE_ENCLAVE_GRANT_H
#define MSE_ENCLAVE_GRANT_H

#include "crypto/secret.h"
#include "format/ticket.h"

struct grant {
	uint8_t ticket[TICKET_SIZE_MAX];
	size_t ticket_size;           /* 0: the release names no owner */
	struct secret code_key;       /* 32 bytes; empty for plain code */
	struct secret secrets;        /* JSON text for SECRETS_PATH; empty: none */
	struct secret sealed_secrets; /* JSON text for SEALED_SECRETS_PATH; empty: none */
	struct secret tls_key;        /* PEM, owner mode; else empty */
};

#define GRANT_INIT ((struct grant){.ticket_size = 0})

static inline void grant_done(struct grant *grant)
{
	secret_done(&grant->code_key);
	secret_done(&grant->secrets);
	secret_done(&grant->sealed_secrets);
	secret_done(&grant->tls_key);
	grant->ticket_size = 0;
}

#endif
