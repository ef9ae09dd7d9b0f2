/* SPDX-License-Identifier: Apache-2.0 */
#include "enclave/process/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "enclave/process/application_name.h"
#include "format/hex.h"

#define WAIT_SECONDS_MAX (366 * 24 * 3600)

const char *settings_find(char *const *env, const char *name)
{
	const size_t size = strlen(name);

	for (; *env; env++) {
		if (strncmp(*env, name, size) == 0 && (*env)[size] == '=')
			return *env + size + 1;
	}
	return NULL;
}

static int copy_text(char *const *env, const char *name, const char *fallback, char **ret, struct err *err)
{
	const char *value = settings_find(env, name);

	if (!value)
		value = fallback;
	if (!value)
		return err_set(err, ERR_INVALID, "setting '%s' is missing", name);
	if (strlen(value) > SETTINGS_TEXT_MAX)
		return err_set(err, ERR_LIMIT, "setting '%s' is longer than %d bytes", name, SETTINGS_TEXT_MAX);
	*ret = strdup(value);
	return *ret ? 0 : err_no_memory(err);
}

static int parse_choice(const char *name, const char *value, const char *yes, const char *no, bool *ret,
			struct err *err)
{
	const bool is_yes = strcmp(value, yes) == 0;

	if (!is_yes && strcmp(value, no) != 0)
		return err_set(err, ERR_INVALID, "setting '%s' is '%s', expected '%s' or '%s'", name, value, yes, no);
	*ret = is_yes;
	return 0;
}

static int parse_key(const char *name, const char *value, bool *ret_has, uint8_t *ret_key, struct err *err)
{
	*ret_has = value[0] != 0;
	if (*ret_has && hex_decode_lower(value, strlen(value), ret_key, SETTINGS_KEY_SIZE, err) < 0)
		return err_prefix(err, "setting '%s'", name);
	return 0;
}

static int parse_application(struct settings *settings, struct err *err)
{
	if (application_name_parse(settings->application, &settings->module, &settings->variable, err) < 0)
		return err_set(err, err->code, "setting 'MSE_APPLICATION' is '%s', expected 'module:variable'",
			       settings->application);
	return 0;
}

static int parse_listen(struct settings *settings, struct err *err)
{
	if (listen_address_parse(settings->listen, &settings->listen_address, err) < 0)
		return err_prefix(err, "setting 'MSE_LISTEN'");
	settings->listen_path = settings->listen_address.path;
	if (settings->listen_address.is_unix && settings->listen_path[0] != '/')
		return err_set(err, ERR_INVALID, "setting 'MSE_LISTEN' is '%s', expected 'unix:/PATH' or 'HOST:PORT'",
			       settings->listen);
	return 0;
}

int settings_parse_proxy(const char *text, enum http_proxy_mode *ret, struct err *err)
{
	static const struct {
		const char *text;
		enum http_proxy_mode mode;
	} rows[] = {{"none", HTTP_PROXY_NONE}, {"optional", HTTP_PROXY_OPTIONAL}, {"required", HTTP_PROXY_REQUIRED}};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (strcmp(text, rows[i].text) == 0) {
			*ret = rows[i].mode;
			return 0;
		}
	}
	return err_set(err, ERR_INVALID, "'%s', expected 'none', 'optional' or 'required'", text);
}

/* A proxy of ours stands before a unix socket; before a port there may be anybody, who could say any address. */
static int parse_proxy(struct settings *settings, struct err *err)
{
	settings->proxy = settings->listen_address.is_unix ? HTTP_PROXY_OPTIONAL : HTTP_PROXY_NONE;
	if (*settings->proxy_text && settings_parse_proxy(settings->proxy_text, &settings->proxy, err) < 0)
		return err_prefix(err, "setting 'MSE_PROXY'");
	return 0;
}

bool settings_is_interface(const char *text)
{
	return strcmp(text, "auto") == 0 || strcmp(text, "wsgi") == 0 || strcmp(text, "asgi") == 0;
}

static int parse_wait(struct settings *settings, struct err *err)
{
	uint64_t seconds;

	if (number_parse_u64(settings->wait_text, 0, WAIT_SECONDS_MAX, &seconds, err) < 0)
		return err_prefix(err, "setting 'MSE_WAIT_SECONDS'");
	settings->wait_seconds = (unsigned)seconds;
	return 0;
}

static int parse_threads(struct settings *settings, struct err *err)
{
	uint64_t threads;

	if (number_parse_u64(settings->threads_text, 1, SETTINGS_THREADS_MAX, &threads, err) < 0)
		return err_prefix(err, "setting 'MSE_THREADS'");
	settings->threads = (unsigned)threads;
	return 0;
}

static int parse_all(struct settings *settings, struct err *err)
{
	if (strcmp(settings->release_text, "1") != 0)
		return err_set(err, ERR_UNSUPPORTED, "setting 'MSE_RELEASE' is '%s', expected '1'",
			       settings->release_text);
	if (tee_kind_parse(settings->tee_text, &settings->tee, err) < 0)
		return err_prefix(err, "setting 'MSE_TEE'");
	if (parse_application(settings, err) < 0 || parse_listen(settings, err) < 0 || parse_proxy(settings, err) < 0 ||
	    parse_wait(settings, err) < 0 || parse_threads(settings, err) < 0)
		return -1;
	if (parse_key("MSE_OWNER_KEY", settings->owner_key_text, &settings->has_owner_key, settings->owner_key, err) <
		0 ||
	    parse_key("MSE_CODE_KEY_ID", settings->code_key_id_text, &settings->has_code_key_id, settings->code_key_id,
		      err) < 0)
		return -1;
	if (parse_choice("MSE_RESTART", settings->restart_text, "sealed", "owner", &settings->is_restart_sealed, err) <
		0 ||
	    parse_choice("MSE_LOGS", settings->logs_text, "operator", "owner", &settings->is_log_plain, err) < 0 ||
	    parse_choice("MSE_DEBUG", settings->debug_text, "1", "0", &settings->is_debug, err) < 0 ||
	    parse_choice("MSE_PLAINCODE", settings->plaincode_text, "1", "0", &settings->is_plaincode, err) < 0)
		return -1;
	if (!settings_is_interface(settings->interface))
		return err_set(err, ERR_INVALID, "setting 'MSE_INTERFACE' is '%s', expected 'auto', 'wsgi' or 'asgi'",
			       settings->interface);
	if (*settings->argv_text && strcmp(settings->argv_text, "measured") != 0)
		return err_set(err, ERR_INVALID, "setting 'MSE_ARGV' is '%s', expected 'measured' or nothing",
			       settings->argv_text);
	/* attested-channel.md section 2: anybody could provision such a release. */
	if (settings->tee != TEE_KIND_SIM && settings->is_plaincode && !settings->has_owner_key)
		return err_set(err, ERR_INVALID, "plain code without an owner key is for simulation only");
	return 0;
}

int settings_load(char *const *env, struct settings *ret, struct err *err)
{
	*ret = (struct settings){0};
#define X(name, field, fallback) \
	if (copy_text(env, name, fallback, &ret->field, err) < 0) \
		return -1;
	SETTINGS_TEXTS(X)
#undef X
	return parse_all(ret, err);
}

void settings_done(struct settings *settings)
{
#define X(name, field, fallback) free(settings->field);
	SETTINGS_TEXTS(X)
#undef X
	free(settings->module);
	*settings = (struct settings){0};
}
