/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/deployments.h"

#include <string.h>

#include "cli/context_store.h"
#include "format/base64.h"
#include "format/hex.h"
#include "format/ticket.h"

#define OWNER_KEY_SIZE 32

struct seeking {
	const char *domain;
	char owner_key[HEX_TEXT_SIZE(OWNER_KEY_SIZE)];
	int64_t until;
	int64_t *deployed;
};

int deployment_of_context(const struct context *context, int64_t *deployed, struct err *err)
{
	scoped(buf_done) struct buf bytes = BUF_INIT(TICKET_SIZE_MAX);
	struct ticket ticket;

	if (!context->ticket)
		return 0;
	if (base64_decode(context->ticket, strlen(context->ticket), &bytes, err) < 0 ||
	    ticket_parse(bytes.data, bytes.size, &ticket, err) < 0)
		return err_prefix(err, "instance.ticket");
	if ((int64_t)ticket.deployed > *deployed)
		*deployed = (int64_t)ticket.deployed;
	return 0;
}

static int see_context(const struct context_store_item *item, void *arg, struct err *err)
{
	const struct seeking *seeking = arg;
	const struct context *context = item->context;
	const char *domain = context ? context->domain_name : NULL;
	int64_t deployed = 0;

	if (context && !domain)
		domain = context->config_domain_name;
	if (!domain || strcasecmp(domain, seeking->domain) != 0 || !context->owner_public_key ||
	    strcasecmp(context->owner_public_key, seeking->owner_key) != 0)
		return 0;
	if (deployment_of_context(context, &deployed, err) < 0)
		return err_prefix(err, "context %s", item->uuid);
	if (deployed > *seeking->deployed && deployed <= seeking->until)
		*seeking->deployed = deployed;
	return 0;
}

int deployments_of_owner(const struct settings *settings, const char *domain, const uint8_t owner_key[static 32],
			 int64_t until, int64_t *deployed, struct err *err)
{
	struct seeking seeking = {.domain = domain, .until = until, .deployed = deployed};

	hex_encode(owner_key, OWNER_KEY_SIZE, seeking.owner_key);
	return context_store_each(settings, see_context, &seeking, err);
}
