/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the untrusted host hands over: INSTANCE_PATH/instance.json, and in owner mode INSTANCE_PATH/fullchain.pem, whose
 * hash the document names. Read once, at start; kept as bytes, since the bytes are what is signed and hashed.
 */
#ifndef MSE_ENCLAVE_INSTANCE_INPUT_H
#define MSE_ENCLAVE_INSTANCE_INPUT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/scoped.h"
#include "crypto/hash.h"
#include "format/instance.h"

#define INSTANCE_CHAIN_SIZE_MAX (64u << 10)
#define INSTANCE_CHAIN_COUNT_MAX 8

struct instance_input {
	struct instance instance;
	struct buf document;
	uint8_t hash[SHA256_SIZE]; /* of the document: "instance" in attested-channel.md section 2 */
	bool has_log_key;
	uint8_t log_key[32];
	struct buf chain_pem; /* empty unless tls is owner */
};

#define INSTANCE_INPUT_INIT \
	((struct instance_input){.document = BUF_INIT(INSTANCE_SIZE_MAX), \
				 .chain_pem = BUF_INIT(INSTANCE_CHAIN_SIZE_MAX)})

/* dir holds the files. ERR_INVALID "instance-malformed: …", or a chain that the document does not name. */
must_check int instance_input_load(const char *dir, struct instance_input *ret, struct err *err);

/*
 * The same from fields, without files but the owner's chain (chain_path, in owner mode), whose hash is filled in. Its
 * leaf must be for the instance's domain.
 */
must_check int instance_input_make(const struct instance *fields, const char *chain_path, struct instance_input *ret,
				   struct err *err);

/* ERR_INVALID if the instance's end lies before now (Unix seconds; the host's clock: a courtesy, not a defence). */
must_check int instance_input_check_expiry(const struct instance_input *input, int64_t now, struct err *err);

void instance_input_done(struct instance_input *input);

/* SHA-256 over the DER of all certificates of a PEM chain, leaf first, joined. */
must_check int instance_chain_hash(const struct buf *pem, uint8_t ret[static SHA256_SIZE], struct err *err);

#endif
