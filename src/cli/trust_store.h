/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clouds that the user decided to trust: CONF/trust/HOST_PORT.toml holds what `mse cloud trust add` saw and the user
 * confirmed. The certificate authority is all that counts for TLS to that cloud's API; the simulation root is what
 * evidence of the simulation may end in, for apps of that cloud only. The first one becomes the default cloud.
 */
#ifndef MSE_CLI_TRUST_STORE_H
#define MSE_CLI_TRUST_STORE_H

#include "cli/settings.h"

#define TRUST_FILE_MAX (256u << 10)
#define TRUST_HASH_SIZE 32

struct trust {
	char *url; /* https://HOST[:PORT], no slash at the end */
	char *ca;  /* PEM, one certificate */
	char *ca_sha256;
	char *simulation_root; /* PEM, or NULL */
	char *simulation_root_sha256;
	char *base_domain;
	char *auth; /* base URL of the sign-in, or NULL: the same */
};

void trust_done(struct trust *trust);

/* Scheme, host in lower case, port unless 443; anything else in the URL is ERR_INVALID. Heap. */
must_check int trust_normalize_url(const char *url, char **ret_url, struct err *err);

/* Lower-case hex of the SHA-256 of the one certificate in the PEM text. Heap. */
must_check int trust_fingerprint(const char *pem, char **ret_hex, struct err *err);

/* 1 found, 0 not trusted. */
must_check int trust_find_by_url(const struct settings *settings, const char *url, struct trust *ret_trust,
				 struct err *err);
/* The entry whose base domain the host lies under: 1, 0. */
must_check int trust_find_by_domain(const struct settings *settings, const char *host, struct trust *ret_trust,
				    struct err *err);
/* The URL without MSE_BASE_URL: of the default cloud. 1, 0. */
must_check int trust_default_url(const struct settings *settings, char **ret_url, struct err *err);
must_check int trust_save(const struct settings *settings, const struct trust *trust, struct err *err);
must_check int trust_remove(const struct settings *settings, const char *url, struct err *err);
must_check int trust_each(const struct settings *settings,
			  int (*visit)(const struct trust *trust, void *arg, struct err *err), void *arg,
			  struct err *err);

#endif
