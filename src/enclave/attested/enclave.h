/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything one enclave is made of, as runtime.c puts it together. Immutable after start but for life, which has its
 * own lock, and provisioning, which lets one provisioning request be checked at a time.
 */
#ifndef MSE_ENCLAVE_ENCLAVE_H
#define MSE_ENCLAVE_ENCLAVE_H

#include <stdatomic.h>

#include "enclave/attested/identity.h"
#include "enclave/attested/instance_input.h"
#include "enclave/attested/life.h"
#include "enclave/attested/provision.h"
#include "enclave/attested/quoter.h"
#include "enclave/process/settings.h"
#include "enclave/serve/app_server.h"
#include "net/http_server.h"
#include "tee/tee.h"

#define ENCLAVE_SLOW_BODY_MS 120000

struct enclave {
	struct settings settings;
	struct instance_input input;
	struct tee *tee;
	uint8_t fingerprint[TEE_MEASUREMENT_SIZE_MAX];
	size_t fingerprint_size;
	bool is_plain_allowed; /* plain HTTP too (operator mode): never for what provisions */
	struct identity identity;
	struct life life;
	pthread_mutex_t provisioning; /* held for all checks of one POST; taken before life.lock */
	atomic_uint slow_bodies;      /* that are read now, where anybody may send secrets */
	unsigned slow_body_ms;        /* each may take so long to come */
	struct quoter *quoter;
	struct app_server app;
	void (*on_accepted)(void *arg); /* told once, after the state is ACCEPTED; must not block */
	void *on_accepted_arg;
};

/* Whether a request may be the owner's, by its ticket: its body is not read before. */
must_check int enclave_provision_begin(struct enclave *enclave, const char *ticket, struct err *err);

/*
 * One provisioning request: state, all checks, sealing, ACCEPTED. On failure nothing has changed; err is for the
 * operator's log.
 */
must_check int enclave_provision(struct enclave *enclave, const struct provision_request *request, struct err *err);

/*
 * Nobody is waited for any more. false: somebody came before, and was told so; else whoever comes now is refused, so no
 * owner hears that it was taken by an enclave that ends.
 */
bool enclave_end_waiting(struct enclave *enclave);

/* The certificate for a handshake (net/tls_server.h: tls_choose); arg is the struct enclave. */
struct tls_identity *enclave_choose_identity(const char *sni, void *arg);

/* The handler of the one listening socket; arg is the struct enclave. */
enum http_result enclave_serve(struct http_exchange *exchange, void *arg);

/* Before provisioning: GET tells that we wait, POST / provisions (configuration.c). */
enum http_result configuration_serve(struct http_exchange *exchange, struct enclave *enclave);

/* POST /.well-known/mse/attestation (attestation.c). */
enum http_result attestation_serve(struct http_exchange *exchange, struct enclave *enclave);

/* A short reply with "Mse-Status: STATUS" (NULL: without). */
void enclave_reply(struct http_exchange *exchange, int http_status, const char *status, const char *body);

#endif
