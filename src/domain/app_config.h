/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mse.toml (mission K1 to K4): what an application is and where it is to run. The rows of app_config_schema are the
 * only place that knows the keys: messages, `mse cloud init` and docs/formats/mse-toml.md derive from them.
 */
#ifndef MSE_DOMAIN_APP_CONFIG_H
#define MSE_DOMAIN_APP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/config.h"

#define APP_NAME_MAX 255
#define APP_PROJECT_MAX 255
#define APP_HARDWARE_MAX 16
#define APP_PATH_MAX 1024
#define APP_COMMAND_MAX 4096
#define APP_DOMAIN_MAX 253
#define APP_REQUIREMENTS_MAX 64
#define APP_CONFIG_SIZE_MAX (256u << 10)
#define APP_CONFIG_ERRORS_SIZE_MAX (128u << 10)

struct app_config {
	char *name;
	char *python_application; /* module:variable */
	char *healthcheck_endpoint;
	char *tests_cmd;
	struct config_texts tests_requirements;
	/* [cloud] */
	char *code; /* paths as written: relative to the file, or with ~ */
	char *tests;
	char *docker;
	char *project;
	char *hardware;
	char *secrets; /* NULL when absent */
	struct config_date expiration_date;
	bool dev_mode; /* hidden: what --untrusted-ssl sets */
	char *logs;    /* "owner" (default, NULL), "operator" */
	char *egress;  /* "internet" (default, NULL), "none" */
	char *restart; /* "sealed" (default, NULL), "owner" */
	/* [cloud.ssl] */
	bool has_ssl;
	char *ssl_domain_name;
	char *ssl_private_key;
	char *ssl_certificate;
};

extern const struct config_schema app_config_schema;

/* On failure *ret_errors (initialised by the caller with APP_CONFIG_ERRORS_SIZE_MAX) holds every error, one a line
 * as FILE:LINE:COLUMN: text. */
must_check int app_config_parse(const char *file, const void *data, size_t size, struct app_config *ret_config,
				struct buf *ret_errors, struct err *err);
void app_config_done(struct app_config *config);

/* A config with every required key, as `init` and `scaffold` write it. Texts are escaped. */
must_check int app_config_format(const struct app_config *config, struct buf *ret, struct err *err);

/* "module" of "module:variable", copied; NULL only when out of memory. */
char *app_config_module(const struct app_config *config);

/* NULL, or what is wrong with the text: as the rows say it. For questions of `init`. */
const char *app_config_check_application(const char *text);
const char *app_config_check_endpoint(const char *text);

#endif
