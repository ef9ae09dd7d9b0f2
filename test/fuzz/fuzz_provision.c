/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provisioning request: first line the Mse-Ticket header, the rest the body, against a release with plain code and
 * no owner, so that all parsing is reached (the sealed secrets' box is opened too, with a key that fits none).
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/sealedbox.h"
#include "enclave/attested/provision.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct settings settings;
static struct instance_input input;
static struct identity identity;

static void setup(void)
{
	const uint8_t seed[32] = {3};
	struct err err = ERR_INIT;

	settings = (struct settings){.is_plaincode = true};
	input = INSTANCE_INPUT_INIT;
	identity = IDENTITY_INIT;
	memcpy(input.instance.uuid, "3f1d7a52-0000-4000-8000-0123456789ab", INSTANCE_UUID_SIZE + 1);
	if (x25519_keypair_from_seed(seed, identity.x25519_public, &identity.x25519_secret, &err) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *line_end = memchr(data, '\n', size);
	const uint8_t fingerprint[32] = {0};
	const struct provision_context context = {
	    .settings = &settings,
	    .input = &input,
	    .identity = &identity,
	    .fingerprint = fingerprint,
	    .fingerprint_size = sizeof(fingerprint),
	};
	struct provision_request request = {0};
	scoped(grant_done) struct grant grant = GRANT_INIT;
	struct tls_identity *owner_tls = NULL;
	scoped(freep) char *ticket = NULL;
	struct err err = ERR_INIT;

	if (!identity.x25519_secret.data)
		setup();
	if (!line_end)
		return 0;
	ticket = strndup((const char *)data, (size_t)(line_end - data));
	request.ticket = ticket;
	request.body = line_end + 1;
	request.body_size = size - (size_t)(line_end + 1 - data);
	/* Every second input asks for a ticket, which is never right. */
	settings.has_owner_key = size % 2 == 1;
	if (provision_check(&context, &request, &grant, &owner_tls, &err) == 0 && settings.has_owner_key)
		abort();
	tls_identity_unref(owner_tls);
	return 0;
}
