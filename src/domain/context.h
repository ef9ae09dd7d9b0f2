/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context.mse (mission F7): what the owner keeps of a deployment and hands to app users. Reads version 1.0 and 2.0
 * of the original (naive and zoned dates, the misprint ssl_secret_origin), writes 2.0 with tables and keys of ours
 * added, which older readers ignore. Whoever holds a context can open that one release's code, and nothing else.
 *
 * All texts are on the heap and belong to the context; NULL is absent. context_done wipes the code key.
 */
#ifndef MSE_DOMAIN_CONTEXT_H
#define MSE_DOMAIN_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/config.h"

#define CONTEXT_SIZE_MAX (4u << 20)
#define CONTEXT_TEXT_MAX (64u << 10) /* any one text: certificate chains are the longest */
#define CONTEXT_NONCES_MAX 10000u
#define CONTEXT_NONCE_HEX 48
#define CONTEXT_KEY_HEX 64
#define CONTEXT_IDENTITY_HEX 128

/* One file of the code and a number of it in hex. */
struct context_nonce {
	char *path; /* relative to the code folder, without .enc */
	char *hex;
};

struct context {
	/* [config] */
	char *name;
	char *project;
	char *python_application;
	char *docker;
	char *code_secret_key;     /* hex of 32 bytes */
	char *ssl_app_certificate; /* PEM chain, owner mode */
	char *tests;               /* 2.0 */
	char *tests_cmd;
	struct config_texts tests_requirements;
	char *healthcheck_endpoint; /* ours from here on */
	char *hardware;
	char *logs;
	char *egress;
	char *restart;
	/* [instance] */
	char *id;
	char *config_domain_name;
	int64_t enclave_size; /* MiB */
	struct config_date expires_at;
	char *ssl_certificate_origin; /* "self", "owner", "operator" */
	char *domain_name;            /* ours from here on */
	int64_t port;                 /* 443 when absent */
	char *created_at;
	char *fingerprint;            /* hex of 32 bytes */
	char *identity;               /* hex of 64 bytes */
	char *ticket;                 /* base64 */
	char *machine_id;             /* hex of 32 bytes */
	char *document;               /* the instance document, byte for byte */
	struct context_nonce *nonces; /* 24 bytes each */
	size_t nonce_count;
	struct context_nonce *files; /* ours: SHA-256 of each file as it lies in the tar */
	size_t file_count;
	/* [owner], [image], [cloud]: ours */
	char *owner_public_key; /* hex of 32 bytes; absent when the release names no owner */
	char *code_key_id;      /* hex of 32 bytes */
	char *bill_digest;      /* hex of 32 bytes */
	char *cloud_url;
	char *cloud_ca;        /* PEM */
	char *simulation_root; /* PEM; believed only beside a trust entry or --allow-simulation */
};

/* Fails with ERR_INVALID naming key and place. */
must_check int context_parse(const void *data, size_t size, struct context *ret_context, struct err *err);
must_check int context_format(const struct context *context, struct buf *ret, struct err *err);
void context_done(struct context *context);

/* Whether text is lower-case 8-4-4-4-12 hex: every uuid is checked before it becomes part of a path. */
bool context_is_uuid(const char *text);

#endif
