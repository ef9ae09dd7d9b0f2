/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishers: keys whose signature under a bill counts (trust rule a). CONF/publishers/HEX.pub holds one Ed25519 key
 * each, as 64 hex digits and a line end; the same text is what `mse image key` writes and publishers hand out.
 */
#ifndef MSE_CLI_PUBLISHER_STORE_H
#define MSE_CLI_PUBLISHER_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "cli/settings.h"
#include "domain/bill_trust.h"

#define PUBLISHER_KEY_SIZE 32

struct publishers {
	uint8_t keys[BILL_PUBLISHERS_MAX][PUBLISHER_KEY_SIZE];
	size_t count;
};

/* Reads a file that holds a public key. */
must_check int publisher_read(const char *path, uint8_t ret_key[static PUBLISHER_KEY_SIZE], struct err *err);
must_check int publisher_add(const struct settings *settings, const uint8_t key[static PUBLISHER_KEY_SIZE],
			     struct err *err);
/* hex as `mse cloud trust list` shows it. */
must_check int publisher_remove(const struct settings *settings, const char *hex, struct err *err);
/* In no order; more than BILL_PUBLISHERS_MAX is ERR_LIMIT. */
must_check int publishers_load(const struct settings *settings, struct publishers *ret, struct err *err);

#endif
