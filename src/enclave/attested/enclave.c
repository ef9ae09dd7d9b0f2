/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/attested/enclave.h"

#include <string.h>
#include <strings.h>

#include "enclave/attested/connection.h"
#include "enclave/attested/sealed_state.h"
#include "format/attest_message.h"

#define RESERVED_PREFIX "/.well-known/mse/"
#define STARTING_RETRY_AFTER "1"

static void unref_tls(struct tls_identity **identity)
{
	tls_identity_unref(*identity);
	*identity = NULL;
}

static struct provision_context context_of(const struct enclave *enclave)
{
	return (struct provision_context){
	    .settings = &enclave->settings,
	    .input = &enclave->input,
	    .identity = &enclave->identity,
	    .fingerprint = enclave->fingerprint,
	    .fingerprint_size = enclave->fingerprint_size,
	};
}

int enclave_provision_begin(struct enclave *enclave, const char *ticket, struct err *err)
{
	const struct provision_context context = context_of(enclave);

	return provision_check_ticket(&context, ticket, err);
}

static int provision_locked(struct enclave *enclave, const struct provision_request *request, struct err *err)
{
	const struct provision_context context = context_of(enclave);
	scoped(grant_done) struct grant grant = GRANT_INIT;
	scoped(unref_tls) struct tls_identity *owner_tls = NULL;

	if (life_state(&enclave->life) == LIFE_ENDED)
		return err_set(err, ERR_CONFLICT, "it came too late");
	if (life_state(&enclave->life) != LIFE_WAITING)
		return err_set(err, ERR_CONFLICT, "already provisioned");
	if (provision_check(&context, request, &grant, &owner_tls, err) < 0)
		return -1;
	if (enclave->settings.is_restart_sealed &&
	    sealed_state_save(enclave->tee, enclave->settings.state_path, &enclave->input, &enclave->identity, &grant,
			      err) < 0)
		return err_prefix(err, "cannot seal the state");
	life_accept(&enclave->life, LIFE_WAITING, &grant, &owner_tls);
	return 0;
}

int enclave_provision(struct enclave *enclave, const struct provision_request *request, struct err *err)
{
	int status;

	(void)pthread_mutex_lock(&enclave->provisioning);
	status = provision_locked(enclave, request, err);
	(void)pthread_mutex_unlock(&enclave->provisioning);
	return status;
}

bool enclave_end_waiting(struct enclave *enclave)
{
	bool is_waiting;

	(void)pthread_mutex_lock(&enclave->provisioning);
	is_waiting = life_state(&enclave->life) == LIFE_WAITING;
	if (is_waiting)
		life_set(&enclave->life, LIFE_WAITING, LIFE_ENDED);
	(void)pthread_mutex_unlock(&enclave->provisioning);
	return is_waiting;
}

struct tls_identity *enclave_choose_identity(const char *sni, void *arg)
{
	struct enclave *enclave = arg;
	const struct instance *instance = &enclave->input.instance;
	struct tls_identity *owner_tls;

	if (instance->tls == INSTANCE_TLS_OWNER && sni && strcmp(sni, instance->domain) == 0) {
		owner_tls = life_owner_tls(&enclave->life);
		if (owner_tls)
			return owner_tls;
	}
	return tls_identity_ref(enclave->identity.tls);
}

void enclave_reply(struct http_exchange *exchange, int http_status, const char *status, const char *body)
{
	struct http_header headers[4];
	struct err err = ERR_INIT;
	size_t count = 0;

	headers[count++] = (struct http_header){"Content-Type", "text/plain; charset=utf-8"};
	headers[count++] = (struct http_header){"Cache-Control", "no-store"};
	if (status)
		headers[count++] = (struct http_header){"Mse-Status", status};
	if (http_status == 503)
		headers[count++] = (struct http_header){"Retry-After", STARTING_RETRY_AFTER};
	IGNORE_RESULT(http_reply(exchange, http_status, headers, count, body, strlen(body), &err));
}

static enum http_result serve_reserved(struct http_exchange *exchange, struct enclave *enclave)
{
	const struct http_header allow = {"Allow", "POST"};
	struct err err = ERR_INIT;

	if (strcmp(http_path(exchange), ATTEST_PATH) != 0) {
		enclave_reply(exchange, 404, NULL, "not found\n");
		return HTTP_HANDLED;
	}
	if (strcmp(http_method(exchange), "POST") != 0) {
		IGNORE_RESULT(http_reply(exchange, 405, &allow, 1, "", 0, &err));
		return HTTP_HANDLED;
	}
	return attestation_serve(exchange, enclave);
}

static bool is_name(const char *host, size_t size, const char *name)
{
	return size == strlen(name) && strncasecmp(host, name, size) == 0;
}

/* Of the name, without port and without a dot at its end. */
static size_t host_size(const char *host)
{
	const size_t size = strcspn(host, ":");

	return size > 0 && host[size - 1] == '.' ? size - 1 : size;
}

/*
 * An owner whose 200 was lost, or whose script runs twice, sends keys again: they are not the application's. The header
 * tells, or the name where it is not the application's too.
 */
static bool is_provisioning(const struct http_exchange *exchange, const struct instance *instance)
{
	const char *host = http_host(exchange);

	if (strcmp(http_method(exchange), "POST") != 0)
		return false;
	if (http_header(exchange, PROVISION_TICKET_HEADER))
		return true;
	return strcmp(http_path(exchange), "/") == 0 && strcasecmp(instance->domain, instance->config_domain) != 0 &&
	       is_name(host, host_size(host), instance->config_domain);
}

/*
 * Whether the client means us (RFC 9110 7.4): a request for another name took a wrong way, or came from a page whose
 * name was turned to our address. Addresses and names without a dot ("localhost") are nobody's site: a tunnel
 * (mse connect --tcp) ends there. Where TLS ends at the operator it may come without.
 */
static bool is_for_us(const struct http_exchange *exchange, const struct instance *instance)
{
	const char *host = http_host(exchange);
	const size_t size = host_size(host);

	if (!http_is_tls(exchange) || *host == '[' || strspn(host, "0123456789.") == strcspn(host, ":"))
		return true;
	return !memchr(host, '.', size) || is_name(host, size, instance->domain) ||
	       is_name(host, size, instance->config_domain);
}

static enum http_result serve_application(struct http_exchange *exchange, struct enclave *enclave)
{
	if (is_provisioning(exchange, &enclave->input.instance)) {
		enclave_reply(exchange, 409, "Running", "already provisioned\n");
		return HTTP_HANDLED;
	}
	if (is_for_us(exchange, &enclave->input.instance))
		return app_server_serve(exchange, &enclave->app);
	enclave_reply(exchange, 421, NULL, "this enclave does not answer for that host\n");
	return HTTP_HANDLED;
}

enum http_result enclave_serve(struct http_exchange *exchange, void *arg)
{
	struct enclave *enclave = arg;

	/* On the raw path, before anything else: the application never sees it. */
	if (strncmp(http_path(exchange), RESERVED_PREFIX, sizeof(RESERVED_PREFIX) - 1) == 0)
		return serve_reserved(exchange, enclave);
	switch (life_state(&enclave->life)) {
	case LIFE_START:
	case LIFE_WAITING:
	case LIFE_ENDED:
		return configuration_serve(exchange, enclave);
	case LIFE_ACCEPTED:
		enclave_reply(exchange, 503, "Starting", "the application is starting\n");
		return HTTP_HANDLED;
	case LIFE_RUNNING:
		return serve_application(exchange, enclave);
	case LIFE_FAILED:
		enclave_reply(exchange, 503, "Failed", "the application failed\n");
		return HTTP_HANDLED;
	}
	return HTTP_HANDLED;
}
