/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provisioning request (E3, attested-channel.md section 6): JSON {uuid, code_secret_key, app_secrets,
 * app_sealed_secrets, ssl_private_key} and the header Mse-Ticket. Only checks and copies: nothing is stored, no state
 * changes. Whoever calls holds the provisioning lock and has seen that the state is WAITING.
 *
 * Unknown members are ignored, as the original did. Secrets live in struct secret and in jansson's memory, which
 * hardening.c has told to wipe.
 */
#ifndef MSE_ENCLAVE_PROVISION_H
#define MSE_ENCLAVE_PROVISION_H

#include "enclave/attested/grant.h"
#include "enclave/attested/identity.h"
#include "enclave/process/settings.h"

#define PROVISION_BODY_MAX (16u << 20)
#define PROVISION_JSON_DEPTH_MAX 32
#define PROVISION_JSON_VALUES_MAX 100000 /* one takes up to 200 bytes while it is checked */
#define PROVISION_TICKET_TEXT_MAX 512
#define PROVISION_TICKET_HEADER "Mse-Ticket"

/* What a request is checked against; borrowed. */
struct provision_context {
	const struct settings *settings;
	const struct instance_input *input;
	const struct identity *identity;
	const uint8_t *fingerprint;
	size_t fingerprint_size;
};

struct provision_request {
	const void *body;
	size_t body_size;
	const char *ticket; /* value of the header, NULL without one */
};

/*
 * The ticket alone (text: NULL without one), for a release that names its owner: before a stranger's body is read.
 * Which of the checks refuses is told to nobody but the operator.
 */
must_check int provision_check_ticket(const struct provision_context *context, const char *text, struct err *err);

/*
 * All checks in the order of section 6. *ret_grant is GRANT_INIT, *ret_owner_tls NULL before; the latter is set in
 * owner mode. On failure both are untouched; err is for the operator's log and never holds anything of the request's
 * secrets.
 */
must_check int provision_check(const struct provision_context *context, const struct provision_request *request,
			       struct grant *ret_grant, struct tls_identity **ret_owner_tls, struct err *err);

/* The TLS identity of owner mode from the host's chain and the owner's key. ERR_INVALID if they do not fit. */
must_check int provision_owner_tls(const struct instance_input *input, const struct secret *key_pem,
				   struct tls_identity **ret, struct err *err);

#endif
