/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DATA_DIR/msed.toml: one row per key in config.c, which reading, checking and the commented file that `msed init`
 * writes derive from. Owned texts; cloud_config_done frees all.
 */
#ifndef MSE_CLOUD_CONFIG_H
#define MSE_CLOUD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "format/config.h"

#define CONFIG_FILE_NAME "msed.toml"
#define CONFIG_SIZE_MAX 65536
#define CONFIG_BASE_DOMAIN_MAX 200
#define CONFIG_DATA_DIR_MAX 70 /* unix sockets below it must stay under 108 bytes */

struct cloud_config {
	char *base_domain; /* "mse.localhost" */
	int64_t public_port;
	char *public_address;               /* NULL: both loopbacks */
	char *engine;                       /* "process" or, in builds with tests, "fake" */
	char *enclave_program;              /* NULL: beside msed */
	char *sim_program;                  /* NULL: beside msed */
	char *haproxy_program;              /* NULL: looked up in PATH */
	char *log_format;                   /* "text" or "json" */
	int64_t threads;                    /* of the API */
	int64_t drain_seconds;              /* of an app that was replaced */
	struct config_texts egress_allowed; /* private addresses that apps may reach */
};

/* The rows, for the manual page. */
extern const struct config_schema cloud_config_schema;

/* Defaults for everything but base_domain and public_port. */
must_check int cloud_config_defaults(struct cloud_config *ret, struct err *err);
must_check int cloud_config_load(const char *data_dir, struct cloud_config *ret, struct err *err);
must_check int cloud_config_save(const struct cloud_config *config, const char *data_dir, struct err *err);
void cloud_config_done(struct cloud_config *config);

#endif
