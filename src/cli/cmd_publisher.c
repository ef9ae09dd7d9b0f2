/* SPDX-License-Identifier: Apache-2.0 */
/* mse cloud trust add-publisher, remove-publisher: whose signatures under bills count (docs/formats/bill.md). */
#include "cli/cmd.h"
#include "cli/publisher_store.h"
#include "format/hex.h"

int cmd_publisher_add(struct cmd_call *call, struct err *err)
{
	uint8_t key[PUBLISHER_KEY_SIZE];
	char hex[HEX_TEXT_SIZE(PUBLISHER_KEY_SIZE)];

	if (publisher_read(call->args[0], key, err) < 0 || publisher_add(call->settings, key, err) < 0)
		return -1;
	hex_encode(key, sizeof(key), hex);
	out_success(call->out, "Images signed by the publisher %s are trusted", hex);
	return 0;
}

int cmd_publisher_remove(struct cmd_call *call, struct err *err)
{
	if (publisher_remove(call->settings, call->args[0], err) < 0)
		return -1;
	out_success(call->out, "The publisher %s is no longer trusted", call->args[0]);
	return 0;
}
