/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output of an app as the cloud keeps it: lines of the enclave itself in the clear, lines "mse-log-1 BASE64"
 * sealed to the project's log key. The operator can drop, repeat and forge lines (anybody can seal to a public key);
 * it cannot read sealed ones. Where there are sealed lines, those in the clear are marked with LOG_TEXT_HOST; a copy of
 * a sealed line is left out.
 */
#ifndef MSE_CLI_LOG_TEXT_H
#define MSE_CLI_LOG_TEXT_H

#include "base/buf.h"
#include "crypto/secret.h"

#define LOG_TEXT_PREFIX "mse-log-1 "
#define LOG_TEXT_HOST "host: "
#define LOG_TEXT_SIZE_MAX (1u << 20)

struct log_key {
	uint8_t public_key[32];
	struct secret secret_key; /* empty: not on this machine */
};

struct log_count {
	size_t opened;
	size_t unreadable; /* sealed to another key, or cut */
	size_t repeated;   /* two boxes are never the same: copies */
	size_t clear;      /* lines */
};

/* Adds the readable text. */
must_check int log_text_open(const char *text, size_t size, const struct log_key *key, struct buf *ret,
			     struct log_count *ret_count, struct err *err);

/* Control characters but line end and tab become '?': what others wrote must not steer a terminal. */
void log_text_tame(char *text, size_t size);

#endif
