/* SPDX-License-Identifier: Apache-2.0 */
/* What the context remembers of a deployment (F7 with additions). */
#include <string.h>

#include "cli/deploy.h"
#include "format/base64.h"
#include "format/hex.h"

#define TICKET_TEXT_MAX 512

static int set(char **field, const char *value, struct err *err)
{
	free(*field);
	*field = NULL;
	if (!value)
		return 0;
	*field = strdup(value);
	return *field ? 0 : err_no_memory(err);
}

static int set_hex(char **field, const uint8_t *data, size_t size, struct err *err)
{
	free(*field);
	*field = malloc(HEX_TEXT_SIZE(size));
	if (!*field)
		return err_no_memory(err);
	hex_encode(data, size, *field);
	return 0;
}

static int fill_config(struct deploy *deploy, struct err *err)
{
	const struct app_config *config = &deploy->project.config;
	struct context *context = &deploy->context;

	if (set(&context->name, config->name, err) < 0 || set(&context->project, config->project, err) < 0 ||
	    set(&context->python_application, config->python_application, err) < 0 ||
	    set(&context->docker, config->docker, err) < 0 ||
	    set_hex(&context->code_secret_key, deploy->package.code_key.data, deploy->package.code_key.size, err) < 0 ||
	    (deploy->chain_pem.size && set(&context->ssl_app_certificate, buf_text(&deploy->chain_pem), err) < 0) ||
	    set(&context->tests, deploy->project.tests_dir, err) < 0 ||
	    set(&context->tests_cmd, config->tests_cmd, err) < 0 ||
	    set(&context->healthcheck_endpoint, config->healthcheck_endpoint, err) < 0 ||
	    set(&context->hardware, config->hardware, err) < 0 || set(&context->logs, config->logs, err) < 0 ||
	    set(&context->egress, config->egress, err) < 0)
		return -1;
	return set(&context->restart, config->restart, err);
}

static int fill_requirements(struct deploy *deploy, struct err *err)
{
	const struct config_texts *from = &deploy->project.config.tests_requirements;
	struct config_texts *to = &deploy->context.tests_requirements;

	if (to->items)
		return 0;
	to->items = calloc(from->count + 1, sizeof(*to->items));
	if (!to->items)
		return err_no_memory(err);
	for (; to->count < from->count; to->count++) {
		to->items[to->count] = strdup(from->items[to->count]);
		if (!to->items[to->count])
			return err_no_memory(err);
	}
	return 0;
}

static int fill_files(struct deploy *deploy, struct err *err)
{
	struct context *context = &deploy->context;

	if (context->nonces)
		return 0;
	context->nonces = calloc(deploy->package.count + 1, sizeof(*context->nonces));
	context->files = calloc(deploy->package.count + 1, sizeof(*context->files));
	if (!context->nonces || !context->files)
		return err_no_memory(err);
	for (size_t i = 0; i < deploy->package.count; i++) {
		const struct package_file *from = &deploy->package.files[i];
		struct context_nonce *file = &context->files[context->file_count++];
		struct context_nonce *nonce = &context->nonces[context->nonce_count];

		if (set(&file->path, from->source->path, err) < 0 ||
		    set_hex(&file->hex, from->sha256, sizeof(from->sha256), err) < 0)
			return -1;
		if (from->plain)
			continue;
		context->nonce_count++;
		if (set(&nonce->path, from->source->path, err) < 0 ||
		    set_hex(&nonce->hex, from->nonce, sizeof(from->nonce), err) < 0)
			return -1;
	}
	return 0;
}

static int fill_instance(struct deploy *deploy, struct err *err)
{
	struct context *context = &deploy->context;
	scoped(buf_done) struct buf ticket = BUF_INIT(TICKET_TEXT_MAX);
	const struct date created = date_from_unix(deploy->began);
	char date[DATE_TEXT_SIZE];

	date_format(&created, date);
	context->port = deploy->port;
	context->enclave_size = deploy->enclave_size_mib;
	if (*deploy->instance.expires) {
		context->expires_at.present = true;
		if (date_parse(deploy->instance.expires, &context->expires_at.date, err) < 0)
			return -1;
	}
	if (base64_encode(deploy->ticket, deploy->ticket_size, &ticket, err) < 0 ||
	    set(&context->id, deploy->uuid, err) < 0 ||
	    set(&context->config_domain_name, deploy->instance.config_domain, err) < 0 ||
	    set(&context->domain_name, deploy->instance.domain, err) < 0 ||
	    set(&context->ssl_certificate_origin, instance_tls_text(deploy->instance.tls), err) < 0 ||
	    set(&context->created_at, date, err) < 0 || set(&context->ticket, buf_text(&ticket), err) < 0 ||
	    set(&context->document, buf_text(&deploy->document), err) < 0 ||
	    set_hex(&context->fingerprint, deploy->fingerprint, sizeof(deploy->fingerprint), err) < 0)
		return -1;
	return set_hex(&context->identity, deploy->identity, sizeof(deploy->identity), err);
}

int deploy_fill_context(struct deploy *deploy, struct err *err)
{
	struct context *context = &deploy->context;

	if (fill_config(deploy, err) < 0 || fill_requirements(deploy, err) < 0 || fill_files(deploy, err) < 0 ||
	    fill_instance(deploy, err) < 0 ||
	    set_hex(&context->owner_public_key, deploy->owner_public, sizeof(deploy->owner_public), err) < 0 ||
	    set_hex(&context->code_key_id, deploy->package.code_key_id, sizeof(deploy->package.code_key_id), err) < 0 ||
	    set_hex(&context->bill_digest, deploy->bill_belief.digest, sizeof(deploy->bill_belief.digest), err) < 0 ||
	    set(&context->cloud_url, deploy->api.url, err) < 0 ||
	    set(&context->cloud_ca, deploy->api.trust.ca, err) < 0)
		return -1;
	return set(&context->simulation_root, deploy->api.trust.simulation_root, err);
}
