/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/attested/bootstrap.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "enclave/process/arguments.h"
#include "enclave/process/settings.h"
#include "format/listen_address.h"

#define DEFAULT_HOST "0.0.0.0"
#define DEFAULT_PORT "443"
#define DEFAULT_NAME "localhost"
#define EXPIRES_MAX 253402300799ULL /* the last second of the year 9999 */
#define TIMEOUT_MAX (366ULL * 24 * 3600)
#define GRAMINE_FILE "/dev/attestation/user_report_data"

struct options {
	const char *host;
	const char *port;
	const char *subject;
	const char *san;
	const char *domain;
	const char *app_dir;
	const char *id;
	const char *plaincode;
	const char *timeout;
	const char *debug;
	const char *ratls;
	const char *no_ssl;
	const char *certificate;
	const char *help;
	const char *version;
	const char *application;
};

#define OPTIONS_ROWS(options) \
	{ \
		{"--host", "HOST", "address to listen on [" DEFAULT_HOST "]", &(options)->host}, \
		    {"--port", "PORT", "port to listen on [" DEFAULT_PORT "]", &(options)->port}, \
		    {"--subject", "RFC4514", "subject of the RA-TLS certificate [CN=SAN]", &(options)->subject}, \
		    {"--san", "NAME", "name or address in the RA-TLS certificate [" DEFAULT_NAME "]", \
		     &(options)->san}, \
		    {"--domain", "NAME", "with --certificate: the name that clients use [SAN]", &(options)->domain}, \
		    {"--app-dir", "DIR", "the application's code, encrypted (required)", &(options)->app_dir}, \
		    {"--id", "UUID", "which instance this is (required)", &(options)->id}, \
		    {"--plaincode", NULL, "the code is not encrypted", &(options)->plaincode}, \
		    {"--timeout", "SECONDS", "end when nobody has provisioned it by then", &(options)->timeout}, \
		    {"--debug", NULL, "say each phase of the start, with its time", &(options)->debug}, \
		    {"--ratls", "UNIXTIME", "the RA-TLS certificate for all; it ends then", &(options)->ratls}, \
		    {"--no-ssl", NULL, "plain HTTP for the application, behind a proxy", &(options)->no_ssl}, \
		    {"--certificate", "PEM", "the owner's chain; its key comes with the secrets", \
		     &(options)->certificate}, \
		    {"--help", NULL, "this text", &(options)->help}, {"-h", NULL, "this text", &(options)->help}, \
		    {"--version", NULL, "the version of the runtime", &(options)->version}, \
	}

int bootstrap_help(struct buf *ret, struct err *err)
{
	struct options ignored = {0};
	const struct argument rows[] = OPTIONS_ROWS(&ignored);

	if (buf_add_text(ret,
			 "usage: " BOOTSTRAP_NAME " [OPTIONS] --app-dir DIR --id UUID\n"
			 "                     (--ratls UNIXTIME | --no-ssl | --certificate PEM) MODULE:APP\n\n"
			 "Starts the runtime of one application in a TEE and waits for its owner.\n\n",
			 err) < 0)
		return -1;
	return arguments_help(rows, COUNT_OF(rows), ret, err);
}

/* ---- settings ---- */

/* Room for the settings that are added: one for each row of set_all. */
#define ADDED_MAX 8

static int copy_env(char *const *env, struct bootstrap *bootstrap, struct err *err)
{
	size_t count = 0;

	while (env[count])
		count++;
	bootstrap->env = calloc(count + ADDED_MAX + 1, sizeof(*bootstrap->env));
	if (!bootstrap->env)
		return err_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		bootstrap->env[i] = strdup(env[i]);
		if (!bootstrap->env[i])
			return err_no_memory(err);
	}
	return 0;
}

static int add(struct bootstrap *bootstrap, const char *name, const char *value, struct err *err)
{
	size_t count = 0;

	while (bootstrap->env[count])
		count++;
	if (asprintf(&bootstrap->env[count], "%s=%s", name, value) < 0) {
		bootstrap->env[count] = NULL;
		return err_no_memory(err);
	}
	return 0;
}

enum scope { SCOPE_RELEASE, SCOPE_HOST };

/* value NULL: nothing was said. */
static int set(struct bootstrap *bootstrap, const char *option, const char *name, const char *value, enum scope scope,
	       struct err *err)
{
	const char *measured = settings_find(bootstrap->env, name);
	const char *argv = settings_find(bootstrap->env, "MSE_ARGV");

	if (!value)
		return 0;
	if (measured && strcmp(measured, value) != 0)
		return err_set(err, ERR_DENIED, "%s says '%s', the measured setting '%s' says '%s'", option, value,
			       name, measured);
	if (measured)
		return 0;
	if (scope == SCOPE_RELEASE && (!argv || strcmp(argv, "measured") != 0))
		return err_set(
		    err, ERR_DENIED,
		    "%s decides what runs, and nothing measures it: set '%s' in the measured environment, or "
		    "MSE_ARGV=measured in a release that measures its command line",
		    option, name);
	return add(bootstrap, name, value, err);
}

/* "HOST:PORT"; NULL if neither was given and the environment says where. */
static int make_listen(const struct options *options, char *const *env, char **ret, struct err *err)
{
	const char *host = options->host ? options->host : DEFAULT_HOST;
	const char *port = options->port ? options->port : DEFAULT_PORT;
	const bool is_bare_ipv6 = strchr(host, ':') && host[0] != '[';
	struct listen_address address;

	*ret = NULL;
	if (!options->host && !options->port && settings_find(env, "MSE_LISTEN"))
		return 0;
	if (asprintf(ret, is_bare_ipv6 ? "[%s]:%s" : "%s:%s", host, port) < 0) {
		*ret = NULL;
		return err_no_memory(err);
	}
	/* "unix" and a path would be read as a socket's: that is for MSE_LISTEN to say. */
	if (listen_address_parse(*ret, &address, err) < 0)
		return err_prefix(err, "'--host' and '--port'");
	return address.is_unix ? err_set(err, ERR_INVALID, "'--host': '%.64s' is not an address", host) : 0;
}

static int check_timeout(const char *text, struct err *err)
{
	uint64_t ignored;

	if (text && number_parse_u64(text, 1, TIMEOUT_MAX, &ignored, err) < 0)
		return err_prefix(err, "'--timeout'");
	return 0;
}

/* The device that is there: what is chosen can only fail, never weaken. */
static const char *tee_name(void)
{
	return access(GRAMINE_FILE, F_OK) == 0 ? "gramine" : "sim";
}

static int set_all(const struct options *options, struct bootstrap *bootstrap, struct err *err)
{
	scoped(freep) char *listen = NULL;

	if (check_timeout(options->timeout, err) < 0 || make_listen(options, bootstrap->env, &listen, err) < 0)
		return -1;
	const struct {
		const char *option;
		const char *name;
		const char *value;
		enum scope scope;
	} rows[] = {
	    {"the application", "MSE_APPLICATION", options->application, SCOPE_RELEASE},
	    {"'--app-dir'", "CODE_PATH", options->app_dir, SCOPE_RELEASE},
	    {"'--plaincode'", "MSE_PLAINCODE", options->plaincode, SCOPE_RELEASE},
	    {"'--host', '--port'", "MSE_LISTEN", listen, SCOPE_HOST},
	    {"'--timeout'", "MSE_WAIT_SECONDS", options->timeout, SCOPE_HOST},
	    {"'--debug'", "MSE_DEBUG", options->debug, SCOPE_HOST},
	};

	_Static_assert(COUNT_OF(rows) + 2 <= ADDED_MAX, "room for all");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (set(bootstrap, rows[i].option, rows[i].name, rows[i].value, rows[i].scope, err) < 0)
			return -1;
	}
	if (!settings_find(bootstrap->env, "MSE_RELEASE") && add(bootstrap, "MSE_RELEASE", "1", err) < 0)
		return -1;
	return settings_find(bootstrap->env, "MSE_TEE") ? 0 : add(bootstrap, "MSE_TEE", tee_name(), err);
}

/* ---- instance ---- */

static int copy(const char *option, const char *text, char *ret, size_t ret_size, struct err *err)
{
	if (strlen(text) >= ret_size)
		return err_set(err, ERR_LIMIT, "'%s' has more than %zu bytes", option, ret_size - 1);
	memcpy(ret, text, strlen(text) + 1);
	return 0;
}

static int set_expires(const char *text, struct instance *instance, struct err *err)
{
	char formatted[CLOCK_TEXT_SIZE];
	uint64_t seconds;

	if (number_parse_u64(text, 0, EXPIRES_MAX, &seconds, err) < 0)
		return err_prefix(err, "'--ratls'");
	clock_format_utc((int64_t)seconds, formatted);
	return copy("--ratls", formatted, instance->expires, sizeof(instance->expires), err);
}

static int set_subject(const struct options *options, struct instance *instance, struct err *err)
{
	if (options->subject)
		return copy("--subject", options->subject, instance->subject, sizeof(instance->subject), err);
	(void)snprintf(instance->subject, sizeof(instance->subject), "CN=%s", instance->config_domain);
	return 0;
}

static int make_instance(const struct options *options, struct instance *ret, struct err *err)
{
	const char *san = options->san ? options->san : DEFAULT_NAME;

	ret->tls = options->ratls ? INSTANCE_TLS_SELF : options->no_ssl ? INSTANCE_TLS_OPERATOR : INSTANCE_TLS_OWNER;
	if (copy("--san", san, ret->config_domain, sizeof(ret->config_domain), err) < 0 ||
	    copy("--domain", options->domain ? options->domain : san, ret->domain, sizeof(ret->domain), err) < 0 ||
	    copy("--id", options->id, ret->uuid, sizeof(ret->uuid), err) < 0 || set_subject(options, ret, err) < 0)
		return -1;
	return options->ratls ? set_expires(options->ratls, ret, err) : 0;
}

static int check_required(const struct options *options, struct err *err)
{
	const int modes = !!options->ratls + !!options->no_ssl + !!options->certificate;

	if (!options->app_dir)
		return err_set(err, ERR_INVALID, "'--app-dir' is missing");
	if (!options->id)
		return err_set(err, ERR_INVALID, "'--id' is missing");
	if (!options->application)
		return err_set(err, ERR_INVALID, "the application is missing: MODULE:APP");
	if (modes != 1)
		return err_set(err, ERR_INVALID, "one of '--ratls', '--no-ssl' and '--certificate' is wanted, not %d",
			       modes);
	if (options->domain && !options->certificate)
		return err_set(err, ERR_INVALID, "'--domain' goes with '--certificate' only");
	return 0;
}

int bootstrap_parse(char *const *argv, char *const *env, struct bootstrap *ret, struct err *err)
{
	struct options options = {0};
	const struct argument rows[] = OPTIONS_ROWS(&options);
	struct instance instance = {0};

	if (arguments_parse(rows, COUNT_OF(rows), argv, &options.application, err) < 0)
		return -1;
	ret->wants_help = options.help != NULL;
	ret->wants_version = options.version != NULL;
	if (ret->wants_help || ret->wants_version)
		return 0;
	if (check_required(&options, err) < 0 || copy_env(env, ret, err) < 0 || set_all(&options, ret, err) < 0 ||
	    make_instance(&options, &instance, err) < 0)
		return -1;
	ret->is_plain_allowed = instance.tls == INSTANCE_TLS_OPERATOR;
	return instance_input_make(&instance, options.certificate, &ret->input, err);
}

void bootstrap_done(struct bootstrap *bootstrap)
{
	for (size_t i = 0; bootstrap->env && bootstrap->env[i]; i++)
		free(bootstrap->env[i]);
	free(bootstrap->env);
	bootstrap->env = NULL;
	instance_input_done(&bootstrap->input);
}
