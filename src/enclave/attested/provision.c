/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/attested/provision.h"

#include <string.h>

#include "attest/ticket_verify.h"
#include "base/buf.h"
#include "crypto/sealedbox.h"
#include "enclave/attested/code.h"
#include "format/base64.h"
#include "format/hex.h"
#include "format/json.h"

#define KEY_TEXT_SIZE ((size_t)2 * CODE_KEY_SIZE)

static void wipe_buf(struct buf *buf)
{
	if (buf->data)
		secret_wipe(buf->data, buf->size);
	buf_done(buf);
}

static void unref_tls(struct tls_identity **identity)
{
	tls_identity_unref(*identity);
	*identity = NULL;
}

static int check_uuid(const json_t *body, const struct instance *instance, struct err *err)
{
	const char *uuid;

	if (json_get_text(body, "uuid", INSTANCE_UUID_SIZE, &uuid, err) < 0)
		return -1;
	if (strlen(uuid) != INSTANCE_UUID_SIZE || !secret_equal(uuid, instance->uuid, INSTANCE_UUID_SIZE))
		return err_set(err, ERR_DENIED, "'uuid' is not this instance's");
	return 0;
}

static int check_ticket(const struct provision_context *context, const char *text, struct grant *grant, struct err *err)
{
	const struct ticket_expected expected = {
	    .owner_key = context->settings->owner_key,
	    .identity = context->identity->report_data,
	    .instance = context->input->hash,
	    .fingerprint = context->fingerprint,
	    .fingerprint_size = context->fingerprint_size,
	};
	scoped(buf_done) struct buf ticket = BUF_INIT(TICKET_SIZE_MAX);
	enum ticket_result result;

	if (!context->settings->has_owner_key)
		return 0;
	if (text && (strlen(text) > PROVISION_TICKET_TEXT_MAX || base64_decode(text, strlen(text), &ticket, err) < 0))
		return err_set(err, ERR_DENIED, "the ticket is not base64");
	result = ticket_verify(ticket.data, ticket.size, &expected, NULL);
	if (result != TICKET_OK)
		return err_set(err, ERR_DENIED, "%s", ticket_result_text(result));
	memcpy(grant->ticket, ticket.data, ticket.size);
	grant->ticket_size = ticket.size;
	return 0;
}

int provision_check_ticket(const struct provision_context *context, const char *text, struct err *err)
{
	scoped(grant_done) struct grant grant = GRANT_INIT;

	return check_ticket(context, text, &grant, err);
}

/* Takes "code_secret_key" out of an object into *ret_key, if it is there. */
static int take_code_key(const json_t *object, struct secret *ret_key, struct err *err)
{
	scoped(secret_done) struct secret key = SECRET_INIT;
	const char *text;
	const int found = json_find_text(object, "code_secret_key", KEY_TEXT_SIZE, &text, err);

	if (found <= 0)
		return found;
	if (secret_new(&key, CODE_KEY_SIZE, err) < 0)
		return -1;
	if (hex_decode(text, strlen(text), key.data, key.size, err) < 0)
		return err_set(err, ERR_DENIED, "'code_secret_key' is not %d bytes in hex", CODE_KEY_SIZE);
	if (ret_key->size != 0 && !secret_equal(ret_key->data, key.data, CODE_KEY_SIZE))
		return err_set(err, ERR_DENIED, "two code keys were sent");
	secret_done(ret_key);
	*ret_key = key;
	key = SECRET_INIT;
	return 0;
}

/* The value as JSON text in secret memory. */
static int format_secret(const json_t *value, struct secret *ret, struct err *err)
{
	scoped(wipe_buf) struct buf text = BUF_INIT(PROVISION_BODY_MAX);

	/* One allocation, so that growing leaves no copy behind. */
	uint8_t *room;
	if (buf_reserve(&text, PROVISION_BODY_MAX, &room, err) < 0 || json_format(value, &text, err) < 0)
		return -1;
	return secret_init(ret, text.data, text.size, err);
}

static int decode_box(const char *text, struct buf *ret, struct err *err)
{
	size_t size = strlen(text);

	/* The original's encoder pads, our own does not. */
	while (size > 0 && text[size - 1] == '=')
		size--;
	return base64url_decode(text, size, ret, err);
}

/* Opens the sealed box; its code key goes to the grant, the rest is what the application gets to see. */
static int open_sealed(const struct identity *identity, const char *text, struct grant *grant, struct err *err)
{
	scoped(buf_done) struct buf box = BUF_INIT(PROVISION_BODY_MAX);
	scoped(secret_done) struct secret plain = SECRET_INIT;
	scoped(json_decrefp) json_t *object = NULL;

	if (decode_box(text, &box, err) < 0 ||
	    sealedbox_open(identity->x25519_public, identity->x25519_secret.data, box.data, box.size, &plain, err) <
		0 ||
	    json_parse_bounded(plain.data, plain.size, PROVISION_JSON_DEPTH_MAX, PROVISION_JSON_VALUES_MAX, &object,
			       err) < 0)
		return err_set(err, ERR_DENIED, "the sealed secrets do not open to JSON");
	if (!json_is_object(object))
		return format_secret(object, &grant->sealed_secrets, err);
	if (take_code_key(object, &grant->code_key, err) < 0)
		return -1;
	(void)json_object_del(object, "code_secret_key");
	return format_secret(object, &grant->sealed_secrets, err);
}

static int take_sealed_secrets(const struct provision_context *context, const json_t *body, struct grant *grant,
			       struct err *err)
{
	const json_t *value = json_object_get(body, "app_sealed_secrets");

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value))
		return err_set(err, ERR_DENIED, "'app_sealed_secrets' is not a text");
	return open_sealed(context->identity, json_string_value(value), grant, err);
}

static int check_code_key(const struct settings *settings, const struct grant *grant, struct err *err)
{
	uint8_t id[SETTINGS_KEY_SIZE];

	if (settings->is_plaincode)
		return 0;
	if (grant->code_key.size != CODE_KEY_SIZE)
		return err_set(err, ERR_DENIED, "no code key");
	code_key_id(grant->code_key.data, id);
	if (settings->has_code_key_id && !secret_equal(id, settings->code_key_id, sizeof(id)))
		return err_set(err, ERR_DENIED, "the code key is not the measured one");
	return 0;
}

int provision_owner_tls(const struct instance_input *input, const struct secret *key_pem, struct tls_identity **ret,
			struct err *err)
{
	return tls_identity_from_pem(input->chain_pem.data, input->chain_pem.size, key_pem->data, key_pem->size, ret,
				     err);
}

static int take_owner_tls(const struct provision_context *context, const json_t *body, struct grant *grant,
			  struct tls_identity **ret_owner_tls, struct err *err)
{
	const char *text;

	if (context->input->instance.tls != INSTANCE_TLS_OWNER)
		return 0;
	if (json_get_text(body, "ssl_private_key", INSTANCE_CHAIN_SIZE_MAX, &text, err) < 0)
		return err_set(err, ERR_DENIED, "no 'ssl_private_key'");
	if (secret_init(&grant->tls_key, text, strlen(text), err) < 0)
		return -1;
	if (provision_owner_tls(context->input, &grant->tls_key, ret_owner_tls, err) < 0)
		return err_set(err, ERR_DENIED, "'ssl_private_key' does not fit the instance's certificate");
	return 0;
}

static int check_code(const struct settings *settings, const struct grant *grant, struct err *err)
{
	return settings->is_plaincode ? 0 : code_check(settings->code_path, grant->code_key.data, err);
}

static int take_secrets(const json_t *body, struct grant *grant, struct err *err)
{
	const json_t *value = json_object_get(body, "app_secrets");

	return !value || json_is_null(value) ? 0 : format_secret(value, &grant->secrets, err);
}

static int parse_body(const struct provision_request *request, json_t **ret, struct err *err)
{
	if (request->body_size > PROVISION_BODY_MAX)
		return err_set(err, ERR_LIMIT, "the request has more than %u bytes", PROVISION_BODY_MAX);
	/* jansson's message may quote the text: do not pass it on. */
	if (json_parse_bounded(request->body, request->body_size, PROVISION_JSON_DEPTH_MAX, PROVISION_JSON_VALUES_MAX,
			       ret, err) < 0)
		return err_set(err, ERR_DENIED, "the request is not JSON");
	return 0;
}

int provision_check(const struct provision_context *context, const struct provision_request *request,
		    struct grant *ret_grant, struct tls_identity **ret_owner_tls, struct err *err)
{
	scoped(grant_done) struct grant grant = GRANT_INIT;
	scoped(unref_tls) struct tls_identity *owner_tls = NULL;
	scoped(json_decrefp) json_t *body = NULL;

	if (parse_body(request, &body, err) < 0 || check_uuid(body, &context->input->instance, err) < 0 ||
	    check_ticket(context, request->ticket, &grant, err) < 0)
		return -1;
	/* The box comes before the key, because the key may be in it. */
	if (take_code_key(body, &grant.code_key, err) < 0 || take_sealed_secrets(context, body, &grant, err) < 0 ||
	    check_code_key(context->settings, &grant, err) < 0 ||
	    take_owner_tls(context, body, &grant, &owner_tls, err) < 0 ||
	    check_code(context->settings, &grant, err) < 0 || take_secrets(body, &grant, err) < 0)
		return -1;
	*ret_grant = grant;
	grant = GRANT_INIT;
	*ret_owner_tls = TAKE_PTR(owner_tls);
	return 0;
}
