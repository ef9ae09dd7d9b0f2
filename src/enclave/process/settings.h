/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of the runtime: all from the measured environment (loader.env of the manifest), none from argv or files,
 * so whatever they say is covered by the fingerprint. One table row a setting; docs/formats/enclave-settings.md lists
 * them. Texts are copied: what the application does to its environment changes nothing here.
 */
#ifndef MSE_ENCLAVE_SETTINGS_H
#define MSE_ENCLAVE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/scoped.h"
#include "format/listen_address.h"
#include "net/http_server.h"
#include "tee/tee.h"

#define SETTINGS_KEY_SIZE 32
#define SETTINGS_TEXT_MAX 1023
#define SETTINGS_THREADS_MAX \
	48 /* the manifest gives the enclave 64 threads; the rest are ours and the application's \
	    */

/* [NAME, field, default (NULL: must be set)]; values are text as they stand. */
#define SETTINGS_TEXTS(X) \
	X("MSE_APPLICATION", application, NULL) \
	X("MSE_LISTEN", listen, "unix:/run/mse/app.sock") \
	X("MSE_PROXY", proxy_text, "") \
	X("MSE_WAIT_SECONDS", wait_text, "0") \
	X("MSE_DEBUG", debug_text, "0") \
	X("MSE_ARGV", argv_text, "") \
	X("MSE_INTERFACE", interface, "auto") \
	X("MODULE_PATH", module_path, "/mse-app") \
	X("SECRETS_PATH", secrets_path, "/root/.cache/mse/secrets.json") \
	X("SEALED_SECRETS_PATH", sealed_secrets_path, "/root/.cache/mse/sealed_secrets.json") \
	X("CODE_PATH", code_path, "/code") \
	X("INSTANCE_PATH", instance_path, "/instance") \
	X("STATE_PATH", state_path, "/state") \
	X("MSE_OWNER_KEY", owner_key_text, "") \
	X("MSE_CODE_KEY_ID", code_key_id_text, "") \
	X("MSE_TEE", tee_text, NULL) \
	X("MSE_RESTART", restart_text, "sealed") \
	X("MSE_LOGS", logs_text, "owner") \
	X("MSE_PLAINCODE", plaincode_text, "0") \
	X("MSE_RELEASE", release_text, NULL) \
	X("MSE_THREADS", threads_text, "8")

struct settings {
#define X(name, field, fallback) char *field;
	SETTINGS_TEXTS(X)
#undef X
	/* Derived from the texts. */
	struct listen_address listen_address;
	const char *listen_path; /* in listen_address; "" for TCP */
	enum http_proxy_mode proxy;
	unsigned wait_seconds; /* for the owner, then the end; 0: for ever */
	bool is_debug;
	char *module;         /* "package.module" */
	const char *variable; /* "app" or "app.inner", in application */
	enum tee_kind tee;
	bool has_owner_key;     /* else: the original's rule, no tickets */
	bool has_code_key_id;   /* else: a key is right if every file opens */
	bool is_restart_sealed; /* MSE_RESTART=sealed; owner forbids sealing */
	bool is_log_plain;      /* MSE_LOGS=operator */
	bool is_plaincode;
	unsigned threads;
	uint8_t owner_key[SETTINGS_KEY_SIZE];
	uint8_t code_key_id[SETTINGS_KEY_SIZE];
};

/* The value of a variable; NULL if env has none. Borrowed. */
const char *settings_find(char *const *env, const char *name);

/* env: "NAME=value" texts ended by NULL. ERR_INVALID names the setting. *ret is to be settings_done even on failure. */
must_check int settings_load(char *const *env, struct settings *ret, struct err *err);
void settings_done(struct settings *settings);

/* "none", "optional" or "required". */
must_check int settings_parse_proxy(const char *text, enum http_proxy_mode *ret, struct err *err);
/* "auto", "wsgi" or "asgi". */
bool settings_is_interface(const char *text);

#endif
