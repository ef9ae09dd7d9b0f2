/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/app_config.h"

#include <ctype.h>
#include <string.h>

#include "format/toml.h"

static bool is_identifier(const char *text, size_t size)
{
	if (size == 0 || isdigit((unsigned char)text[0]))
		return false;
	for (size_t i = 0; i < size; i++) {
		if (!isalnum((unsigned char)text[i]) && text[i] != '_')
			return false;
	}
	return true;
}

/* Identifiers joined by dots. */
static bool is_dotted(const char *text, size_t size)
{
	size_t start = 0;

	for (size_t i = 0; i <= size; i++) {
		if (i < size && text[i] != '.')
			continue;
		if (!is_identifier(text + start, i - start))
			return false;
		start = i + 1;
	}
	return true;
}

const char *app_config_check_application(const char *text)
{
	const char *colon = strchr(text, ':');

	if (!colon || !is_dotted(text, (size_t)(colon - text)) || !is_identifier(colon + 1, strlen(colon + 1)))
		return "expected module:variable, for example app:app";
	return NULL;
}

const char *app_config_check_endpoint(const char *text)
{
	if (text[0] != '/')
		return "expected a path that starts with /";
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~')
			return "expected a path of printable ASCII without spaces";
		if (*text == '?' || *text == '#')
			return "the endpoint takes no parameters";
	}
	return NULL;
}

static const char *check_printable(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return "control characters are not allowed";
	}
	return NULL;
}

static const char *check_domain(const char *text)
{
	size_t label = 0;

	for (const char *at = text; *at; at++) {
		if (*at == '.' && label == 0)
			return "expected a domain name";
		label = *at == '.' ? 0 : label + 1;
		if (*at != '.' && !isalnum((unsigned char)*at) && *at != '-')
			return "expected a domain name (letters, digits, '-' and '.', no port)";
		if (label > 63)
			return "a label of a domain name has at most 63 characters";
	}
	return label == 0 ? "expected a domain name" : NULL;
}

static const char *check_logs(const char *text)
{
	return strcmp(text, "owner") == 0 || strcmp(text, "operator") == 0 ? NULL
									   : "expected \"owner\" or \"operator\"";
}

static const char *check_egress(const char *text)
{
	return strcmp(text, "none") == 0 || strcmp(text, "internet") == 0 ? NULL : "expected \"none\" or \"internet\"";
}

static const char *check_restart(const char *text)
{
	return strcmp(text, "sealed") == 0 || strcmp(text, "owner") == 0 ? NULL : "expected \"sealed\" or \"owner\"";
}

#define FIELD(name) offsetof(struct app_config, name)

static const struct config_key keys[] = {
    {"name", CONFIG_TEXT, FIELD(name), 1, APP_NAME_MAX, true, check_printable,
     "name of the application, unique among the running ones of a project"},
    {"python_application", CONFIG_TEXT, FIELD(python_application), 1, 255, true, app_config_check_application,
     "module_name:variable_name of the WSGI or ASGI application"},
    {"healthcheck_endpoint", CONFIG_TEXT, FIELD(healthcheck_endpoint), 1, 255, true, app_config_check_endpoint,
     "GET endpoint without authentication and parameters that tells whether the application is ready: below 500"},
    {"tests_cmd", CONFIG_TEXT, FIELD(tests_cmd), 1, APP_COMMAND_MAX, true, check_printable,
     "command that tests the application (test, localtest)"},
    {"tests_requirements", CONFIG_TEXTS, FIELD(tests_requirements), 0, APP_REQUIREMENTS_MAX, true, NULL,
     "requirements to install before the tests (test, localtest)"},
    {"cloud.code", CONFIG_TEXT, FIELD(code), 1, APP_PATH_MAX, true, check_printable,
     "folder of the code, relative to this file"},
    {"cloud.tests", CONFIG_TEXT, FIELD(tests), 1, APP_PATH_MAX, true, check_printable,
     "folder of the tests, relative to this file"},
    {"cloud.docker", CONFIG_TEXT, FIELD(docker), 1, 255, true, check_printable, "image to run, NAME:TAG"},
    {"cloud.project", CONFIG_TEXT, FIELD(project), 1, APP_PROJECT_MAX, true, check_printable,
     "project that groups applications for payment"},
    {"cloud.hardware", CONFIG_TEXT, FIELD(hardware), 1, APP_HARDWARE_MAX, true, check_printable,
     "name of the booked hardware, for example 4g-eu-001"},
    {"cloud.secrets", CONFIG_TEXT, FIELD(secrets), 1, APP_PATH_MAX, false, check_printable,
     "JSON file with secrets for the application"},
    {"cloud.expiration_date", CONFIG_DATE, FIELD(expiration_date), 0, 0, false, NULL,
     "when the application stops, RFC 3339; without an offset in the local zone"},
    {"cloud.dev_mode", CONFIG_BOOL, FIELD(dev_mode), 0, 0, false, NULL, "as --untrusted-ssl"},
    {"cloud.logs", CONFIG_TEXT, FIELD(logs), 1, 16, false, check_logs,
     "who reads the output: \"owner\" (encrypted, default) or \"operator\" (plain)"},
    {"cloud.egress", CONFIG_TEXT, FIELD(egress), 1, 16, false, check_egress,
     "what the application may reach: \"internet\" (default) or \"none\""},
    {"cloud.restart", CONFIG_TEXT, FIELD(restart), 1, 16, false, check_restart,
     "whether a restart resumes from \"sealed\" state (default) or waits for the \"owner\""},
    {"cloud.ssl", CONFIG_TABLE, FIELD(has_ssl), 0, 0, false, NULL, "a domain name and certificate of your own"},
    {"cloud.ssl.domain_name", CONFIG_TEXT, FIELD(ssl_domain_name), 1, APP_DOMAIN_MAX, true, check_domain,
     "domain name, which the certificate holds as subject alternative name"},
    {"cloud.ssl.private_key", CONFIG_TEXT, FIELD(ssl_private_key), 1, APP_PATH_MAX, true, check_printable,
     "file with the private key, PEM"},
    {"cloud.ssl.certificate", CONFIG_TEXT, FIELD(ssl_certificate), 1, APP_PATH_MAX, true, check_printable,
     "file with the full certificate chain, PEM"},
};

/* 0.9, 0.12 and earlier. */
static const struct config_old_key old_keys[] = {
    {"code", "use 'code' and 'docker' in [cloud]"},
    {"ssl", "use [cloud.ssl]"},
    {"resource", "use 'hardware' in [cloud]"},
    {"plan", "use 'hardware' in [cloud]"},
    {"plans", "use 'hardware' in [cloud]"},
    {"hardware", "use 'hardware' in [cloud]"},
    {"project", "use 'project' in [cloud]"},
    {"docker", "use 'docker' in [cloud]"},
    {"secrets", "use 'secrets' in [cloud]"},
    {"expiration_date", "use 'expiration_date' in [cloud]"},
    {"dev", "use --untrusted-ssl"},
    {"dev_mode", "use --untrusted-ssl"},
    {"version", "there is no version any more; remove it"},
    {"code_location", "use 'code' in [cloud]"},
    {"code_dir", "use 'code' in [cloud]"},
    {"health_check_endpoint", "use 'healthcheck_endpoint'"},
    {"python_flask_module", "use 'python_application'"},
    {"python_flask_variable_name", "use 'python_application'"},
    {"cloud.location", "use 'code' in [cloud]"},
    {"cloud.resource", "use 'hardware' in [cloud]"},
    {"cloud.plan", "use 'hardware' in [cloud]"},
    {"cloud.plans", "use 'hardware' in [cloud]"},
};

const struct config_schema app_config_schema = {
    .keys = keys,
    .key_count = COUNT_OF(keys),
    .old_keys = old_keys,
    .old_key_count = COUNT_OF(old_keys),
};

int app_config_parse(const char *file, const void *data, size_t size, struct app_config *ret_config,
		     struct buf *ret_errors, struct err *err)
{
	struct app_config config = {0};

	if (config_read(&app_config_schema, file, data, size, &config, ret_errors, err) < 0)
		return -1;
	*ret_config = config;
	return 0;
}

void app_config_done(struct app_config *config)
{
	config_done(&app_config_schema, config);
}

static int add_key(struct buf *ret, const char *key, const char *value, struct err *err)
{
	if (!value)
		return 0;
	if (buf_addf(ret, err, "%s = ", key) < 0 || toml_add_text(ret, value, err) < 0)
		return -1;
	return buf_add_text(ret, "\n", err);
}

static int add_requirements(struct buf *ret, const struct config_texts *texts, struct err *err)
{
	if (buf_add_text(ret, "tests_requirements = [", err) < 0)
		return -1;
	for (size_t i = 0; i < texts->count; i++) {
		if ((i && buf_add_text(ret, ", ", err) < 0) || toml_add_text(ret, texts->items[i], err) < 0)
			return -1;
	}
	return buf_add_text(ret, "]\n", err);
}

static int add_ssl(const struct app_config *config, struct buf *ret, struct err *err)
{
	if (!config->has_ssl)
		return 0;
	if (buf_add_text(ret, "\n[cloud.ssl]\n", err) < 0 ||
	    add_key(ret, "domain_name", config->ssl_domain_name, err) < 0 ||
	    add_key(ret, "private_key", config->ssl_private_key, err) < 0)
		return -1;
	return add_key(ret, "certificate", config->ssl_certificate, err);
}

static int add_cloud(const struct app_config *config, struct buf *ret, struct err *err)
{
	char date[DATE_TEXT_SIZE];

	if (buf_add_text(ret, "\n[cloud]\n", err) < 0 || add_key(ret, "code", config->code, err) < 0 ||
	    add_key(ret, "tests", config->tests, err) < 0 || add_key(ret, "docker", config->docker, err) < 0 ||
	    add_key(ret, "project", config->project, err) < 0 || add_key(ret, "hardware", config->hardware, err) < 0 ||
	    add_key(ret, "secrets", config->secrets, err) < 0 || add_key(ret, "logs", config->logs, err) < 0 ||
	    add_key(ret, "egress", config->egress, err) < 0 || add_key(ret, "restart", config->restart, err) < 0)
		return -1;
	if (!config->expiration_date.present)
		return 0;
	date_format(&config->expiration_date.date, date);
	return add_key(ret, "expiration_date", date, err);
}

int app_config_format(const struct app_config *config, struct buf *ret, struct err *err)
{
	if (add_key(ret, "name", config->name, err) < 0 ||
	    add_key(ret, "python_application", config->python_application, err) < 0 ||
	    add_key(ret, "healthcheck_endpoint", config->healthcheck_endpoint, err) < 0 ||
	    add_key(ret, "tests_cmd", config->tests_cmd, err) < 0 ||
	    add_requirements(ret, &config->tests_requirements, err) < 0 || add_cloud(config, ret, err) < 0)
		return -1;
	return add_ssl(config, ret, err);
}

char *app_config_module(const struct app_config *config)
{
	return strndup(config->python_application, strcspn(config->python_application, ":"));
}
